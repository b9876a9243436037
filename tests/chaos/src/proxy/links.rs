//! Which ways between nodes and clients are open, and how long bytes take on them.
//!
//! Owns the table and the news of its changes. A way has a direction: one can be cut while its
//! opposite is open.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How many nodes there are.
pub(crate) const NODES: usize = 3;

/// Nodes and, behind them, all clients as one.
const PARTIES: usize = NODES + 1;

/// One end of a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Party {
    Node(usize),
    Clients,
}

impl Party {
    fn place(self) -> usize {
        match self {
            Party::Node(node) => node.min(NODES - 1),
            Party::Clients => NODES,
        }
    }
}

/// The condition of one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) open: bool,
    pub(crate) delay: Duration,
}

impl Link {
    pub(crate) const SOUND: Link = Link { open: true, delay: Duration::ZERO };
    pub(crate) const CUT: Link = Link { open: false, delay: Duration::ZERO };
}

type Table = [[Link; PARTIES]; PARTIES];

/// All ways.
#[derive(Clone)]
pub(crate) struct Links {
    table: Arc<watch::Sender<Table>>,
}

impl Links {
    pub(crate) fn sound() -> Links {
        Links { table: Arc::new(watch::Sender::new([[Link::SOUND; PARTIES]; PARTIES])) }
    }

    pub(crate) fn set(&self, from: Party, to: Party, link: Link) {
        self.table.send_modify(|table| table[from.place()][to.place()] = link);
    }

    pub(crate) fn set_both_ways(&self, one: Party, other: Party, link: Link) {
        self.set(one, other, link);
        self.set(other, one, link);
    }

    pub(crate) fn heal(&self) {
        self.table.send_replace([[Link::SOUND; PARTIES]; PARTIES]);
    }

    pub(crate) fn way(&self, from: Party, to: Party) -> Way {
        Way { table: self.table.subscribe(), from: from.place(), to: to.place() }
    }
}

/// One way, as those see it that are under way.
#[derive(Clone)]
pub(crate) struct Way {
    table: watch::Receiver<Table>,
    from: usize,
    to: usize,
}

impl Way {
    fn link(&self) -> Link {
        self.table.borrow()[self.from][self.to]
    }

    pub(crate) fn delay(&self) -> Duration {
        self.link().delay
    }

    /// Waits until the way is open; for ever when the run has ended.
    pub(crate) async fn until_open(&self) {
        let (from, to) = (self.from, self.to);
        let mut table = self.table.clone();
        if table.wait_for(|table| table[from][to].open).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
