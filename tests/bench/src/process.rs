//! What processes and the machine have used, from /proc.
//!
//! Owns reading it. A figure that cannot be read is a failure, never a zero.

use quire_tests::{Failure, Result};
use std::fs;
use std::time::Duration;

/// What one process has used.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// User and system time since it started.
    pub(crate) cpu: Duration,
    pub(crate) rss_bytes: u64,
    /// What of that is files and shared memory.
    pub(crate) shared_bytes: u64,
}

/// What all processors together have done since the machine started, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MachineTicks {
    /// Running processes; interrupts are left out, because the network's belong to our load.
    processes: u64,
    steal: u64,
    total: u64,
}

/// How much of the machine others took, each a share from 0 to 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Disturbance {
    pub(crate) background: f64,
    pub(crate) steal: f64,
}

pub(crate) fn usage(process_id: u32) -> Result<Usage> {
    let path = format!("/proc/{process_id}/stat");
    let stat = fs::read_to_string(&path).map_err(Failure::during(&path))?;
    let path = format!("/proc/{process_id}/statm");
    let statm = fs::read_to_string(&path).map_err(Failure::during(&path))?;
    let ticks = cpu_ticks(&stat).ok_or_else(|| Failure::new("no CPU times in /proc"))?;
    let mut pages = statm.split(' ').skip(1).map_while(|pages| pages.parse::<u64>().ok());
    let (Some(resident), Some(shared)) = (pages.next(), pages.next()) else {
        return Err(Failure::new("no memory in /proc"));
    };
    let bytes = |pages: u64| pages.saturating_mul(rustix::param::page_size() as u64);
    Ok(Usage { cpu: duration_of(ticks), rss_bytes: bytes(resident), shared_bytes: bytes(shared) })
}

/// Processor time to the nanosecond, of a process of one thread. The ticks of `usage` are too long for
/// many processes that each do little.
pub(crate) fn fine_cpu(process_id: u32) -> Option<Duration> {
    let schedstat = fs::read_to_string(format!("/proc/{process_id}/schedstat")).ok()?;
    schedstat.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// What has been written to all disks of the machine since it started. A process's own count tells
/// what it made dirty, which on file systems with large folios is up to a thousand times as much.
pub(crate) fn disk_written_bytes() -> Result<u64> {
    let stats =
        fs::read_to_string("/proc/diskstats").map_err(Failure::during("/proc/diskstats"))?;
    let is_disk = |name: &str| {
        let device = std::path::Path::new("/sys/block").join(name).join("device");
        device.exists()
    };
    Ok(written_by(&stats, is_disk))
}

/// The tenth column counts sectors written; partitions and layers would count twice.
fn written_by(diskstats: &str, is_disk: impl Fn(&str) -> bool) -> u64 {
    let sectors = diskstats.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let name = fields.get(2).filter(|name| is_disk(name))?;
        let sectors = fields.get(9)?.parse::<u64>().ok();
        sectors.filter(|_| !name.is_empty())
    });
    sectors.sum::<u64>().saturating_mul(512)
}

/// The processes that `parent` has started and that still are.
pub(crate) fn children(parent: u32) -> Result<Vec<u32>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(id) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // It may have ended meanwhile.
        let Ok(stat) = fs::read_to_string(format!("/proc/{id}/stat")) else { continue };
        let its_parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1));
        if its_parent.and_then(|its_parent| its_parent.parse().ok()) == Some(parent) {
            found.push(id);
        }
    }
    Ok(found)
}

/// The user and system ticks of /proc/PID/stat. The process's name, in parentheses, may hold anything.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, behind_name) = stat.rsplit_once(')')?;
    let mut fields = behind_name.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    user.checked_add(system)
}

fn duration_of(ticks: u64) -> Duration {
    Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

impl MachineTicks {
    pub(crate) fn now() -> Result<MachineTicks> {
        let stat = fs::read_to_string("/proc/stat").map_err(Failure::during("/proc/stat"))?;
        parse_machine(&stat).ok_or_else(|| Failure::new("no processors in /proc/stat"))
    }

    /// What others did since `before`, while our own processes used `own`.
    pub(crate) fn disturbance_since(self, before: MachineTicks, own: Duration) -> Disturbance {
        let total = self.total.saturating_sub(before.total).max(1) as f64;
        let busy = duration_of(self.processes.saturating_sub(before.processes));
        let others = busy.saturating_sub(own).as_secs_f64();
        let ticks = others * rustix::param::clock_ticks_per_second() as f64;
        let steal = self.steal.saturating_sub(before.steal) as f64;
        Disturbance { background: ticks / total, steal: steal / total }
    }
}

/// user, nice, system, idle, iowait, irq, softirq, steal: the first line of /proc/stat.
fn parse_machine(stat: &str) -> Option<MachineTicks> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u64> = line.split_whitespace().map_while(|t| t.parse().ok()).collect();
    let at = |index: usize| ticks.get(index).copied();
    Some(MachineTicks {
        processes: at(0)? + at(1)? + at(2)?,
        steal: at(7)?,
        total: ticks.iter().take(8).sum(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_ticks_are_found_behind_any_name() {
        let stat = "42 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 120 34 0 0 20 0 5 0 900 1000 30";
        assert_eq!(cpu_ticks(stat), Some(154));
        assert_eq!(cpu_ticks("42 (cut off) S 1 2"), None);
    }

    #[test]
    fn the_machine_is_read_from_its_first_line() {
        let stat = "cpu  10 1 5 100 7 2 3 4 0 0\ncpu0 1 1 1 1\n";
        let wanted = MachineTicks { processes: 16, steal: 4, total: 132 };
        assert_eq!(parse_machine(stat), Some(wanted));
        assert_eq!(parse_machine("cpu0 1 2 3"), None);
    }

    #[test]
    fn own_work_is_no_disturbance() {
        let before = MachineTicks { processes: 0, steal: 0, total: 0 };
        let second = rustix::param::clock_ticks_per_second();
        let after = MachineTicks { processes: second, steal: second / 10, total: 2 * second };
        let seen = after.disturbance_since(before, Duration::from_millis(800));
        assert!((seen.background - 0.1).abs() < 1e-9, "{seen:?}");
        assert!((seen.steal - 0.05).abs() < 1e-9, "{seen:?}");
    }

    #[test]
    fn our_own_process_has_used_memory_and_is_its_parents_child() {
        assert!(usage(std::process::id()).unwrap().rss_bytes > 100_000);
        let parent = std::os::unix::process::parent_id();
        assert!(children(parent).unwrap().contains(&std::process::id()));
    }

    #[test]
    fn sectors_of_disks_count_and_those_of_partitions_do_not() {
        let stats = "254 0 vda 9 9 9 9 9 9 100 9 9 9 9\n254 1 vda1 9 9 9 9 9 9 60 9 9 9 9\n";
        assert_eq!(written_by(stats, |name| name == "vda"), 51_200);
    }

    #[test]
    fn a_process_of_one_thread_tells_its_time_to_the_nanosecond() {
        if let Some(cpu) = fine_cpu(std::process::id()) {
            assert!(cpu > Duration::ZERO);
        }
    }
}
