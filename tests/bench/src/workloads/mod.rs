//! What is asked of the server. A family of workloads is one file here, a workload one line in
//! [`ALL`].
//!
//! Owns what a workload consists of: its wishes, what lies there before, what is measured beside it,
//! and what it must reach.

mod aggregate;
mod bulk;
mod find;
mod insert;
mod replicated;
mod scan;
mod sort;
mod update;
mod ycsb;

use crate::action::Actions;
use crate::dataset::Dataset;
use crate::goals::{Compared, Goal};
use crate::in_process::Work;
use crate::stream::Stream;

/// Every workload, in the order they are run.
pub(crate) static ALL: &[&Workload] = &[
    &find::BY_ID,
    &find::RANGE,
    &find::BY_INDEX,
    &insert::ONE_NODE,
    &replicated::ONE,
    &bulk::ONE_NODE,
    &replicated::MANY,
    &update::INCREMENT,
    &update::HOT,
    &ycsb::A,
    &ycsb::B,
    &ycsb::C,
    &ycsb::D,
    &ycsb::E,
    &ycsb::F,
    &scan::FILTER,
    &aggregate::FEW_GROUPS,
    &aggregate::MANY_GROUPS,
    &sort::WITHOUT_INDEX,
    &sort::WITH_INDEX,
];

pub(crate) struct Workload {
    pub(crate) name: &'static str,
    /// One line for the reader of the figures; it ends with what an answer promises.
    pub(crate) summary: &'static str,
    /// The numbers of connections it is measured with, unless others are asked for.
    pub(crate) connections: &'static [u16],
    /// How many nodes the server has; more than one acknowledge by majority.
    pub(crate) members: usize,
    /// What is there before. Without it the store begins empty and grows, so that each round of a
    /// single node needs a new one.
    pub(crate) dataset: Option<Dataset>,
    pub(crate) actions: fn(Stream) -> Box<dyn Actions>,
    pub(crate) counted: Counted,
    /// How much one request must bring to disk before it is answered; 0 for a read.
    pub(crate) durable_bytes: usize,
    pub(crate) beside: &'static [Beside],
    pub(crate) goals: &'static [Goal],
}

/// How many documents one request reads or writes: figures are for each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// As one, however many it brings.
    Request,
    Documents(u64),
    /// All documents of the collection.
    Collection,
}

/// What is measured in turns with the server.
pub(crate) enum Beside {
    /// A server that always gives the same answer.
    Wire,
    Postgres,
    /// Three nodes of it.
    Etcd,
    /// The engine, and the log where something is written, called by one thread of ours.
    InProcess(Work),
    /// `fdatasync` of the same bytes.
    Disk,
    /// The server itself with another workload, under that one's name.
    Own(&'static Workload),
}

impl Workload {
    pub(crate) fn grows(&self) -> bool {
        self.dataset.is_none()
    }

    pub(crate) fn documents_per_operation(&self, records: u64) -> u64 {
        match self.counted {
            Counted::Request => 1,
            Counted::Documents(count) => count,
            Counted::Collection => records,
        }
    }
}

impl Beside {
    /// What it is called in tables; the disk's yardstick has two manners.
    pub(crate) fn names(&self) -> &'static [&'static str] {
        match self {
            Beside::Wire => &["wire"],
            Beside::Postgres => &["postgresql"],
            Beside::Etcd => &["etcd"],
            Beside::InProcess(_) => &["in-process"],
            Beside::Disk => &["fdatasync-append", "fdatasync-overwrite"],
            Beside::Own(workload) => std::slice::from_ref(&workload.name),
        }
    }
}

/// The workload `name`.
pub(crate) fn by_name(name: &str) -> Option<&'static Workload> {
    ALL.iter().copied().find(|workload| workload.name == name)
}

const fn throughput(connections: u16, of: &'static str, reach: f64) -> Goal {
    Goal { connections, of, compared: Compared::Throughput, reach }
}

const fn best(connections: u16, of: &'static str, reach: f64) -> Goal {
    Goal { connections, of, compared: Compared::BestThroughput, reach }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_different_and_goals_speak_of_what_is_measured() {
        let mut names = HashSet::new();
        for workload in ALL {
            assert!(names.insert(workload.name), "{}", workload.name);
            for goal in workload.goals {
                let beside = workload.beside.iter();
                let names: Vec<_> = beside.flat_map(Beside::names).copied().collect();
                assert!(
                    names.contains(&goal.of),
                    "{}: {} not in {names:?}",
                    workload.name,
                    goal.of
                );
                assert!(workload.connections.contains(&goal.connections), "{}", workload.name);
            }
        }
    }
}
