//! Power cuts anywhere on the write path.
//!
//! A seed decides what several clients write at a time, when the log's or the data's store stops
//! taking writes, what the failing write did all the same, and how much of what was not synced is
//! left. After each power cut the node starts again, and what it has must be one of the states that
//! the clients were promised. `CRASH_SEED` replays one seed.

use crate::history::{CAPPED_MAX, Fate, History, Model, Step};
use crate::node::{
    Node, Remains, Waiting, block_on, block_on_unless, insert, poll, replace, row_key,
};
use quire_bson::{Document, doc};
use quire_consensus::Options;
use quire_engine::{Call, Effect, EngineError, Fault};
use quire_errors::{Code, CommandError};
use quire_execution::{Change, Refusal, Verdict};
use quire_log::{FileEffect, FileFault, LogStore, StateMachine};
use std::io::ErrorKind;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

const SEEDS: u64 = 250;
const LIVES: u64 = 3;
const ACTIONS: u64 = 40;
const ACCOUNTS: i32 = 4;

/// Numbers that depend on the seed alone.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn effect(&mut self) -> Effect {
        [Effect::Nothing, Effect::Unsynced, Effect::Complete][self.roll(3) as usize]
    }

    /// Of the `nth` append the write or the sync fails.
    fn file_fault(&mut self, nth: u64, error: ErrorKind) -> FileFault {
        let effect = [FileEffect::Nothing, FileEffect::Complete][self.roll(2) as usize];
        FileFault { effect, ..FileFault::once(2 * nth - self.roll(2), error) }
    }

    fn id(&mut self) -> i32 {
        ACCOUNTS + self.roll(12) as i32
    }
}

/// One life of a node.
struct Life<'d> {
    node: Node,
    dice: &'d mut Dice,
    history: History,
    /// Batches not answered yet, with their places in the history.
    waiting: Vec<(usize, Waiting)>,
    /// Failures that were planned for the log.
    log_faults: usize,
    /// How many writes the data's store takes before it takes no more.
    data_ends: u64,
}

