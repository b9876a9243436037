//! The log and the data of a node, and what becomes of them in a crash.

use crate::planted::{ForgetfulFiles, Planted};
use crate::random::Random;
use quire_documents::Documents;
use quire_engine::{Call, Effect, Engine, EngineError, Fault, Faulty, FaultyEngine, MemoryEngine};
use quire_keys::KeySpace;
use quire_log::{FileEffect, FileFault, MemoryFiles, SegmentFiles, SegmentLog};
use std::io::ErrorKind;
use std::sync::Arc;

/// So small that a run goes through many of them.
const SEGMENT_BYTES: u64 = 16 << 10;

struct Store {
    memory: Arc<MemoryEngine>,
    faults: Arc<FaultyEngine>,
}

impl Store {
    fn over(memory: Arc<MemoryEngine>) -> Store {
        let faults = Arc::new(Faulty::new(memory.clone() as Arc<dyn Engine>));
        Store { memory, faults }
    }

    fn empty(spaces: usize) -> Store {
        Store::over(Arc::new(MemoryEngine::new(spaces)))
    }

    /// What another process finds: everything that was written.
    fn reopened(&self) -> Store {
        Store::over(self.memory.clone())
    }

    /// What is found after the power was gone.
    fn cut(&self, seed: u64) -> Store {
        Store::over(Arc::new(self.memory.after_crash_seeded(seed)))
    }
}

pub struct Disk {
    log: Arc<MemoryFiles>,
    data: Store,
}

impl Disk {
    pub fn empty() -> Disk {
        Disk { log: Arc::default(), data: Store::empty(KeySpace::ALL.len()) }
    }

    /// The process ends; with the power, unless it is only the process.
    #[must_use]
    pub fn after_crash(&self, power: Option<u64>) -> Disk {
        match power {
            Some(seed) => Disk {
                log: Arc::new(self.log.after_crash(seed)),
                data: self.data.cut(seed.rotate_left(32)),
            },
            // What the cache holds stays, and so does what of it will never get to the disk.
            None => {
                self.log.heal();
                Disk { log: self.log.clone(), data: self.data.reopened() }
            }
        }
    }

    pub fn open_log(&self, planted: Option<Planted>) -> Result<SegmentLog, String> {
        let files: Arc<dyn SegmentFiles> = match planted {
            Some(Planted::UnsyncedIsEnough) => Arc::new(ForgetfulFiles::over(self.log.clone())),
            _ => self.log.clone(),
        };
        SegmentLog::open(files, SEGMENT_BYTES).map_err(|error| error.to_string())
    }

    pub fn open_data(&self) -> Result<Documents, String> {
        Documents::open(self.data.faults.clone()).map_err(|error| error.to_string())
    }

    /// Lets one of the stores fail soon; gives what was planned.
    pub fn fail(&self, random: &mut Random) -> &'static str {
        let effect = [Effect::Nothing, Effect::Unsynced, Effect::Complete];
        let effect = *random.pick(&effect).unwrap_or(&Effect::Nothing);
        let full = EngineError::NoSpace("planned".to_owned());
        let broken = EngineError::Io("planned".to_owned());
        let nth = random.between(1, 20);
        let once = |call, error| Fault { effect, ..Fault::once(call, nth, error) };
        let complete = effect == Effect::Complete;
        let of_file = FileFault {
            // A write and a sync for what is one write of the other store.
            nth: nth.saturating_mul(2).saturating_sub(random.below(2)),
            times: 1,
            error: ErrorKind::StorageFull,
            effect: if complete { FileEffect::Complete } else { FileEffect::Nothing },
        };
        match random.below(7) {
            0 => {
                self.log.fail(FileFault { times: u64::MAX, error: ErrorKind::Other, ..of_file });
                "the log breaks"
            }
            1 => {
                // The first attempts to go on find no space either.
                self.log.fail(FileFault { times: 1 + random.below(4), ..of_file });
                "the log is full"
            }
            2 => {
                self.log.fail(FileFault { times: u64::MAX, ..of_file });
                "the log stays full"
            }
            3 => {
                self.data.faults.fail(once(Call::Write, full));
                "the data is full"
            }
            4 => {
                self.data.faults.fail(Fault { lasting: true, ..once(Call::Write, broken) });
                "the data breaks"
            }
            5 => {
                self.data.faults.fail(once(Call::Flush, broken));
                "a flush fails"
            }
            _ => {
                self.data.faults.fail(once(Call::Read, broken));
                "a read fails"
            }
        }
    }

    pub fn heal(&self) {
        self.log.heal();
        self.data.faults.heal();
    }
}
