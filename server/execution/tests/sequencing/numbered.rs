//! Numbered batches: what is recorded of them, and when a record may be relied on.

use crate::node::{Node, block_on, insert, poll, replace, wakes};
use quire_bson::doc;
use quire_documents::{SessionKey, SessionRecord, StatementResult};
use quire_engine::{Call, EngineError, Fault};
use quire_errors::{Code, CommandError, Result};
use quire_execution::{Change, CommitGate, Manner, Recording, Refusal, Sequenced, Verdict};
use quire_log::FileFault;
use std::io::ErrorKind;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};

const SESSION: SessionKey = SessionKey { id: [1; 16], user: [2; 32] };

/// Counts who passes, and lets them pass unless told otherwise.
#[derive(Default)]
struct Gate {
    asked: AtomicU32,
    closed: bool,
}

impl CommitGate for Gate {
    fn pass(&self) -> Result<()> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match self.closed {
            true => Err(CommandError::new(Code::HostUnreachable, "closed")),
            false => Ok(()),
        }
    }
}

fn node() -> Node {
    let node = Node::new();
    node.create("c", doc! {});
    node
}

fn standing_epoch(node: &Node) -> u64 {
    node.sequencer.session_standing(&SESSION).unwrap().epoch
}

/// Puts inserts in order, the first of which is statement `first`.
fn numbered(
    node: &Node,
    first: i32,
    changes: Vec<Change>,
    epoch: u64,
    gate: &Gate,
) -> std::result::Result<Sequenced, Refusal> {
    let ids = first..;
    let statements = ids.zip(&changes).map(|(id, _)| (id, StatementResult::Inserted)).collect();
    let gate: Option<&dyn CommitGate> = Some(gate);
    let recording = Recording { session: SESSION, number: 1, epoch, statements, gate };
    let manner = Manner { ordered: false, more_follows: false };
    node.sequencer.sequence_with(&node.collection("c"), changes, manner, Some(recording))
}

fn record(node: &Node) -> Option<SessionRecord> {
    let view = node.documents.view();
    let header = view.session_header(&SESSION).unwrap()?;
    Some(view.session_record(&SESSION, header).unwrap())
}

fn known(node: &Node) -> Vec<i32> {
    let Some(record) = record(node) else { return Vec::new() };
    (0..20).filter(|id| record.result(*id).is_some()).collect()
}

#[test]
fn exactly_what_was_accepted_is_recorded() {
    let node = node();
    node.write("c", vec![insert(&doc! {"_id": 2})]);
    let changes = (1..=4).map(|id| insert(&doc! {"_id": id})).collect();
    let gate = Gate::default();
    let sequenced = numbered(&node, 0, changes, standing_epoch(&node), &gate).unwrap();
    let verdicts = block_on(node.wait_for(sequenced)).unwrap().unwrap();
    assert!(matches!(verdicts[1], Verdict::Duplicate(_)), "{verdicts:?}");
    assert_eq!(known(&node), [0, 2, 3]);
    assert_eq!(gate.asked.load(Ordering::Relaxed), 1, "one batch is one commit");
    let sequenced =
        numbered(&node, 4, vec![insert(&doc! {"_id": 2})], standing_epoch(&node), &gate).unwrap();
    block_on(node.wait_for(sequenced)).unwrap();
    assert_eq!(known(&node), [0, 2, 3]);
    assert_eq!(gate.asked.load(Ordering::Relaxed), 1, "nothing was committed");
}

#[test]
fn what_the_gate_refuses_is_neither_written_nor_recorded() {
    let node = node();
    let gate = Gate { closed: true, ..Gate::default() };
    let refused = numbered(&node, 0, vec![insert(&doc! {"_id": 1})], standing_epoch(&node), &gate);
    let refused = refused.err().unwrap();
    assert!(matches!(refused, Refusal::Error(e) if e.code() == Code::HostUnreachable));
    assert!(node.current("c", 1).is_none(), "nobody may plan over it");
    assert_eq!(known(&node), [0; 0]);
    node.write("c", vec![insert(&doc! {"_id": 1})]);
}

