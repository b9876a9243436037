//! Tests of what the workloads send.

use super::*;
use quire_bson::{RawValue, doc};
use quire_protocol::{DecodeLimits, decode};
use std::collections::HashSet;

#[test]
fn every_workload_writes_requests_that_a_server_accepts() {
    for workload in ALL {
        let mut requests = workload.requests(StreamId { window: 1, connection: 2 });
        let mut out = Vec::new();
        for id in 1..=3 {
            out.clear();
            requests.write_next(id, &mut out);
            let request = decode(out.clone(), DecodeLimits::default())
                .unwrap_or_else(|rejected| panic!("{}: {rejected:?}", workload.name()));
            assert_eq!(request.request_id(), id);
            assert_eq!(request.database(), DATABASE);
        }
    }
}

#[test]
fn the_canned_reply_passes_the_workloads_own_check_and_a_failure_does_not() {
    let failure = DocBuf::from(&doc! { "ok": 0.0, "code": 59 });
    for workload in ALL {
        assert_eq!(workload.fault(workload.canned_reply().as_raw()), None, "{}", workload.name());
        assert!(workload.fault(failure.as_raw()).is_some(), "{}", workload.name());
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
fn no_two_streams_insert_the_same_id() {
    let mut seen = HashSet::new();
    for (window, connection) in [(1, 0), (1, 1), (2, 0), (65_536, 0)] {
        for workload in ["insert", "insert-many"] {
            let workload = by_name(workload).unwrap();
            let mut requests = workload.requests(StreamId { window, connection });
            for id in 1..=2 {
                let mut out = Vec::new();
                requests.write_next(id, &mut out);
                let request = decode(out, DecodeLimits::default()).unwrap();
                for document in request.sequence("documents").unwrap() {
                    let Some(RawValue::ObjectId(own)) = document.get("_id") else { panic!() };
                    assert!(seen.insert((workload.name(), own.bytes())));
                }
            }
        }
    }
    assert_eq!(seen.len(), 4 * (2 + 2000));
}

#[test]
fn names_are_found_and_no_two_are_the_same() {
    let names: HashSet<_> = ALL.iter().map(|workload| workload.name()).collect();
    assert_eq!(names.len(), ALL.len());
    assert!(names.iter().all(|name| by_name(name).is_some()));
    assert!(by_name("nothing").is_none());
}
