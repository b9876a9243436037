//! What writers see of each other, and of writes that are lost.
//!
//! The first batch on an idle node has the turn to commit until it is polled, so whatever is
//! sequenced before that queues behind it: every order of events here is made, not hoped for.

use crate::node::{Node, Waiting, block_on, insert, poll, replace, wakes};
use quire_bson::doc;
use quire_documents::{Effect, Namespace};
use quire_engine::{Call, EngineError, Fault};
use quire_errors::Code;
use quire_execution::{Change, Refusal, Verdict};
use quire_log::{FileFault, LogStore, Timestamp};
use std::io::ErrorKind;
use std::pin::pin;
use std::sync::atomic::Ordering;

fn node() -> Node {
    let node = Node::new();
    node.create("c", doc! {});
    node
}

/// The next write of the log finds the disk full.
fn fill_disk(node: &Node) {
    node.log_files.fail(FileFault::once(1, ErrorKind::StorageFull));
}

fn sequence(node: &Node, changes: Vec<Change>) -> (Vec<Verdict>, Waiting) {
    let sequenced = node.sequence("c", changes).unwrap();
    (sequenced.verdicts.clone(), node.wait_for(sequenced))
}

#[test]
fn pending_versions_of_a_hot_row_build_on_each_other() {
    let node = node();
    node.write("c", vec![insert(&doc! {"_id": 1, "n": 0})]);
    let mut waiting = Vec::new();
    for n in 1..=5 {
        let seen = node.current("c", 1).unwrap();
        assert_eq!(seen.doc.as_raw().to_document().get_i32("n").unwrap(), n - 1);
        waiting.push(sequence(&node, vec![replace(1, seen, &doc! {"_id": 1, "n": n})]).1);
    }
    waiting.into_iter().for_each(|future| drop(block_on(future).unwrap().unwrap()));
    assert_eq!(node.rows("c"), [doc! {"_id": 1, "n": 5}]);
    assert_eq!(node.documents.refused_effects(), 0);
}

#[test]
fn a_row_that_changed_since_it_was_read_is_stale() {
    let node = node();
    node.write("c", vec![insert(&doc! {"_id": 1})]);
    let seen = node.current("c", 1).unwrap();
    let (_, first) = sequence(&node, vec![replace(1, seen.clone(), &doc! {"_id": 1, "by": 1})]);
    let (verdicts, second) = sequence(&node, vec![replace(1, seen, &doc! {"_id": 1, "by": 2})]);
    assert!(matches!(verdicts[..], [Verdict::Stale]), "{verdicts:?}");
    block_on(first).unwrap();
    block_on(second).unwrap();
    assert_eq!(node.rows("c"), [doc! {"_id": 1, "by": 1}]);
}

#[test]
fn a_unique_value_is_free_as_soon_as_its_holder_is_about_to_go() {
    let node = node();
    let spec = doc! {"v": 2, "name": "u_1", "key": {"u": 1}, "unique": true};
    node.index("c", &spec).unwrap();
    node.write("c", vec![insert(&doc! {"_id": 1, "u": "x"})]);
    let seen = node.current("c", 1).unwrap();
    let (_, gives_up) = sequence(&node, vec![replace(1, seen, &doc! {"_id": 1, "u": "y"})]);
    let (verdicts, takes) = sequence(&node, vec![insert(&doc! {"_id": 2, "u": "x"})]);
    assert!(matches!(verdicts[..], [Verdict::Accepted]), "{verdicts:?}");
    let (verdicts, third) = sequence(&node, vec![insert(&doc! {"_id": 3, "u": "y"})]);
    assert!(matches!(verdicts[..], [Verdict::Duplicate(_)]), "{verdicts:?}");
    for waiting in [gives_up, takes, third] {
        block_on(waiting).unwrap().unwrap();
    }
    let view = node.documents.view();
    let report = view.validate(&node.collection("c"), None).unwrap();
    assert!(report.is_valid(), "{report:?}");
}

#[test]
fn a_verdict_against_a_write_that_is_lost_is_void() {
    let node = node();
    let (_, mut first) = sequence(&node, vec![insert(&doc! {"_id": 1})]);
    let (verdicts, mut second) = sequence(&node, vec![insert(&doc! {"_id": 1})]);
    assert!(matches!(verdicts[..], [Verdict::Duplicate(_)]), "{verdicts:?}");
    assert!(poll(&mut second).is_none(), "told before it was certain");
    fill_disk(&node);
    assert_eq!(block_on(&mut first).unwrap_err().code(), Code::OutOfDiskSpace);
    assert!(wakes(second).unwrap().is_none());
    node.write("c", vec![insert(&doc! {"_id": 1})]);
}

