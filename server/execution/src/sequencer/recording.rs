//! Numbered writes: those that a client may send again.
//!
//! Owns what a batch says of its statements, and reading what is known of a session. A statement that
//! is carried out is recorded by the very entry that carries it out, and the record is read only
//! where writes are taken, so it holds all that was ever committed; the epoch tells whether that is
//! still so when the batch is put in order.

use super::{Refusal, Sequencer, State};
use quire_consensus::{Lost, LostCause};
use quire_documents::{Effect, SessionHeader, SessionKey, StatementResult, Statements};
use quire_errors::{Code, CommandError, Result};

/// What a batch of a numbered command is recorded under.
pub struct Recording<'a> {
    pub session: SessionKey,
    pub number: i64,
    /// The epoch in which the session's record was read.
    pub epoch: u64,
    /// The statement that each change carries out, and what its retry is told.
    pub statements: Vec<(i32, StatementResult)>,
    /// `None` for a batch that belongs to the commit of the one before it.
    pub gate: Option<&'a dyn CommitGate>,
}

/// Asked when numbered writes are about to be proposed. Must not wait.
pub trait CommitGate: Send + Sync {
    /// Fails when they must not be.
    fn pass(&self) -> Result<()>;
}

/// What is known of a session where writes are taken.
#[derive(Debug)]
pub struct SessionStanding {
    /// The epoch in which this holds.
    pub epoch: u64,
    pub header: Option<SessionHeader>,
}

impl Recording<'_> {
    /// The effect that records what was accepted.
    pub(super) fn effect(self, accepted: &[usize], state: &State) -> Effect {
        let Recording { session, number, statements: all, .. } = self;
        let mut statements = Vec::new();
        let mut accepted = accepted.iter().copied().peekable();
        for (position, (id, result)) in all.into_iter().enumerate() {
            if accepted.next_if_eq(&position).is_some() {
                Statements::push(&mut statements, id, result);
            }
        }
        Effect::RecordStatements { session, number, revision: state.last, statements }
    }

    /// Refuses what was decided from a record that may have grown elsewhere since.
    pub(super) fn check(&self, state: &State) -> Result<(), Refusal> {
        if self.epoch == state.epoch {
            return Ok(());
        }
        Err(Refusal::Error(CommandError::new(
            Code::InterruptedDueToReplStateChange,
            "writes were lost or another primary was elected while this one was on its way",
        )))
    }
}

impl Sequencer {
    /// Looks a session up where writes are taken. Who looks makes sure that nobody else writes in the
    /// session, and that what was written before has its fate.
    pub fn session_standing(&self, session: &SessionKey) -> Result<SessionStanding> {
        // In this order: a leader has applied all that was committed before its first own write, and
        // the epoch changes whenever it becomes one.
        let epoch = self.replica.epoch();
        if !self.replica.is_writable() {
            let refused = Lost { cause: self.replica.refusal().unwrap_or(LostCause::NotLeader) };
            return Err(Refusal::from_lost(refused).into_error());
        }
        let header = self.documents.live().session_header(session);
        Ok(SessionStanding { epoch, header: header.map_err(crate::local_failure)? })
    }
}
