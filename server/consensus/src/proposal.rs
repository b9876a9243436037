//! Proposals on their way to being committed.
//!
//! Owns the promise a proposer holds. A ticket ends in one of two ways: the entry is committed and
//! applied here, or its fate is not known to this node. It never says "definitely not written",
//! because an entry whose sync failed may still be on disk.

use futures_channel::oneshot;
use quire_log::{LogIndex, Term, Timestamp};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Where a proposal ended up, once it is committed and its effects can be read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    pub index: LogIndex,
    pub term: Term,
    pub timestamp: Timestamp,
}

/// Why the outcome of a proposal is not known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostCause {
    /// This node is not, or no longer, the one that accepts proposals.
    NotLeader,
    /// The node is going down.
    ShuttingDown,
    /// The disk is full; the entry was refused before or while it was written.
    NoSpace,
    /// The log cannot take more until it has caught up.
    Overloaded,
    /// The local log or state failed.
    Failed,
}

/// The outcome of a proposal is unknown to this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the outcome of the write is unknown: {cause:?}")]
pub struct Lost {
    pub cause: LostCause,
}

/// Waits for one proposal. Dropping it does not take the proposal back.
#[derive(Debug)]
pub struct Ticket {
    state: State,
}

#[derive(Debug)]
enum State {
    Done(Result<Committed, Lost>),
    Waiting(oneshot::Receiver<Result<Committed, Lost>>),
}

impl Ticket {
    pub(crate) fn done(outcome: Result<Committed, Lost>) -> Ticket {
        Ticket { state: State::Done(outcome) }
    }

    pub(crate) fn waiting(receiver: oneshot::Receiver<Result<Committed, Lost>>) -> Ticket {
        Ticket { state: State::Waiting(receiver) }
    }
}

impl Future for Ticket {
    type Output = Result<Committed, Lost>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.state {
            State::Done(outcome) => Poll::Ready(*outcome),
            State::Waiting(receiver) => Pin::new(receiver)
                .poll(cx)
                .map(|received| received.unwrap_or(Err(Lost { cause: LostCause::ShuttingDown }))),
        }
    }
}

/// A queued proposal: what to write, and whom to tell.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) timestamp: Timestamp,
    pub(crate) payload: Vec<u8>,
    pub(crate) waiter: Waiter,
}

/// The other end of a ticket. The writer that commits inline waits for nobody.
#[derive(Debug)]
pub(crate) enum Waiter {
    Inline,
    Remote(oneshot::Sender<Result<Committed, Lost>>),
}

impl Waiter {
    pub(crate) fn answer(self, outcome: Result<Committed, Lost>) {
        if let Waiter::Remote(sender) = self {
            // The client may have gone; the write stands all the same.
            let _ = sender.send(outcome);
        }
    }
}
