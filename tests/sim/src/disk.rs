//! The two stores of a node, and what becomes of them in a crash.

use crate::planted::{ForgetfulDisk, Planted};
use crate::random::Random;
use quire_documents::Documents;
use quire_engine::{Call, Effect, Engine, EngineError, Fault, Faulty, FaultyEngine, MemoryEngine};
use quire_keys::KeySpace;
use quire_log::{EngineLog, LOG_SPACES};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

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
    log: Store,
    data: Store,
    /// How many attempts to open the log again still fail.
    shut: Arc<AtomicU32>,
}

impl Disk {
    pub fn empty() -> Disk {
        let spaces = KeySpace::ALL.len();
        let (log, data) = (Store::empty(LOG_SPACES.len()), Store::empty(spaces));
        Disk { log, data, shut: Arc::default() }
    }

    /// The process ends; with the power, unless it is only the process.
    #[must_use]
    pub fn after_crash(&self, power: Option<u64>) -> Disk {
        let (log, data) = match power {
            Some(seed) => (self.log.cut(seed), self.data.cut(seed.rotate_left(32))),
            None => (self.log.reopened(), self.data.reopened()),
        };
        Disk { log, data, shut: Arc::default() }
    }

    pub fn open_log(&self, planted: Option<Planted>) -> Result<EngineLog, String> {
        let (engine, shut) = (self.log.faults.clone(), self.shut.clone());
        let engine: Arc<dyn Engine> = match planted {
            Some(Planted::UnsyncedIsEnough) => Arc::new(ForgetfulDisk(engine)),
            _ => engine,
        };
        let opener = move || -> Result<Arc<dyn Engine>, EngineError> {
            let fails = |left: u32| left.checked_sub(1);
            match shut.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fails) {
                Ok(_) => Err(EngineError::NoSpace("planned".to_owned())),
                Err(_) => Ok(engine.clone()),
            }
        };
        EngineLog::open(opener).map_err(|error| error.to_string())
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
        match random.below(7) {
            0 => {
                self.log.faults.fail(Fault { lasting: true, ..once(Call::Write, broken) });
                "the log breaks"
            }
            1 => {
                self.log.faults.fail(once(Call::Write, full));
                self.shut.store(u32::try_from(random.below(4)).unwrap_or(0), Ordering::SeqCst);
                "the log is full"
            }
            2 => {
                self.log.faults.fail(Fault { lasting: true, ..once(Call::Write, full) });
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
        self.log.faults.heal();
        self.data.faults.heal();
        self.shut.store(0, Ordering::SeqCst);
    }
}
