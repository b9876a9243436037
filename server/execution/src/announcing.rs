//! The state machine with a bell and a memory: whoever waits for something to be applied hears of it,
//! and what is about to change is kept for those who read the past.

use crate::History;
use crate::wait::Signal;
use quire_documents::Documents;
use quire_log::{Applied, Completeness, Entry, Export, Fatal, LogIndex, StateMachine};
use std::sync::Arc;

/// Wraps the documents and notifies a signal after every applied step, and when steps were lost.
pub struct Announcing {
    documents: Arc<Documents>,
    history: Arc<History>,
    applied: Arc<Signal>,
}

impl Announcing {
    pub fn new(documents: Arc<Documents>, applied: Arc<Signal>) -> Announcing {
        let history = Arc::new(History::new(documents.clone()));
        Announcing { documents, history, applied }
    }

    pub fn history(&self) -> &Arc<History> {
        &self.history
    }

    /// Applies the entries in as many steps as there are states to keep. Those of a step that failed
    /// may come again, and with them those of the steps before it.
    fn apply_by_steps(&self, entries: &[Entry]) -> Result<(), Fatal> {
        let mut rest = entries;
        loop {
            let applied = self.documents.applied().index;
            let known = rest.iter().take_while(|entry| entry.index <= applied).count();
            rest = rest.get(known..).unwrap_or_default();
            if rest.is_empty() {
                return Ok(());
            }
            let step = self.history.next_step(rest).map_err(|error| Fatal {
                reason: format!("the state before a step cannot be kept: {error}"),
                no_space: false,
            })?;
            let (step, behind) = rest.split_at(step.clamp(1, rest.len()));
            self.documents.apply(step)?;
            rest = behind;
        }
    }
}

impl StateMachine for Announcing {
    fn applied(&self) -> Applied {
        self.documents.applied()
    }

    fn durable(&self) -> Result<LogIndex, Fatal> {
        self.documents.durable()
    }

    fn apply(&self, entries: &[Entry]) -> Result<(), Fatal> {
        self.apply_by_steps(entries)?;
        self.applied.notify();
        Ok(())
    }

    fn pass(&self, entries: &[Entry]) -> Result<(), Fatal> {
        self.documents.pass(entries)?;
        self.applied.notify();
        Ok(())
    }

    fn is_hollow(&self) -> bool {
        self.documents.is_hollow()
    }

    fn lost(&self) {
        self.applied.notify();
    }

    fn flush(&self) -> Result<(), Fatal> {
        self.documents.flush()
    }

    fn completeness(&self) -> Completeness {
        self.documents.completeness()
    }

    fn configuration(&self) -> Option<Vec<u8>> {
        self.documents.configuration()
    }

    fn export(&self) -> Result<Box<dyn Export>, Fatal> {
        self.documents.export()
    }

    fn export_position(&self) -> Result<Box<dyn Export>, Fatal> {
        self.documents.export_position()
    }

    fn begin_install(&self) -> Result<(), Fatal> {
        self.history.forget();
        self.documents.begin_install()
    }

    fn install_chunk(&self, chunk: &[u8]) -> Result<(), Fatal> {
        self.documents.install_chunk(chunk)
    }

    fn finish_install(&self) -> Result<Applied, Fatal> {
        let applied = self.documents.finish_install()?;
        // Of what was there before nothing may be taken for the copy's past.
        self.history.forget();
        // the copy may contain what somebody waits for
        self.applied.notify();
        Ok(applied)
    }

    fn log_restarted(&self) -> Result<(), Fatal> {
        self.documents.log_restarted()
    }
}
