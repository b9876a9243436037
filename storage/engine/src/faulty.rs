//! An engine whose calls fail when told to.
//!
//! Owns the plan of what fails and the count of calls; the work is done by the engine it wraps. A
//! failing write may or may not have taken effect, as with a real disk: the test chooses which.
//! Crashes are not made here but by the wrapped [`crate::MemoryEngine`].

use crate::{
    Batch, Direction, Durability, Engine, EngineError, EngineStats, EntryVisitor, KeyRange, Read,
    Result, Space,
};
use parking_lot::Mutex;
use std::path::Path;
use std::sync::Arc;

/// The kinds of calls that are counted and can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// `get_with`, `get_many`, `scan`, `get_durable` and `verify_checksums`, of snapshots too.
    Read,
    Write,
    /// `flush` and `checkpoint`.
    Flush,
}

/// What a failing write or flush has done all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Nothing,
    /// The batch is visible but not durable: the sync is what failed.
    Unsynced,
    /// Everything; only the answer was lost.
    Complete,
}

/// One planned failure.
#[derive(Clone, Debug)]
pub struct Fault {
    pub call: Call,
    /// Which call fails: 1 is the next one of its kind.
    pub nth: u64,
    /// Every later call of its kind fails as well, until [`FaultyEngine::heal`].
    pub lasting: bool,
    pub error: EngineError,
    pub effect: Effect,
}

impl Fault {
    /// The `nth` call of its kind fails once and does nothing.
    pub fn once(call: Call, nth: u64, error: EngineError) -> Fault {
        Fault { call, nth, lasting: false, error, effect: Effect::Nothing }
    }
}

#[derive(Default)]
struct Plan {
    faults: Vec<Fault>,
    reads: u64,
    writes: u64,
    flushes: u64,
}

impl Plan {
    /// Counts a call and says whether it fails.
    fn call(&mut self, call: Call) -> Option<Fault> {
        *self.count(call) += 1;
        for fault in self.faults.iter_mut().filter(|fault| fault.call == call) {
            fault.nth = fault.nth.saturating_sub(1);
        }
        let due = self.faults.iter().position(|fault| fault.call == call && fault.nth == 0)?;
        match self.faults.get(due) {
            Some(fault) if fault.lasting => Some(fault.clone()),
            _ => Some(self.faults.remove(due)),
        }
    }

    fn count(&mut self, call: Call) -> &mut u64 {
        match call {
            Call::Read => &mut self.reads,
            Call::Write => &mut self.writes,
            Call::Flush => &mut self.flushes,
        }
    }
}

/// An engine, or a snapshot of one, whose calls fail as planned.
pub struct Faulty<T: ?Sized> {
    inner: Arc<T>,
    plan: Arc<Mutex<Plan>>,
}

/// The engine.
pub type FaultyEngine = Faulty<dyn Engine>;

impl<T: ?Sized> Faulty<T> {
    /// Wraps an engine; nothing fails yet.
    pub fn new(inner: Arc<T>) -> Faulty<T> {
        Faulty { inner, plan: Arc::default() }
    }

    /// Plans a failure.
    pub fn fail(&self, fault: Fault) {
        self.plan.lock().faults.push(fault);
    }

    /// Forgets every planned failure.
    pub fn heal(&self) {
        self.plan.lock().faults.clear();
    }

    /// How many calls of this kind there were, failed ones included.
    pub fn calls(&self, call: Call) -> u64 {
        *self.plan.lock().count(call)
    }

    fn read(&self) -> Result<&T> {
        match self.plan.lock().call(Call::Read) {
            Some(fault) => Err(fault.error),
            None => Ok(&self.inner),
        }
    }

    /// Does a changing call as planned: `work` is told how durable its effect is to be.
    fn change(
        &self,
        call: Call,
        wanted: Durability,
        work: impl FnOnce(&T, Durability) -> Result<()>,
    ) -> Result<()> {
        let Some(fault) = self.plan.lock().call(call) else {
            return work(&self.inner, wanted);
        };
        match fault.effect {
            Effect::Nothing => {}
            Effect::Unsynced => work(&self.inner, Durability::Unsynced)?,
            Effect::Complete => work(&self.inner, wanted)?,
        }
        Err(fault.error)
    }
}

