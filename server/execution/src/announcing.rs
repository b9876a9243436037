//! The state machine with a bell: whoever waits for something to be applied hears of it.

use crate::wait::Signal;
use quire_documents::Documents;
use quire_log::{Applied, Completeness, Entry, Export, Fatal, LogIndex, StateMachine};
use std::sync::Arc;

/// Wraps the documents and notifies a signal after every applied step, and when steps were lost.
pub struct Announcing {
    documents: Arc<Documents>,
    applied: Arc<Signal>,
}

impl Announcing {
    pub fn new(documents: Arc<Documents>, applied: Arc<Signal>) -> Announcing {
        Announcing { documents, applied }
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
        self.documents.apply(entries)?;
        self.applied.notify();
        Ok(())
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

    fn begin_install(&self) -> Result<(), Fatal> {
        self.documents.begin_install()
    }

    fn install_chunk(&self, chunk: &[u8]) -> Result<(), Fatal> {
        self.documents.install_chunk(chunk)
    }

    fn finish_install(&self) -> Result<Applied, Fatal> {
        let applied = self.documents.finish_install()?;
        // the copy may contain what somebody waits for
        self.applied.notify();
        Ok(applied)
    }

    fn log_restarted(&self) -> Result<(), Fatal> {
        self.documents.log_restarted()
    }
}
