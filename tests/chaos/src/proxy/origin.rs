//! Who opened a connection: one of the nodes, or a client.
//!
//! Owns the reading of /proc. All of them connect from the loopback address, so the kernel is asked
//! which process holds the other end.

use std::fmt::Write;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

/// The process of each node that runs.
#[derive(Clone, Default)]
pub(crate) struct Processes {
    ids: Arc<Mutex<Vec<Option<u32>>>>,
}

impl Processes {
    pub(crate) fn set(&self, node: usize, process: Option<u32>) {
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        if ids.len() <= node {
            ids.resize(node + 1, None);
        }
        ids[node] = process;
    }

    /// The node that holds the end `own` of a connection to `other`.
    pub(super) fn owner_of(&self, own: SocketAddr, other: SocketAddr) -> Option<usize> {
        let socket = inode(&fs::read_to_string("/proc/net/tcp").ok()?, own, other)?;
        let ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner).clone();
        ids.iter().position(|id| id.is_some_and(|id| holds(id, &socket)))
    }
}

/// The inode of the socket with these two ends.
fn inode(table: &str, own: SocketAddr, other: SocketAddr) -> Option<String> {
    let (own, other) = (spelled(own)?, spelled(other)?);
    table.lines().skip(1).find_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let ends = (fields.next()?, fields.next()?);
        // State, queues, timer, retransmissions, user and timeout lie between.
        (ends == (own.as_str(), other.as_str())).then(|| fields.nth(6))?.map(str::to_owned)
    })
}

/// An address as the kernel spells it: bytes of the address in reverse, and the port.
fn spelled(address: SocketAddr) -> Option<String> {
    let IpAddr::V4(ip) = address.ip() else { return None };
    let mut text = String::new();
    for byte in ip.octets().iter().rev() {
        write!(text, "{byte:02X}").ok()?;
    }
    write!(text, ":{:04X}", address.port()).ok()?;
    Some(text)
}

fn holds(process: u32, socket: &str) -> bool {
    let wanted = format!("socket:[{socket}]");
    let Ok(descriptors) = fs::read_dir(format!("/proc/{process}/fd")) else { return false };
    descriptors
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .any(|target| target.to_string_lossy() == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_socket_is_found_by_its_two_ends() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   \
                     uid  timeout inode\n   0: 0100007F:4E20 0100007F:9C41 01 00000000:00000000 \
                     00:00000000 00000000     0        0 4711 1 0000000000000000\n";
        let (own, other) = ("127.0.0.1:20000".parse().unwrap(), "127.0.0.1:40001".parse().unwrap());
        assert_eq!(inode(table, own, other).as_deref(), Some("4711"));
        assert_eq!(inode(table, other, own), None);
    }

    #[test]
    fn connections_of_a_known_process_are_told_from_others() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (own, other) = (near.local_addr().unwrap(), near.peer_addr().unwrap());
        let processes = Processes::default();
        assert_eq!(processes.owner_of(own, other), None);
        processes.set(2, Some(std::process::id()));
        assert_eq!(processes.owner_of(own, other), Some(2));
        assert_eq!(processes.owner_of(other, "127.0.0.1:1".parse().unwrap()), None);
    }
}