#[test]
fn a_record_that_was_read_before_writes_were_lost_decides_nothing() {
    let node = node();
    let before = standing_epoch(&node);
    let sequenced = node.sequence("c", vec![insert(&doc! {"_id": 1})]).unwrap();
    node.log_files.fail(FileFault::once(1, ErrorKind::StorageFull));
    block_on(node.wait_for(sequenced)).unwrap_err();
    let gate = Gate::default();
    let refused = numbered(&node, 0, vec![insert(&doc! {"_id": 2})], before, &gate).err().unwrap();
    let code = Code::InterruptedDueToReplStateChange;
    assert!(matches!(refused, Refusal::Error(e) if e.code() == code));
    let now = standing_epoch(&node);
    let sequenced = numbered(&node, 0, vec![insert(&doc! {"_id": 2})], now, &gate).unwrap();
    block_on(node.wait_for(sequenced)).unwrap();
    assert_eq!(known(&node), [0]);
}

#[test]
fn who_gave_up_waiting_leaves_a_place_behind_which_the_outcome_is_known() {
    let node = node();
    // The first batch has the turn to commit, and the second one queues behind it.
    let mut first = node.wait_for(node.sequence("c", vec![insert(&doc! {"_id": 1})]).unwrap());
    let gate = Gate::default();
    let epoch = standing_epoch(&node);
    drop(numbered(&node, 0, vec![insert(&doc! {"_id": 2})], epoch, &gate).unwrap());
    let horizon = node.sequencer.horizon();
    assert!(!node.sequencer.has_passed(horizon));
    assert_eq!(known(&node), [0; 0]);
    {
        let mut passed = pin!(node.sequencer.passed(horizon));
        assert!(poll(&mut passed).is_none());
        block_on(&mut first).unwrap();
        wakes(passed);
    }
    assert!(node.sequencer.has_passed(horizon));
    assert_eq!(known(&node), [0]);
}

#[test]
fn what_could_not_be_applied_at_once_is_waited_for() {
    let node = node();
    let failed = Fault::once(Call::Write, 1, EngineError::Io("planned".into()));
    node.data_faults.fail(Fault { nth: 1, ..failed.clone() });
    node.data_faults.fail(Fault { nth: 2, ..failed });
    let gate = Gate::default();
    let epoch = standing_epoch(&node);
    let sequenced = numbered(&node, 0, vec![insert(&doc! {"_id": 1})], epoch, &gate).unwrap();
    let told = block_on(node.wait_for(sequenced)).unwrap_err();
    assert_eq!(told.code(), Code::InterruptedDueToReplStateChange);
    let horizon = node.sequencer.horizon();
    node.data_faults.heal();
    block_on(node.sequencer.passed(horizon));
    assert_eq!(known(&node), [0]);
    assert_eq!(node.rows("c"), [doc! {"_id": 1}]);
}

#[test]
fn every_statement_of_a_hot_row_is_a_part_of_the_record() {
    let node = node();
    node.write("c", vec![insert(&doc! {"_id": 1, "n": 0})]);
    let gate = Gate::default();
    let mut waiting = Vec::new();
    for id in 0..10 {
        let seen = node.current("c", 1).unwrap();
        let change = replace(1, seen, &doc! {"_id": 1, "n": id + 1});
        let epoch = standing_epoch(&node);
        let statements = vec![(id, StatementResult::Updated)];
        let recording =
            Recording { session: SESSION, number: 1, epoch, statements, gate: Some(&gate) };
        let manner = Manner { ordered: true, more_follows: false };
        let collection = node.collection("c");
        let sequenced =
            node.sequencer.sequence_with(&collection, vec![change], manner, Some(recording));
        waiting.push(node.wait_for(sequenced.unwrap()));
    }
    waiting.into_iter().for_each(|future| drop(block_on(future).unwrap().unwrap()));
    assert_eq!(known(&node), (0..10).collect::<Vec<_>>());
    assert_eq!(node.documents.refused_effects(), 0);
}