#[test]
fn a_verdict_against_a_write_that_is_committed_stands() {
    let node = node();
    let (_, first) = sequence(&node, vec![insert(&doc! {"_id": 1})]);
    let (_, second) = sequence(&node, vec![insert(&doc! {"_id": 1})]);
    block_on(first).unwrap();
    let verdicts = wakes(second).unwrap().unwrap();
    assert!(matches!(verdicts[..], [Verdict::Duplicate(_)]), "{verdicts:?}");
}

#[test]
fn whoever_waits_for_a_write_that_is_lost_is_woken() {
    let node = node();
    let (_, mut first) = sequence(&node, vec![insert(&doc! {"_id": 1})]);
    let revision = node.current("c", 1).unwrap().revision;
    let mut reached = pin!(node.sequencer.reached(revision));
    let mut caught_up = pin!(node.sequencer.caught_up());
    assert!(poll(&mut reached).is_none());
    assert!(poll(&mut caught_up).is_none());
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| wakes(node.sequencer.reached(revision)));
        fill_disk(&node);
        std::thread::sleep(std::time::Duration::from_millis(20));
        block_on(&mut first).unwrap_err();
        assert!(!waiting.join().unwrap());
    });
    assert_eq!(poll(&mut reached), Some(false));
    assert_eq!(poll(&mut caught_up), Some(()));
}

#[test]
fn a_stamp_that_was_lost_is_never_reached_however_far_the_others_get() {
    let node = node();
    let (_, mut first) = sequence(&node, vec![insert(&doc! {"_id": 1})]);
    let revision = node.current("c", 1).unwrap().revision;
    fill_disk(&node);
    block_on(&mut first).unwrap_err();
    node.write("c", vec![insert(&doc! {"_id": 2})]);
    let later = node.current("c", 2).unwrap().revision;
    assert!(later > revision);
    assert!(!block_on(node.sequencer.reached(revision)));
    assert!(block_on(node.sequencer.reached(later)));
}

#[test]
fn a_catalogue_change_that_is_lost_lets_the_next_one_in() {
    let node = node();
    let (_, mut first) = sequence(&node, vec![insert(&doc! {"_id": 1})]);
    let create = |name: &'static str| {
        node.sequencer.change_catalog(move |catalog| {
            let ids = catalog.next_ids();
            let create = Effect::CreateCollection {
                id: ids.collection,
                namespace: Namespace::new("db", name).unwrap(),
                uuid: [7; 16],
                options: quire_bson::DocBuf::new(),
                layout: quire_documents::Layout::ById,
                id_index: ids.index,
            };
            Ok((vec![create], ()))
        })
    };
    let mut lost = pin!(create("lost"));
    let mut waiting = pin!(create("waiting"));
    assert!(poll(&mut lost).is_none());
    assert!(poll(&mut waiting).is_none());
    assert!(matches!(
        node.sequence("c", vec![insert(&doc! {"_id": 2})]),
        Err(Refusal::CatalogBusy { .. })
    ));
    std::thread::scope(|scope| {
        let third = scope.spawn(|| wakes(create("third")));
        std::thread::sleep(std::time::Duration::from_millis(20));
        fill_disk(&node);
        block_on(&mut first).unwrap_err();
        third.join().unwrap().unwrap();
    });
    assert_eq!(block_on(lost).unwrap_err().code(), Code::OutOfDiskSpace);
    block_on(waiting).unwrap();
    assert!(node.documents.catalog().find_by_name("db", "lost").is_none());
    assert!(node.documents.catalog().find_by_name("db", "third").is_some());
    node.write("c", vec![insert(&doc! {"_id": 2})]);
}

#[test]
fn a_batch_that_is_too_much_for_a_capped_collection_leaves_its_newest_rows() {
    let node = Node::new();
    node.create("capped", doc! {"capped": true, "size": 100_000, "max": 3});
    let batch = (0..10).map(|n| insert(&doc! {"_id": n})).collect();
    node.write("capped", batch);
    let rows: Vec<_> = (7..10).map(|n| doc! {"_id": n}).collect();
    assert_eq!(node.rows("capped"), rows);
    let view = node.documents.view();
    let report = view.validate(&node.collection("capped"), None).unwrap();
    assert!(report.is_valid(), "{report:?}");
}

