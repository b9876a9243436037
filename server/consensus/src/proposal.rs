//! Proposals on their way to being committed.
//!
//! Owns the promise a proposer holds. A ticket ends in one of two ways: the entry is committed and
//! applied here, or its fate is not known to this node. It never says "definitely not written",
//! because an entry whose sync failed may still be on disk.

use futures_channel::oneshot;
use quire_log::{Bytes, LogIndex, Term, Timestamp};
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
    /// A proposal that this one was planned over has been lost; nothing was written.
    Superseded,
    /// The entry is committed and could not be applied here yet; it will be.
    Stalled,
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

    /// Takes an answer that is there already out of its channel.
    pub(crate) fn at_once(mut self) -> Ticket {
        if let State::Waiting(receiver) = &mut self.state
            && let Ok(Some(outcome)) = receiver.try_recv()
        {
            self.state = State::Done(outcome);
        }
        self
    }

    /// The outcome, if there is one already.
    pub fn outcome(&mut self) -> Option<Result<Committed, Lost>> {
        match &mut self.state {
            State::Done(outcome) => Some(*outcome),
            State::Waiting(receiver) => match receiver.try_recv() {
                Ok(outcome) => outcome,
                Err(_) => Some(Err(Lost { cause: LostCause::ShuttingDown })),
            },
        }
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

/// What to write.
#[derive(Debug)]
pub(crate) struct Proposal {
    pub(crate) timestamp: Timestamp,
    pub(crate) payload: Bytes,
}

/// A queued proposal: what to write, and whom to tell.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) proposal: Proposal,
    pub(crate) waiter: Waiter,
}

/// The other end of a ticket.
#[derive(Debug)]
pub(crate) struct Waiter(oneshot::Sender<Result<Committed, Lost>>);

impl Waiter {
    /// A ticket and its other end.
    pub(crate) fn pair() -> (Waiter, Ticket) {
        let (sender, receiver) = oneshot::channel();
        (Waiter(sender), Ticket { state: State::Waiting(receiver) })
    }

    pub(crate) fn answer(self, outcome: Result<Committed, Lost>) {
        // The client may have gone; the write stands all the same.
        let _ = self.0.send(outcome);
    }
}
