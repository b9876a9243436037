//! What is particular to the log over an engine: damage in it, its failures, and formats.

use super::*;
use crate::conformance::Model;
use crate::{EntryKind, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;
use quire_engine::{Call, Effect, Fault, FaultyEngine, MemoryEngine, Read};
use std::sync::Weak;

fn entry(index: u64, term: u64) -> Entry {
    let payload = format!("payload {index}").into_bytes();
    let (index, term, kind) = (LogIndex(index), Term(term), EntryKind::Effects);
    Entry { index, term, timestamp: Timestamp::new(index.0 as u32, 0), kind, payload }
}

fn entries(indexes: RangeInclusive<u64>) -> Vec<Entry> {
    indexes.map(|index| entry(index, 1)).collect()
}

/// An engine that holds a log of ten entries, all committed, of which three were forgotten.
fn engine() -> Arc<MemoryEngine> {
    let engine = Arc::new(MemoryEngine::new(LOG_SPACES.len()));
    let log = EngineLog::over(Arc::clone(&engine) as Arc<dyn Engine>).unwrap();
    let state = HardState { term: Term(1), vote: 1, commit: LogIndex(10) };
    log.append(&entries(1..=10), Some(state)).unwrap();
    log.compact(LogIndex(3)).unwrap();
    engine
}

fn opened(engine: &Arc<MemoryEngine>) -> Result<EngineLog, LogError> {
    EngineLog::over(Arc::clone(engine) as Arc<dyn Engine>)
}

fn change(engine: &MemoryEngine, fill: impl FnOnce(&mut Batch)) {
    let mut batch = Batch::new();
    fill(&mut batch);
    engine.write(&batch, Durability::Synced).unwrap();
}

#[track_caller]
fn assert_damaged<T>(answer: Result<T, LogError>, named: &str) {
    match answer {
        Err(LogError::Corruption(text)) => assert!(text.contains(named), "{text}"),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("damage at {named} went unnoticed"),
    }
}

#[test]
fn damage_to_an_entry_names_its_index() {
    for index in [4_u64, 7, 10] {
        let engine = engine();
        let key = index.to_be_bytes();
        let mut value = engine.get(ENTRIES, &key).unwrap().unwrap();
        let log = opened(&engine).unwrap();
        value[20] ^= 0x40;
        change(&engine, |batch| batch.put(ENTRIES, &key, &value));
        assert_damaged(log.read(4..=10, usize::MAX), &format!("entry {index}:"));
        assert_damaged(opened(&engine), &format!("entry {index}:"));
    }
}

#[test]
fn a_missing_entry_is_found_at_the_start_of_a_log_its_end_and_between() {
    for index in [4_u64, 7, 10] {
        let engine = engine();
        let log = opened(&engine).unwrap();
        change(&engine, |batch| batch.delete(ENTRIES, &index.to_be_bytes()));
        assert_damaged(log.read(4..=10, usize::MAX), &format!("entry {index} is missing"));
        // What ends early looks whole, but for the commit position that the hard state remembers.
        let named = if index == 10 { "entry 10 was committed".into() } else { index.to_string() };
        assert_damaged(opened(&engine), &named);
    }
    let engine = engine();
    change(&engine, |batch| batch.delete_range(ENTRIES, &[], END_KEY));
    assert_damaged(opened(&engine), "entry 10 was committed");
}

#[test]
fn an_entry_under_another_key_is_damage() {
    let engine = engine();
    let value = engine.get(ENTRIES, &8_u64.to_be_bytes()).unwrap().unwrap();
    change(&engine, |batch| batch.put(ENTRIES, &9_u64.to_be_bytes(), &value));
    assert_damaged(opened(&engine), "entry 9:");
    change(&engine, |batch| batch.put(ENTRIES, b"stray", &value));
    assert_damaged(opened(&engine), "not an index");
}

#[test]
fn damage_to_the_state_is_named() {
    let cases = [
        (HARD_STATE_KEY, "the hard state"),
        (COMPACTION_KEY, "the compaction point"),
        (encoding::FORMAT_KEY, "the log"),
    ];
    for (key, named) in cases {
        let engine = engine();
        let mut record = engine.get(STATE, key).unwrap().unwrap();
        *record.last_mut().unwrap() ^= 1;
        change(&engine, |batch| batch.put(STATE, key, &record));
        assert_damaged(opened(&engine), named);
    }
    let engine = engine();
    change(&engine, |batch| batch.delete(STATE, encoding::FORMAT_KEY));
    assert_damaged(opened(&engine), "format is not recorded");
}

#[test]
fn a_log_of_a_newer_format_is_refused_and_left_alone() {
    let newer = [encoding::FORMAT + 1, 1, 2, 3];
    let cases: [(Space, &[u8]); 3] =
        [(STATE, encoding::FORMAT_KEY), (STATE, HARD_STATE_KEY), (ENTRIES, &10_u64.to_be_bytes())];
    for (space, key) in cases {
        let engine = engine();
        change(&engine, |batch| batch.put(space, key, &newer));
        match opened(&engine).map(|_| ()) {
            Err(LogError::Newer(text)) => assert!(text.contains("newer version"), "{text}"),
            other => panic!("{other:?}"),
        }
        assert_eq!(engine.get(space, key).unwrap(), Some(newer.to_vec()));
    }
}

#[test]
fn opening_looks_at_the_end_of_a_long_log_and_not_at_all_of_it() {
    let memory = Arc::new(MemoryEngine::new(LOG_SPACES.len()));
    let log = opened(&memory).unwrap();
    log.append(&entries(1..=2000), None).unwrap();
    change(&memory, |batch| batch.delete(ENTRIES, &1000_u64.to_be_bytes()));
    let log = opened(&memory).unwrap();
    assert_eq!(log.last_index(), LogIndex(2000));
    assert_damaged(log.read(900..=1100, usize::MAX), "entry 1000 is missing");
    change(&memory, |batch| batch.delete(ENTRIES, &1900_u64.to_be_bytes()));
    assert_damaged(opened(&memory), "entry 1900 is missing");
}

/// An engine that fails, and the log on it.
fn failing() -> (Arc<MemoryEngine>, Arc<FaultyEngine>, EngineLog) {
    let memory = engine();
    let faulty = Arc::new(FaultyEngine::new(Arc::clone(&memory) as Arc<dyn Engine>));
    let log = EngineLog::over(Arc::clone(&faulty) as Arc<dyn Engine>).unwrap();
    (memory, faulty, log)
}

#[test]
fn after_a_failed_append_every_change_is_refused_until_the_log_is_reopened() {
    let (_, engine, log) = failing();
    let full = EngineError::NoSpace("planned".into());
    engine.fail(Fault::once(Call::Write, 1, full));
    assert!(matches!(log.append(&[entry(11, 1)], None), Err(LogError::NoSpace(_))));
    assert!(matches!(log.append(&[entry(11, 1)], None), Err(LogError::Io(_))));
    assert!(log.compact(LogIndex(5)).is_err());
    assert!(log.restart_after(LogIndex(20), Term(2)).is_err());
    assert_eq!(log.last_index(), LogIndex(10));
    assert_eq!(log.read(4..=99, usize::MAX).unwrap().len(), 7, "reads go on");
    log.reopen(LogIndex(10)).unwrap();
    log.append(&[entry(11, 1)], None).unwrap();
    assert_eq!(log.last_index(), LogIndex(11));
}

#[test]
fn what_a_failed_append_left_is_gone_after_reopening() {
    for effect in [Effect::Nothing, Effect::Unsynced, Effect::Complete] {
        let (memory, engine, log) = failing();
        let failure = EngineError::Io("planned".into());
        engine.fail(Fault { effect, ..Fault::once(Call::Write, 1, failure) });
        let state = HardState { term: Term(2), vote: 3, commit: LogIndex(12) };
        assert!(log.append(&entries(11..=12), Some(state)).is_err());
        log.reopen(LogIndex(10)).unwrap();
        let log = opened(&Arc::new(memory.after_crash(0))).unwrap();
        assert_eq!(log.last_index(), LogIndex(10), "{effect:?}");
        assert_eq!(log.hard_state().commit, LogIndex(10), "{effect:?}");
        assert_eq!(log.read(4..=99, usize::MAX).unwrap(), entries(4..=10), "{effect:?}");
    }
}

#[test]
fn a_failed_reopening_can_be_tried_again() {
    let (_, engine, log) = failing();
    let broken = EngineError::Io("planned".into());
    engine.fail(Fault::once(Call::Write, 1, broken.clone()));
    assert!(log.append(&[entry(11, 1)], None).is_err());
    engine.fail(Fault { lasting: true, ..Fault::once(Call::Read, 1, broken) });
    assert!(log.reopen(LogIndex(10)).is_err());
    assert!(log.read(4..=10, usize::MAX).is_err(), "a closed log gives nothing");
    assert!(log.append(&[entry(11, 1)], None).is_err());
    engine.heal();
    log.reopen(LogIndex(10)).unwrap();
    log.append(&[entry(11, 1)], None).unwrap();
}

#[test]
fn the_engine_is_let_go_before_it_is_opened_again() {
    let opened_before: Arc<Mutex<Weak<MemoryEngine>>> = Arc::default();
    let memory = engine();
    let opener = move || {
        let mut before = opened_before.lock();
        if before.upgrade().is_some() {
            return Err(EngineError::InUse("still open".into()));
        }
        let engine = Arc::new(memory.after_crash(usize::MAX));
        *before = Arc::downgrade(&engine);
        Ok(engine as Arc<dyn Engine>)
    };
    let log = EngineLog::open(opener).unwrap();
    log.reopen(LogIndex(10)).unwrap();
    log.reopen(LogIndex(10)).unwrap();
}

#[test]
fn what_a_start_finds_is_synced_though_the_attempt_that_wrote_it_failed() {
    let (memory, faults, log) = failing();
    let broken = EngineError::Io("planned".to_owned());
    faults.fail(Fault { effect: Effect::Unsynced, ..Fault::once(Call::Write, 1, broken) });
    let next = log.last_index().next();
    log.append(&[entry(next.0, 1)], None).unwrap_err();
    // The process ends, and what it wrote is still in the memory of the machine.
    drop(log);
    let found = opened(&memory).unwrap();
    assert_eq!(found.last_index(), next);
    let after_power_cut = opened(&Arc::new(memory.after_crash(0))).unwrap();
    assert_eq!(after_power_cut.last_index(), next);
}

#[test]
fn damage_that_the_engine_reports_stays_damage() {
    let (_, engine, log) = failing();
    let damage = EngineError::Corruption("000012.sst".into());
    engine.fail(Fault { lasting: true, ..Fault::once(Call::Read, 1, damage) });
    assert_damaged(log.read(4..=10, usize::MAX), "000012.sst");
    assert_damaged(log.term(LogIndex(7)), "000012.sst");
}

#[derive(Clone, Debug)]
enum Step {
    /// So many entries, so far back from the end.
    Append(u64, u64),
    /// The same, but the engine fails with this effect; then the log is reopened, or cut off.
    FailedAppend(u64, u64, Effect, Option<u64>),
    Compact(u64),
    Crash(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let effect = prop_oneof![Just(Effect::Nothing), Just(Effect::Unsynced), Just(Effect::Complete)];
    prop_oneof![
        6 => (1..5_u64, 0..4_u64).prop_map(|(count, back)| Step::Append(count, back)),
        4 => (1..5_u64, 0..4_u64, effect, proptest::option::of(any::<u64>()))
            .prop_map(|(count, back, effect, cut)| Step::FailedAppend(count, back, effect, cut)),
        3 => (0..6_u64).prop_map(Step::Compact),
        3 => any::<u64>().prop_map(Step::Crash),
    ]
}

/// A log over an engine that fails as planned and is cut off at will.
struct Rig {
    memory: Arc<MemoryEngine>,
    faulty: Arc<FaultyEngine>,
    log: EngineLog,
}

impl Rig {
    fn over(memory: MemoryEngine) -> Rig {
        let memory = Arc::new(memory);
        let faulty = Arc::new(FaultyEngine::new(Arc::clone(&memory) as Arc<dyn Engine>));
        let log = EngineLog::over(Arc::clone(&faulty) as Arc<dyn Engine>).unwrap();
        Rig { memory, faulty, log }
    }

    fn crash(&mut self, seed: u64) -> Model {
        *self = Rig::over(self.memory.after_crash_seeded(seed));
        Model::of(&self.log)
    }
}

/// Every acknowledged append is there after any crash or failure; one that failed is there whole or
/// not at all.
fn run(steps: &[Step]) {
    let mut rig = Rig::over(MemoryEngine::new(LOG_SPACES.len()));
    // The states a crash may leave, the present one last.
    let mut possible = vec![Model::empty()];
    for (step, term) in steps.iter().zip(1..) {
        let mut model = possible.last().unwrap().clone();
        let commit = model.hard_state.commit.max(model.compacted.0);
        let state = HardState { term: Term(term), vote: term % 3, commit };
        match step {
            Step::Append(count, back) => {
                let new = model.new_entries(*count, *back, term);
                rig.log.append(&new, Some(state)).unwrap();
                model.append(&new, Some(state));
                possible = vec![model];
            }
            Step::FailedAppend(count, back, effect, cut) => {
                let new = model.new_entries(*count, *back, term);
                let failure = EngineError::Io("planned".into());
                rig.faulty.fail(Fault { effect: *effect, ..Fault::once(Call::Write, 1, failure) });
                assert!(rig.log.append(&new, Some(state)).is_err());
                let mut done = model.clone();
                done.append(&new, Some(state));
                let keep = LogIndex(new[0].index.0 - 1);
                if let Some(seed) = cut {
                    possible.push(done);
                    let found = rig.crash(*seed);
                    assert!(possible.contains(&found), "{found:?} is none of {possible:?}");
                    possible = vec![found];
                } else {
                    rig.log.reopen(keep).unwrap();
                    model.entries.retain(|entry| entry.index <= keep);
                    if *effect != Effect::Nothing {
                        model.hard_state = state;
                    }
                    // Cutting off a tail is synced; without one, compactions are still on their way.
                    let cut_off =
                        *effect != Effect::Nothing || model != possible[possible.len() - 1];
                    possible = if cut_off { vec![model] } else { possible };
                }
            }
            Step::Compact(back) => {
                let through = LogIndex(model.last().0.saturating_sub(*back)).min(commit);
                rig.log.compact(through).unwrap();
                model.compact(through);
                possible.push(model);
            }
            Step::Crash(seed) => {
                let found = rig.crash(*seed);
                assert!(possible.contains(&found), "{found:?} is none of {possible:?}");
                possible = vec![found];
            }
        }
        assert_eq!(&Model::of(&rig.log), possible.last().unwrap(), "after {step:?}");
    }
}

#[test]
fn no_failure_or_crash_loses_an_acknowledged_append_or_leaves_half_of_one() {
    let config = ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() };
    proptest!(config, |(steps in vec(step(), 1..50))| run(&steps));
}
