//! Whom a window's load goes to, and which processes do its work.
//!
//! Owns nothing that runs: who started the processes ends them.

use crate::process::{self, Usage};
use crate::stream::Store;
use quire_tests::Result;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) processes: Processes,
    pub(crate) language: Language,
    pub(crate) store: Arc<Store>,
    /// Whether all of it can be put on one processor beside a single connection.
    pub(crate) is_pinnable: bool,
}

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    OpMsg,
    /// OP_MSG too, by the stock Rust driver.
    Driver,
    Postgres,
    Etcd,
}

#[derive(Clone, Debug)]
pub(crate) enum Processes {
    These(Vec<u32>),
    /// A process and its children, as they are at each look.
    Family(u32),
}

impl Processes {
    pub(crate) fn ids(&self) -> Result<Vec<u32>> {
        match self {
            Processes::These(ids) => Ok(ids.clone()),
            Processes::Family(parent) => {
                let mut ids = process::children(*parent)?;
                ids.push(*parent);
                Ok(ids)
            }
        }
    }

    /// What all of them have used, each by itself.
    pub(crate) fn usage(&self) -> Result<Use> {
        let is_family = matches!(self, Processes::Family(_));
        let mut each = Vec::new();
        for id in self.ids()? {
            match process::usage(id) {
                Ok(usage) if is_family => {
                    let cpu = process::fine_cpu(id).unwrap_or(usage.cpu);
                    each.push((id, Usage { cpu, ..usage }));
                }
                Ok(usage) => each.push((id, usage)),
                // A child may end between being listed and being looked at.
                Err(_) if is_family => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(Use { each, is_family })
    }
}

/// What processes have used, each by itself: some of a family end, and others begin.
pub(crate) struct Use {
    each: Vec<(u32, Usage)>,
    is_family: bool,
}

impl Use {
    /// The processor time of those that still are, since `before`.
    pub(crate) fn cpu_since(&self, before: &Use) -> Duration {
        let earlier = |id: u32| before.each.iter().find(|(own, _)| *own == id);
        let since = self.each.iter().map(|(id, usage)| {
            usage.cpu.saturating_sub(earlier(*id).map_or(Duration::ZERO, |(_, usage)| usage.cpu))
        });
        since.sum()
    }

    /// Members of a family share memory, which counts once.
    pub(crate) fn rss_bytes(&self) -> u64 {
        let shared = |usage: &Usage| if self.is_family { usage.shared_bytes } else { 0 };
        let own = self.each.iter().map(|(_, usage)| usage.rss_bytes.saturating_sub(shared(usage)));
        let shared = self.each.iter().map(|(_, usage)| shared(usage)).max().unwrap_or(0);
        own.sum::<u64>() + shared
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn using(id: u32, cpu: u64, rss_bytes: u64, shared_bytes: u64) -> (u32, Usage) {
        (id, Usage { cpu: Duration::from_secs(cpu), rss_bytes, shared_bytes })
    }

    #[test]
    fn who_ended_or_began_meanwhile_does_not_spoil_the_sum() {
        let before = Use { each: vec![using(1, 5, 0, 0), using(2, 9, 0, 0)], is_family: true };
        let after = Use { each: vec![using(1, 7, 50, 40), using(3, 1, 60, 45)], is_family: true };
        assert_eq!(after.cpu_since(&before), Duration::from_secs(3));
        assert_eq!(after.rss_bytes(), 10 + 15 + 45);
    }
}
