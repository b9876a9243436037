//! Facts about the machine and this process, read from the operating system.

use quire_bson::{Document, doc};
use quire_commands::{DiskSpace, MemoryUse, ProcessUse};
use std::path::Path;
use std::time::Duration;

/// In what the system counts reads and writes of a process.
const BLOCK_BYTES: u64 = 512;

/// The name of this machine.
pub(crate) fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Descriptors that the stores and the log need besides the connections.
const DESCRIPTORS_OF_OUR_OWN: u64 = 1500;

/// Allows this process as many descriptors as the system lets it have, and gives the number of
/// connections that leaves room for.
pub(crate) fn connections_possible(wanted: u64) -> u64 {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Refused, what we have already stays.
    let _ = setrlimit(Resource::Nofile, limit);
    match getrlimit(Resource::Nofile).current {
        Some(descriptors) => wanted.min(descriptors.saturating_sub(DESCRIPTORS_OF_OUR_OWN).max(64)),
        None => wanted,
    }
}

/// Memory of this process.
pub(crate) fn memory() -> MemoryUse {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    MemoryUse {
        resident: kib("VmRSS:").unwrap_or(0).saturating_mul(1024),
        virtual_size: kib("VmSize:").unwrap_or(0).saturating_mul(1024),
    }
}

/// What this process has used of the machine since its start.
pub(crate) fn process_use() -> ProcessUse {
    let of_process =
        |name: &str| std::fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
    let (stat, status, io) = (of_process("stat"), of_process("status"), of_process("io"));
    let line = |text: &str, name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    // What stands in brackets is a name and may have anything in it; behind it comes the third field.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let field = |number: usize| {
        fields.split_whitespace().nth(number.saturating_sub(3))?.parse::<u64>().ok()
    };
    let micros = |ticks: Option<u64>| {
        let ticks = Duration::from_secs(ticks.unwrap_or(0)).as_micros();
        let per_second = u128::from(rustix::param::clock_ticks_per_second().max(1));
        u64::try_from(ticks / per_second).unwrap_or(u64::MAX)
    };
    ProcessUse {
        user_micros: micros(field(14)),
        system_micros: micros(field(15)),
        resident_max_kib: line(&status, "VmHWM:").unwrap_or(0),
        blocks_read: line(&io, "read_bytes:").unwrap_or(0) / BLOCK_BYTES,
        blocks_written: line(&io, "write_bytes:").unwrap_or(0) / BLOCK_BYTES,
        page_reclaims: field(10).unwrap_or(0),
        page_faults: field(12).unwrap_or(0),
        voluntary_switches: line(&status, "voluntary_ctxt_switches:").unwrap_or(0),
        involuntary_switches: line(&status, "nonvoluntary_ctxt_switches:").unwrap_or(0),
        threads: field(20).unwrap_or(0),
    }
}

/// Space on the disk under `path`.
pub(crate) fn disk(path: &Path) -> Option<DiskSpace> {
    let space = rustix::fs::statvfs(path).ok()?;
    Some(DiskSpace {
        free: space.f_bavail.saturating_mul(space.f_frsize),
        total: space.f_blocks.saturating_mul(space.f_frsize),
    })
}

/// What `hostInfo` shows.
pub(crate) fn host_info() -> Document {
    let uname = rustix::system::uname();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory_mib = memory_total_mib();
    doc! {
        "system": {
            "hostname": host_name(),
            "cpuAddrSize": 64,
            "memSizeMB": memory_mib,
            "memLimitMB": memory_mib,
            "numCores": i32::try_from(cores).unwrap_or(i32::MAX),
            "numCoresAvailableToProcess": i32::try_from(cores).unwrap_or(i32::MAX),
            "cpuArch": std::env::consts::ARCH,
            "numaEnabled": false,
        },
        "os": {
            "type": "Linux",
            "name": os_name(),
            "version": uname.release().to_string_lossy().into_owned(),
        },
        "extra": { "kernelVersion": uname.release().to_string_lossy().into_owned() },
    }
}

fn memory_total_mib() -> i64 {
    let info = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = info.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = total.and_then(|rest| rest.split_whitespace().next()?.parse::<i64>().ok());
    kib.unwrap_or(0) / 1024
}

fn os_name() -> String {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.map_or_else(|| "Linux".to_owned(), |name| name.trim_matches('"').to_owned())
}
