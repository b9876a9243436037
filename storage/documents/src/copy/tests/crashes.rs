//! Whatever fails and whenever the power goes: what is there is one state or the other, or says that
//! it is none.

use super::*;
use quire_engine::Effect as Done;

/// How far the receiver has come, by what its calls answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Old,
    Begun,
    Finished,
    InUse,
}

/// The two states that may be found, by their hashes.
struct States {
    old: Fingerprint,
    new: Fingerprint,
    applied: Applied,
}

impl States {
    /// Opens what a crash left after everything up to `stage` was answered.
    fn check(&self, engine: MemoryEngine, stage: Stage) -> Stage {
        let engine = Arc::new(engine);
        let found = open(&engine);
        let stage_found = match found.completeness() {
            Completeness::Partial => {
                assert_eq!(found.applied(), Applied::default());
                assert_eq!(found.configuration(), None);
                assert!(names(&found).is_empty());
                Stage::Begun
            }
            Completeness::Arrived => {
                assert_eq!((hash(&found), found.applied()), (self.new, self.applied));
                Stage::Finished
            }
            Completeness::Whole if hash(&found) == self.old => Stage::Old,
            Completeness::Whole => {
                assert_eq!((hash(&found), found.applied()), (self.new, self.applied));
                Stage::InUse
            }
        };
        assert!(stage_found >= stage, "{stage_found:?} was found where {stage:?} was reached");
        stage_found
    }
}

/// The calls of a receiver, each made until it succeeds.
struct Receiver<'a> {
    memory: &'a Arc<MemoryEngine>,
    documents: &'a Documents,
    states: &'a States,
    stage: Stage,
    found: Vec<Stage>,
}

impl Receiver<'_> {
    fn crash_anyhow(&mut self) {
        for kept in 0..=self.memory.unsynced_batches() {
            self.found.push(self.states.check(self.memory.after_crash(kept), self.stage));
        }
    }

    fn call(&mut self, reached: Stage, call: impl Fn(&Documents) -> Result<(), Fatal>) {
        for attempt in 0.. {
            let answer = call(self.documents);
            if answer.is_ok() {
                self.stage = reached;
            }
            self.crash_anyhow();
            if answer.is_ok() {
                return;
            }
            assert!(attempt < 3, "{answer:?}");
        }
    }

    fn receive(&mut self, chunks: &[Vec<u8>]) {
        self.call(Stage::Begun, StateMachine::begin_install);
        for chunk in chunks {
            self.call(Stage::Begun, |documents| documents.install_chunk(chunk));
        }
        self.call(Stage::Finished, |documents| documents.finish_install().map(|_| ()));
        self.call(Stage::InUse, StateMachine::log_restarted);
    }
}

#[test]
fn a_crash_or_failure_at_any_call_leaves_one_state_or_none() {
    let (_, source) = state("new", 6);
    let chunks = chunks(&source, SMALL);
    let mut found = Vec::new();
    for call in [Call::Read, Call::Write, Call::Flush] {
        for effect in [Done::Nothing, Done::Unsynced, Done::Complete] {
            for nth in 1.. {
                let (memory, old) = state("old", 4);
                old.flush().unwrap();
                let states =
                    States { old: hash(&old), new: hash(&source), applied: source.applied() };
                let (faults, documents) = failing(&memory);
                let error = EngineError::NoSpace("planned".into());
                let before = faults.calls(call);
                faults.fail(Fault { effect, ..Fault::once(call, nth, error) });
                let (stage, seen) = (Stage::Old, Vec::new());
                let (memory, documents, states) = (&memory, &documents, &states);
                let mut receiver = Receiver { memory, documents, states, stage, found: seen };
                receiver.receive(&chunks);
                found.extend(receiver.found);
                let made = faults.calls(call) - before;
                faults.heal();
                assert_eq!(hash(documents), states.new, "{call:?} {effect:?} {nth}");
                assert_eq!(documents.completeness(), Completeness::Whole);
                if made < nth {
                    break;
                }
            }
        }
    }
    for stage in [Stage::Old, Stage::Begun, Stage::Finished, Stage::InUse] {
        assert!(found.contains(&stage), "{stage:?} was never found");
    }
}

#[test]
fn a_receiver_that_could_not_begin_goes_on_with_what_it_had() {
    let (memory, _) = state("old", 4);
    let (faults, documents) = failing(&memory);
    let before = hash(&documents);
    faults.fail(Fault::once(Call::Write, 1, EngineError::NoSpace("planned".into())));
    let error = documents.begin_install().unwrap_err();
    assert!(error.no_space);
    assert_eq!((documents.completeness(), hash(&documents)), (Completeness::Whole, before));
    let next = effects(documents.applied().index.0 + 1, vec![]);
    documents.apply(&[next]).unwrap();
}

#[test]
fn a_state_that_cannot_be_told_counts_for_nothing() {
    let (memory, _) = state("old", 4);
    let (faults, documents) = failing(&memory);
    let error = || EngineError::Io("planned".into());
    faults.fail(Fault { effect: Done::Unsynced, ..Fault::once(Call::Write, 1, error()) });
    // four reads look for the ends of the spaces; the next one looks at what the write has left
    faults.fail(Fault { lasting: true, ..Fault::once(Call::Read, 5, error()) });
    assert!(documents.begin_install().is_err());
    assert_eq!(documents.completeness(), Completeness::Partial);
    assert_eq!(documents.applied(), Applied::default());
    faults.heal();
    let (_, source) = state("new", 6);
    receive(&documents, &chunks(&source, SMALL)).unwrap();
    assert_eq!(hash(&documents), hash(&source));
}

#[test]
fn an_interrupted_copy_is_begun_again_after_a_restart() {
    let (_, source) = state("new", 20);
    let chunks = chunks(&source, SMALL);
    for taken in 0..=chunks.len() {
        let (mut engine, _) = state("old", 4);
        for kept in [0, taken / 2, taken] {
            let target = open(&engine);
            target.begin_install().unwrap();
            for chunk in &chunks[..taken] {
                target.install_chunk(chunk).unwrap();
            }
            engine = Arc::new(engine.after_crash(kept));
        }
        let target = open(&engine);
        assert_eq!(target.completeness(), Completeness::Partial);
        assert!(target.finish_install().is_err(), "nobody knows what has come");
        assert!(chunks.get(taken).is_none_or(|next| target.install_chunk(next).is_err()));
        receive(&target, &chunks).unwrap();
        let target = open(&Arc::new(engine.after_crash(0)));
        assert_eq!(target.completeness(), Completeness::Arrived);
        assert_eq!((target.applied(), hash(&target)), (source.applied(), hash(&source)));
        target.log_restarted().unwrap();
        assert_eq!(target.completeness(), Completeness::Whole);
    }
}

#[test]
fn a_copy_can_be_replaced_by_another_before_it_is_used() {
    let (_, first) = state("first", 9);
    let (_, second) = state("second", 2);
    let target = open(&memory());
    receive(&target, &chunks(&first, SMALL)).unwrap();
    receive(&target, &chunks(&second, SMALL)).unwrap();
    assert_eq!((target.applied(), hash(&target)), (second.applied(), hash(&second)));
}