#[test]
fn pending_rows_of_a_capped_collection_go_when_it_is_their_turn() {
    let node = Node::new();
    node.create("capped", doc! {"capped": true, "size": 100_000, "max": 3});
    let mut waiting = Vec::new();
    for n in 0..8 {
        let sequenced = node.sequence("capped", vec![insert(&doc! {"_id": n})]).unwrap();
        waiting.push(node.wait_for(sequenced));
    }
    waiting.into_iter().for_each(|future| drop(block_on(future).unwrap().unwrap()));
    assert_eq!(node.rows("capped"), (5..8).map(|n| doc! {"_id": n}).collect::<Vec<_>>());
    assert_eq!(node.documents.refused_effects(), 0);
}

#[test]
fn stamps_increase_whatever_the_clock_does() {
    let node = node();
    let mut newest = Timestamp::ZERO;
    let (begin, minutes) = (1_000_000_000, [5, 3, 60, -100_000_000, 0, 61]);
    for (id, minute) in (0..).zip(minutes) {
        node.clock.0.store((begin + minute * 60) * 1000, Ordering::Relaxed);
        node.write("c", vec![insert(&doc! {"_id": id})]);
        let revision = node.current("c", id).unwrap().revision;
        assert!(revision > newest, "{revision:?} after {newest:?}");
        assert!(i64::from(revision.seconds()) <= begin + 61 * 60, "{revision:?}");
        newest = revision;
    }
    let range = node.log.first_index().0..=node.log.last_index().0;
    let entries = node.log.read(range, usize::MAX).unwrap();
    assert!(entries.windows(2).all(|pair| pair[0].timestamp < pair[1].timestamp));
}

#[test]
fn a_full_disk_refuses_writes_until_space_returns() {
    let node = node();
    assert!(!node.sequencer.set_disk_full(true));
    let refused = node.sequence("c", vec![insert(&doc! {"_id": 1})]).err().unwrap();
    assert!(matches!(refused, Refusal::Error(e) if e.code() == Code::OutOfDiskSpace));
    assert!(node.current("c", 1).is_none(), "nobody may plan over a refused write");
    assert!(node.sequencer.set_disk_full(false));
    node.write("c", vec![insert(&doc! {"_id": 1})]);
}

#[test]
fn a_refused_proposal_leaves_nothing_to_plan_over() {
    let options = quire_consensus::Options { queue_entries_max: 1, ..Default::default() };
    let node = Node::start(crate::node::Remains::nothing(), options);
    node.create("c", doc! {});
    let (_, first) = sequence(&node, vec![insert(&doc! {"_id": 1})]);
    let (_, second) = sequence(&node, vec![insert(&doc! {"_id": 2})]);
    let refused = node.sequence("c", vec![insert(&doc! {"_id": 3})]).err().unwrap();
    let code = Code::IngressRequestRateLimitExceeded;
    assert!(matches!(refused, Refusal::Error(e) if e.code() == code));
    assert!(node.current("c", 3).is_none());
    assert!(node.current("c", 2).is_some());
    block_on(first).unwrap();
    block_on(second).unwrap();
    node.write("c", vec![insert(&doc! {"_id": 3})]);
}

#[test]
fn a_write_that_failed_after_it_took_effect_is_applied_once_however_often_it_fails() {
    let node = node();
    for effect in [quire_engine::Effect::Complete, quire_engine::Effect::Unsynced] {
        let failed = Fault::once(Call::Write, 1, EngineError::Io("planned".into()));
        node.data_faults.fail(Fault { effect, ..failed.clone() });
        node.data_faults.fail(Fault { nth: 2, ..failed });
        let id = node.rows("c").len() as i32;
        let sequenced = node.sequence("c", vec![insert(&doc! {"_id": id})]).unwrap();
        let told = block_on(node.wait_for(sequenced)).unwrap_err();
        assert_eq!(told.code(), Code::InterruptedDueToReplStateChange);
        node.data_faults.heal();
        block_on(node.sequencer.caught_up());
        assert_eq!(node.rows("c").len() as i32, id + 1);
    }
    let report = node.documents.view().validate(&node.collection("c"), None).unwrap();
    assert!(report.is_valid(), "{report:?}");
}
