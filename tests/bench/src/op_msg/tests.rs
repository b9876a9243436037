//! Tests of what is sent and of what counts as an answer.

use super::*;
use crate::workloads;
use crate::zipf::Zipf;
use quire_protocol::{DecodeLimits, decode};
use std::collections::HashSet;
use std::sync::Arc;

fn stream(window: u32, connection: u16) -> Stream {
    let store = crate::stream::Store::new(5000, Arc::new(Zipf::new(5000)));
    Stream { window, connection, store }
}

#[test]
fn every_workload_writes_requests_that_a_server_accepts() {
    for workload in workloads::ALL {
        let mut actions = (workload.actions)(stream(1, 2));
        let mut writer = Writer::new(stream(1, 2), Concern::Journalled);
        for id in 1..=30 {
            let mut out = Vec::new();
            writer.write(actions.next(), id, &mut out);
            let request = decode(out, DecodeLimits::default())
                .unwrap_or_else(|rejected| panic!("{}: {rejected:?}", workload.name));
            assert_eq!(request.request_id(), id);
            assert_eq!(request.database(), DATABASE);
        }
    }
}

#[test]
fn the_canned_reply_passes_the_check_and_a_failure_does_not() {
    let failure = DocBuf::from(&doc! { "ok": 0.0, "code": 59 });
    for workload in workloads::ALL {
        let action = (workload.actions)(stream(1, 2)).next();
        assert_eq!(fault(action, canned_reply(action).as_raw()), None, "{}", workload.name);
        assert!(fault(action, failure.as_raw()).is_some(), "{}", workload.name);
    }
}

#[test]
fn a_write_error_or_a_wrong_count_is_a_fault() {
    let with_errors = DocBuf::from(&doc! { "n": 1, "writeErrors": [], "ok": 1.0 });
    assert!(write_fault(with_errors.as_raw(), 1).is_some());
    let none_written = DocBuf::from(&doc! { "n": 0, "ok": 1.0 });
    assert!(write_fault(none_written.as_raw(), 1).is_some());
}

#[test]
fn too_few_documents_are_a_fault() {
    assert!(batch_fault(canned_batch(99).as_raw(), 100).is_some());
    assert!(batch_fault(canned_batch(100).as_raw(), 100).is_none());
}

#[test]
fn no_two_streams_insert_the_same_id() {
    let mut seen = HashSet::new();
    for (window, connection) in [(1, 0), (1, 1), (2, 0), (65_536, 0)] {
        let mut writer = Writer::new(stream(window, connection), Concern::Majority);
        for id in 1..=2 {
            let mut out = Vec::new();
            writer.write(Action::Insert { ids: Ids::Objects, count: 1000 }, id, &mut out);
            let request = decode(out, DecodeLimits::default()).unwrap();
            for document in request.sequence("documents").unwrap() {
                let Some(RawValue::ObjectId(own)) = document.get("_id") else { panic!() };
                assert!(seen.insert(own.bytes()));
            }
        }
    }
    assert_eq!(seen.len(), 4 * 2000);
}