impl<T: Read + ?Sized> Read for Faulty<T> {
    fn get_with(&self, space: Space, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool> {
        self.read()?.get_with(space, key, visit)
    }

    fn get_many(
        &self,
        space: Space,
        keys: &[&[u8]],
        visit: &mut dyn FnMut(usize, Option<&[u8]>),
    ) -> Result<()> {
        self.read()?.get_many(space, keys, visit)
    }

    fn scan(
        &self,
        space: Space,
        range: KeyRange<'_>,
        direction: Direction,
        visit: &mut EntryVisitor<'_>,
    ) -> Result<()> {
        self.read()?.scan(space, range, direction, visit)
    }
}

impl Engine for FaultyEngine {
    fn snapshot(&self) -> Arc<dyn Read> {
        Arc::new(Faulty { inner: self.inner.snapshot(), plan: Arc::clone(&self.plan) })
    }

    fn write(&self, batch: &Batch, durability: Durability) -> Result<()> {
        self.change(Call::Write, durability, |inner, durability| inner.write(batch, durability))
    }

    fn flush(&self) -> Result<()> {
        self.change(Call::Flush, Durability::Synced, |inner, durability| match durability {
            Durability::Synced => inner.flush(),
            Durability::Unsynced => Ok(()),
        })
    }

    fn get_durable(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.read()?.get_durable(space, key)
    }

    fn checkpoint(&self, path: &Path) -> Result<()> {
        self.change(Call::Flush, Durability::Synced, |inner, durability| match durability {
            Durability::Synced => inner.checkpoint(path),
            Durability::Unsynced => Ok(()),
        })
    }

    fn approximate_bytes(&self, space: Space, range: KeyRange<'_>) -> u64 {
        self.inner.approximate_bytes(space, range)
    }

    fn verify_checksums(&self) -> Result<()> {
        self.read()?.verify_checksums()
    }

    fn stats(&self) -> EngineStats {
        self.inner.stats()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryEngine;

    const SPACE: Space = Space(0);

    fn no_space() -> EngineError {
        EngineError::NoSpace("planned".into())
    }

    fn engine() -> (Arc<MemoryEngine>, FaultyEngine) {
        let memory = Arc::new(MemoryEngine::new(1));
        (Arc::clone(&memory), Faulty::new(memory as Arc<dyn Engine>))
    }

    fn put(engine: &dyn Engine, value: u8) -> Result<()> {
        let mut batch = Batch::new();
        batch.put(SPACE, b"key", &[value]);
        engine.write(&batch, Durability::Synced)
    }

    #[test]
    fn only_the_planned_call_fails() {
        let (_, engine) = engine();
        engine.fail(Fault::once(Call::Write, 2, no_space()));
        put(&engine, 1).unwrap();
        engine.flush().unwrap();
        assert!(matches!(put(&engine, 2), Err(EngineError::NoSpace(_))));
        assert_eq!(engine.get(SPACE, b"key").unwrap(), Some(vec![1]));
        put(&engine, 3).unwrap();
        assert_eq!(engine.get(SPACE, b"key").unwrap(), Some(vec![3]));
        assert_eq!(engine.calls(Call::Write), 3);
        assert_eq!(engine.calls(Call::Flush), 1);
    }

    #[test]
    fn a_lasting_failure_ends_when_healed() {
        let (_, engine) = engine();
        let once = Fault::once(Call::Flush, 1, no_space());
        engine.fail(Fault { lasting: true, ..once });
        for _ in 0..3 {
            assert!(engine.flush().is_err());
        }
        engine.heal();
        engine.flush().unwrap();
    }

    #[test]
    fn a_failed_write_has_the_planned_effect() {
        let cases = [
            (Effect::Nothing, None, None),
            (Effect::Unsynced, Some(vec![1]), None),
            (Effect::Complete, Some(vec![1]), Some(vec![1])),
        ];
        for (effect, visible, durable) in cases {
            let (memory, engine) = engine();
            engine.fail(Fault { effect, ..Fault::once(Call::Write, 1, no_space()) });
            assert!(put(&engine, 1).is_err());
            assert_eq!(engine.get(SPACE, b"key").unwrap(), visible, "{effect:?}");
            assert_eq!(memory.after_crash(0).get(SPACE, b"key").unwrap(), durable, "{effect:?}");
        }
    }

    #[test]
    fn reads_of_snapshots_fail_by_the_same_plan() {
        let (_, engine) = engine();
        put(&engine, 1).unwrap();
        let snapshot = engine.snapshot();
        engine.fail(Fault::once(Call::Read, 2, EngineError::Corruption("planned".into())));
        assert!(engine.get(SPACE, b"key").is_ok());
        assert!(matches!(snapshot.get(SPACE, b"key"), Err(EngineError::Corruption(_))));
        assert!(snapshot.get(SPACE, b"key").is_ok());
    }
}
