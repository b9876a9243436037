//! Ports that stay ours while their process is down.
//!
//! Owns the choice: below the range from which the kernel takes ports for outgoing connections, for
//! one of these could sit on a port while its node is being restarted.

use crate::failure::{Failure, Result};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

const FIRST: u16 = 20_000;
const COUNT: u16 = 10_000;

/// Distinct ports on which nobody listens.
pub(crate) fn free(count: usize) -> Result<Vec<u16>> {
    // Runs side by side begin at different places.
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = std::process::id() % u32::from(COUNT);
    let mut found = Vec::new();
    for _ in 0..COUNT {
        if found.len() == count {
            break;
        }
        let offset = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let place = (start + offset) % u32::from(COUNT);
        let port = FIRST + u16::try_from(place).unwrap_or(0);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            found.push(port);
        }
    }
    if found.len() < count {
        return Err(Failure::new("no free ports"));
    }
    Ok(found)
}