#[test]
fn a_power_cut_anywhere_leaves_what_was_promised() {
    let chosen = std::env::var("CRASH_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds = chosen.map_or(0..SEEDS, |seed: u64| seed..seed + 1);
    let threads = 4;
    std::thread::scope(|scope| {
        for n in 0..threads {
            let mine = seeds.clone().filter(move |seed| seed % threads == n);
            scope.spawn(move || {
                for seed in mine {
                    let told = std::panic::catch_unwind(|| live_and_crash(seed));
                    assert!(told.is_ok(), "replay with CRASH_SEED={seed}");
                }
            });
        }
    });
}

fn live_and_crash(seed: u64) {
    let mut dice = Dice(seed);
    let mut remains = Remains::nothing();
    let mut possible = vec![Model::default()];
    for life in 0..LIVES {
        let options = Options {
            group_bytes_max: 1 + dice.roll(2000) as usize,
            retention: quire_consensus::Retention::Entries(dice.roll(10)),
            ..Options::default()
        };
        let node = Node::start(remains, options);
        let begun_with = check(&node, &possible);
        if life == 0 {
            set_up(&node);
        }
        let history = History { begun_with, batches: Vec::new() };
        let mut life = Life {
            node,
            dice: &mut dice,
            history,
            waiting: Vec::new(),
            log_faults: 0,
            data_ends: 0,
        };
        if life.history.begun_with.rows.is_empty() {
            life.open_accounts();
        }
        life.plan_faults();
        life.run();
        (remains, possible) = life.end();
    }
    check(&Node::start(remains, Options::default()), &possible);
}

fn set_up(node: &Node) {
    node.create("c", doc! {});
    node.create("capped", doc! {"capped": true, "size": 100_000, "max": CAPPED_MAX as i32});
    let unique = doc! {"v": 2, "name": "u_1", "key": {"u": 1}, "unique": true};
    node.index("c", &unique).unwrap();
    node.index("c", &doc! {"v": 2, "name": "a_1", "key": {"a": 1}}).unwrap();
    node.index("capped", &doc! {"v": 2, "name": "a_1", "key": {"a": 1}}).unwrap();
}

/// Checks everything that must hold after a start, and tells which state it is.
fn check(node: &Node, possible: &[Model]) -> Model {
    let rows = node.rows("c").into_iter().map(|doc| (doc.get_i32("_id").unwrap(), doc)).collect();
    let found = Model { rows, capped: node.rows("capped") };
    assert!(possible.contains(&found), "{}", told(&found, possible));
    let view = node.documents.view();
    for collection in view.catalog().collections() {
        let report = view.validate(collection, None).unwrap();
        assert!(report.is_valid(), "{}: {report:?}", collection.namespace);
    }
    let (first, last) = (node.log.first_index(), node.log.last_index());
    let entries = node.log.read(first.0..=last.0, usize::MAX).unwrap();
    assert!(entries.windows(2).all(|pair| pair[0].timestamp < pair[1].timestamp));
    assert_eq!(node.documents.applied().index, last);
    assert_eq!(node.documents.refused_effects(), 0);
    found
}

/// Which documents differ from each state that was expected.
fn told(found: &Model, possible: &[Model]) -> String {
    let mut text = String::from("what is there is no state that may be there:");
    for model in possible {
        text += "\n-";
        let ids =
            found.rows.keys().chain(model.rows.keys().filter(|id| !found.rows.contains_key(id)));
        for id in ids.filter(|id| found.rows.get(id) != model.rows.get(id)) {
            let shown =
                |doc: Option<&Document>| doc.map_or("nothing".to_owned(), |d| d.to_string());
            let (here, there) = (shown(found.rows.get(id)), shown(model.rows.get(id)));
            text += &format!(" {here} instead of {there};");
        }
        if found.capped != model.capped {
            text += &format!(" {:?} instead of {:?}", found.capped, model.capped);
        }
    }
    text
}

impl Life<'_> {
    fn open_accounts(&mut self) {
        let docs = (0..ACCOUNTS).map(|id| doc! {"_id": id, "u": id, "balance": 0});
        let steps: Vec<_> = (0..).zip(docs.clone()).map(|(id, doc)| Step::Put(id, doc)).collect();
        self.node.write("c", docs.map(|doc| insert(&doc)).collect());
        self.history.batches.push((steps, Fate::Acknowledged));
    }

    fn plan_faults(&mut self) {
        let Life { node, dice, .. } = self;
        self.data_ends = u64::MAX;
        let nth = 1 + dice.roll(ACTIONS);
        match dice.roll(5) {
            0 => {}
            1 => {
                let cut = Fault::once(Call::Write, nth, EngineError::Io("cut".to_owned()));
                let effect = dice.effect();
                node.data_faults.fail(Fault { lasting: true, effect, ..cut });
                self.data_ends = node.data_faults.calls(Call::Write) + nth;
            }
            _ => {
                let cut = dice.file_fault(nth, ErrorKind::Other);
                node.log_files.fail_too(FileFault { times: u64::MAX, ..cut });
            }
        }
        for _ in 0..dice.roll(3) {
            let nth = 1 + dice.roll(ACTIONS);
            node.log_files.fail_too(dice.file_fault(nth, ErrorKind::StorageFull));
        }
        self.log_faults = node.log_files.planned();
    }

    fn is_cut(&self) -> bool {
        self.node.log_files.is_failing()
            || self.node.data_faults.calls(Call::Write) >= self.data_ends
    }

    fn run(&mut self) {
        for _ in 0..ACTIONS {
            if self.is_cut() {
                return;
            }
            match self.dice.roll(16) {
                0 => self.drain(),
                1..=3 => self.poll_some(),
                4 => self.checkpoint(),
                5 => self.change_indexes(),
                6 => {
                    let jump = self.dice.roll(200_000) as i64 - 100_000;
                    self.node.clock.0.fetch_add(jump, Ordering::Relaxed);
                }
                7..=9 => self.transfer(),
                10 => self.push(),
                _ => self.write_one(),
            }
        }
    }

    /// Waits for everything, oldest first, because that one may have the turn to commit.
    fn drain(&mut self) {
        let begun = Instant::now();
        while let Some((place, waiting)) = self.waiting.first_mut() {
            let place = *place;
            if let Some(outcome) = poll(waiting) {
                drop(self.waiting.remove(0));
                self.settle(place, outcome);
            } else if self.is_cut() {
                return;
            } else {
                assert!(begun.elapsed() < Duration::from_secs(20), "a ticket was never answered");
                std::thread::sleep(Duration::from_micros(20));
            }
        }
    }

    fn poll_some(&mut self) {
        if let Some(count @ 1..) = Some(self.waiting.len()) {
            let n = self.dice.roll(count as u64) as usize;
            if let Some(outcome) = poll(&mut self.waiting[n].1) {
                let (place, _) = self.waiting.remove(n);
                self.settle(place, outcome);
            }
        }
    }

    fn settle(&mut self, place: usize, outcome: Result<Option<Vec<Verdict>>, CommandError>) {
        let fate = match outcome {
            Ok(_) => Fate::Acknowledged,
            Err(error) if error.code() == Code::OutOfDiskSpace => Fate::Lost,
            Err(_) => Fate::Unknown,
        };
        self.history.batches[place].1 = fate;
    }

    fn checkpoint(&mut self) {
        self.drain();
        if self.waiting.is_empty() && !self.is_cut() {
            let _ = self.node.replica.checkpoint();
        }
    }

    fn change_indexes(&mut self) {
        self.drain();
        if !self.waiting.is_empty() || self.is_cut() {
            return;
        }
        let collection = self.node.collection("c");
        if self.data_ends != u64::MAX {
            // It would be waited for, and never be applied.
            return;
        }
        // A disk that fails for good while what was half written is taken back leaves it unanswered.
        let is_cut = || self.is_cut();
        match collection.index_by_name("b_1").map(|index| index.id) {
            None => {
                let spec = doc! {"v": 2, "name": "b_1", "key": {"b": 1}};
                let _ = block_on_unless(is_cut, self.node.indexing("c", &spec));
            }
            Some(index) => {
                let dropping = self.node.sequencer.change_catalog(|_| {
                    let collection = collection.id;
                    Ok((vec![quire_documents::Effect::DropIndex { collection, index }], ()))
                });
                let _ = block_on_unless(is_cut, dropping);
            }
        }
    }

    /// Moves an amount from one account to another: both or neither.
    fn transfer(&mut self) {
        let from = self.dice.roll(ACCOUNTS as u64) as i32;
        let to = (from + 1) % ACCOUNTS;
        let amount = self.dice.roll(100) as i32;
        let mut changes = Vec::new();
        let mut steps = Vec::new();
        for (id, amount) in [(from, -amount), (to, amount)] {
            let Some(seen) = self.node.current("c", id) else { return };
            let mut doc = seen.doc.as_raw().to_document();
            doc.insert("balance", doc.get_i32("balance").unwrap() + amount);
            changes.push(replace(id, seen, &doc));
            steps.push(Step::Put(id, doc));
        }
        self.submit("c", changes, steps, true);
    }

    fn push(&mut self) {
        let docs: Vec<_> = (0..1 + self.dice.roll(6))
            .map(|_| doc! {"_id": self.dice.roll(u64::MAX) as i64, "a": self.dice.roll(5) as i32})
            .collect();
        let changes = docs.iter().map(insert).collect();
        self.submit("capped", changes, docs.into_iter().map(Step::Push).collect(), true);
    }

    fn write_one(&mut self) {
        let id = self.dice.id();
        let unique = self.dice.roll(20) as i32;
        let mut doc = doc! {"_id": id, "u": unique, "a": self.dice.roll(9) as i32, "b": id % 3};
        if self.dice.roll(6) == 0 {
            doc.insert("a", vec![1, self.dice.roll(9) as i32]);
        }
        let epoch = self.node.replica.epoch();
        let latest = self.history.latest();
        let seen = self.node.current("c", id);
        if self.node.replica.epoch() == epoch && self.all_are_known() {
            let seen = seen.as_ref().map(|row| row.doc.as_raw().to_document());
            assert_eq!(seen.as_ref(), latest.rows.get(&id), "the newest version of {id}");
        }
        let free = |row: &Document| {
            row.get_i32("_id").unwrap() == id || row.get_i32("u").unwrap() != unique
        };
        let unique_holds = latest.rows.values().all(free);
        match seen {
            Some(seen) if self.dice.roll(3) == 0 => {
                let change = Change::Delete { row_key: row_key(id), seen };
                self.submit("c", vec![change], vec![Step::Delete(id)], true);
            }
            Some(seen) if self.dice.roll(4) > 0 => {
                let change = replace(id, seen, &doc);
                self.submit("c", vec![change], vec![Step::Put(id, doc)], unique_holds);
            }
            seen => {
                let holds = unique_holds && seen.is_none();
                self.submit("c", vec![insert(&doc)], vec![Step::Put(id, doc)], holds);
            }
        }
    }

    /// True when no loss has happened that the history does not know of.
    fn all_are_known(&self) -> bool {
        let lost = self.history.batches.iter().filter(|(_, fate)| *fate == Fate::Lost).count();
        lost == 0 && self.node.replica.epoch() == 0
    }

    fn submit(&mut self, name: &str, changes: Vec<Change>, mut steps: Vec<Step>, holds: bool) {
        let sequenced = match self.node.sequence(name, changes) {
            Ok(sequenced) => sequenced,
            // A row with an array has changed the catalogue; what was seen is out of date.
            Err(Refusal::CatalogChanged) => return,
            Err(Refusal::CatalogBusy { .. }) => return self.drain(),
            Err(Refusal::Error(error)) => {
                // While the log cannot be reopened, nobody is told what was lost.
                let has_failed = self.node.log_files.planned() < self.log_faults;
                let known_full = !self.all_are_known() || has_failed;
                let is_full = error.code() == Code::OutOfDiskSpace;
                assert!(known_full || !is_full, "refused before it was tried");
                return;
            }
        };
        let accepted = sequenced.verdicts.iter().filter(|v| matches!(v, Verdict::Accepted)).count();
        let duplicates =
            sequenced.verdicts.iter().filter(|v| matches!(v, Verdict::Duplicate(_))).count();
        if self.all_are_known() {
            assert_eq!(accepted == steps.len(), holds, "{:?} of {steps:?}", sequenced.verdicts);
            assert_eq!(duplicates > 0, !holds, "{:?} of {steps:?}", sequenced.verdicts);
        }
        let waiting = self.node.wait_for(sequenced);
        if accepted < steps.len() && accepted > 0 {
            // One of the rows was seen with a write that has been lost since.
            assert_ne!(self.node.replica.epoch(), 0, "half a batch");
            steps.truncate(accepted);
        }
        if accepted > 0 {
            self.waiting.push((self.history.batches.len(), waiting));
            self.history.batches.push((steps, Fate::Waiting));
        }
    }

    /// Cuts the power: what is left, and which states it may hold.
    fn end(mut self) -> (Remains, Vec<Model>) {
        let cut = Fault::once(Call::Flush, 1, EngineError::Io("cut".to_owned()));
        self.node.data_faults.fail(Fault { lasting: true, ..cut });
        // Whoever has the turn takes it; then whatever cannot end is given up.
        for n in (0..self.waiting.len()).rev() {
            let first = poll(&mut self.waiting[n].1);
            if let Some(outcome) = first {
                let (place, _) = self.waiting.remove(n);
                self.settle(place, outcome);
            }
        }
        let _ = self.node.replica.shut_down();
        for (place, waiting) in std::mem::take(&mut self.waiting) {
            let outcome = block_on(waiting);
            self.settle(place, outcome);
        }
        let log = self.node.log_files.after_crash(self.dice.roll(u64::MAX));
        let outcomes = self.node.data_memory.unsynced_batches() as u64 + 1;
        let data = self.node.data_memory.after_crash(self.dice.roll(outcomes) as usize);
        (Remains { data, log }, self.history.possible())
    }
}
