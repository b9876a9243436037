use super::{
    Attempt, CandidateMetrics, Heard, InitialSync, MemberStatus, Own, ParticipantMetrics, Point,
    Points, Status, not_a_member, not_initialized, not_replicated,
};
use crate::config::ReplicaSetConfig;
use crate::config::tests::{parsed, with_members};
use crate::election::Reason;
use crate::host_port::HostPort;
use crate::optime::OpTime;
use crate::state::MemberState;
use quire_bson::{Bson, DateTime, Document, Timestamp, doc};

fn at(secs: u32) -> Point {
    Point { op_time: OpTime::new(secs, 1, 2), wall_millis: i64::from(secs) * 1000 + 500 }
}

fn date(millis: i64) -> DateTime {
    DateTime::from_millis(millis)
}

fn config() -> ReplicaSetConfig {
    let mut config = parsed(with_members(&[doc! {}, doc! {}, doc! { "arbiterOnly": true }]));
    config.term = 2;
    config
}

fn status(config: &ReplicaSetConfig) -> Status<'_> {
    let own = Own {
        member: &config.members[0],
        uptime_secs: 77,
        elected: Some(Timestamp { time: 20, increment: 3 }),
        info: String::new(),
    };
    let members = vec![
        MemberStatus::Own(own),
        MemberStatus::Other(Heard {
            is_up: true,
            state: MemberState::Secondary,
            uptime_secs: 60,
            applied: at(30),
            durable: at(40),
            answered_millis: Some(90_000),
            asked_millis: Some(91_000),
            ping_millis: 2,
            source: config.members.first(),
            config_version: 1,
            config_term: 2,
            ..Heard::silent(&config.members[1])
        }),
        MemberStatus::Other(Heard {
            message: "Connection refused".to_owned(),
            applied: at(30),
            ..Heard::silent(&config.members[2])
        }),
    ];
    let points = Points {
        committed: at(40),
        applied: at(41),
        durable: at(42),
        recovered_from: Timestamp { time: 39, increment: 1 },
    };
    Status {
        config,
        state: MemberState::Primary,
        now_millis: 99_000,
        term: 2,
        source: None,
        points,
        initial_sync: None,
        candidate: None,
        participant: None,
        voters: vec![config.members[0].id],
        members,
    }
}

fn member(shown: &Document, position: usize) -> &Document {
    shown.get_array("members").unwrap()[position].as_document().unwrap()
}

#[test]
fn the_head_tells_of_the_set_and_of_this_member() {
    let config = config();
    let mut shown = status(&config).to_document();
    shown.remove("members");
    let wanted = doc! {
        "set": "rs0",
        "date": date(99_000),
        "myState": 1,
        "term": 2_i64,
        "syncSourceHost": "",
        "syncSourceId": -1,
        "heartbeatIntervalMillis": 2000_i64,
        "majorityVoteCount": 2,
        "writeMajorityCount": 2,
        "votingMembersCount": 3,
        "writableVotingMembersCount": 2,
        "optimes": {
            "lastCommittedOpTime": at(40).op_time,
            "lastCommittedWallTime": date(40_500),
            "readConcernMajorityOpTime": at(40).op_time,
            "appliedOpTime": at(41).op_time,
            "durableOpTime": at(42).op_time,
            "writtenOpTime": at(42).op_time,
            "lastAppliedWallTime": date(41_500),
            "lastDurableWallTime": date(42_500),
            "lastWrittenWallTime": date(42_500),
        },
        "lastStableRecoveryTimestamp": Timestamp { time: 39, increment: 1 },
        "quire": { "voters": [0] },
    };
    assert_eq!(shown, wanted);
}

#[test]
fn the_answering_member_is_marked_as_such() {
    let config = config();
    let shown = status(&config).to_document();
    let wanted = doc! {
        "_id": 0,
        "name": "h0:1",
        "health": 1.0,
        "state": 1,
        "stateStr": "PRIMARY",
        "uptime": 77,
        "optime": at(41).op_time,
        "optimeDate": date(41_000),
        "optimeWritten": at(42).op_time,
        "optimeWrittenDate": date(42_000),
        "lastAppliedWallTime": date(41_500),
        "lastDurableWallTime": date(42_500),
        "lastWrittenWallTime": date(42_500),
        "syncSourceHost": "",
        "syncSourceId": -1,
        "infoMessage": "",
        "electionTime": Timestamp { time: 20, increment: 3 },
        "electionDate": date(20_000),
        "configVersion": 1,
        "configTerm": 2,
        "self": true,
        "lastHeartbeatMessage": "",
    };
    assert_eq!(member(&shown, 0), &wanted);
}

#[test]
fn a_member_that_answers_is_shown_with_what_it_said() {
    let config = config();
    let shown = status(&config).to_document();
    let wanted = doc! {
        "_id": 1,
        "name": "h1:1",
        "health": 1.0,
        "state": 2,
        "stateStr": "SECONDARY",
        "uptime": 60,
        "optime": at(30).op_time,
        "optimeDurable": at(40).op_time,
        "optimeWritten": at(40).op_time,
        "optimeDate": date(30_000),
        "optimeDurableDate": date(40_000),
        "optimeWrittenDate": date(40_000),
        "lastAppliedWallTime": date(30_500),
        "lastDurableWallTime": date(40_500),
        "lastWrittenWallTime": date(40_500),
        "lastHeartbeat": date(90_000),
        "lastHeartbeatRecv": date(91_000),
        "pingMs": 2_i64,
        "lastHeartbeatMessage": "",
        "syncSourceHost": "h0:1",
        "syncSourceId": 0,
        "infoMessage": "",
        "configVersion": 1,
        "configTerm": 2,
    };
    assert_eq!(member(&shown, 1), &wanted);
}

#[test]
fn a_member_that_does_not_answer_is_down_whatever_it_said_before() {
    let config = config();
    let mut status = status(&config);
    status.members[1] = MemberStatus::Other(Heard {
        state: MemberState::Primary,
        applied: at(30),
        uptime_secs: 5,
        elected: Some(Timestamp { time: 1, increment: 1 }),
        source: config.members.first(),
        message: "Connection refused".to_owned(),
        ..Heard::silent(&config.members[1])
    });
    let shown = status.to_document();
    let shown = member(&shown, 1);
    let wanted = doc! {
        "health": 0.0,
        "state": 8,
        "stateStr": "(not reachable/healthy)",
        "uptime": 0,
        "optime": OpTime::NULL,
        "optimeDate": date(0),
        "lastHeartbeat": date(0),
        "lastHeartbeatMessage": "Connection refused",
        "syncSourceHost": "",
        "configVersion": -1,
    };
    for (name, value) in &wanted {
        assert_eq!(shown.get(name), Some(value), "{name}");
    }
    assert!(!shown.contains_key("electionTime") && !shown.contains_key("self"));
}

#[test]
fn an_arbiter_has_no_op_time() {
    let config = config();
    let shown = status(&config).to_document();
    let arbiter = member(&shown, 2);
    assert!(arbiter.keys().all(|name| !name.starts_with("optime")));
    assert_eq!(arbiter.get("lastHeartbeatMessage"), Some(&Bson::from("Connection refused")));
}

#[test]
fn a_primary_tells_how_it_was_elected() {
    let config = config();
    let candidate = CandidateMetrics {
        reason: Reason::ElectionTimeout,
        date_millis: 20_000,
        term: 2,
        committed: at(10).op_time,
        last_seen: at(11).op_time,
        votes_needed: 2,
        priority: 1.0,
        prior_primary: Some(1),
        term_start_millis: Some(20_010),
        majority_available_millis: Some(20_020),
    };
    let shown = Status { candidate: Some(candidate), ..status(&config) }.to_document();
    let wanted = doc! {
        "lastElectionReason": "electionTimeout",
        "lastElectionDate": date(20_000),
        "electionTerm": 2_i64,
        "lastCommittedOpTimeAtElection": at(10).op_time,
        "lastSeenWrittenOpTimeAtElection": at(11).op_time,
        "lastSeenOpTimeAtElection": at(11).op_time,
        "numVotesNeeded": 2,
        "priorityAtElection": 1.0,
        "electionTimeoutMillis": 1000_i64,
        "priorPrimaryMemberId": 1,
        "numCatchUpOps": 0_i64,
        "newTermStartDate": date(20_010),
        "wMajorityWriteAvailabilityDate": date(20_020),
    };
    assert_eq!(shown.get_document("electionCandidateMetrics").unwrap(), &wanted);
    let fresh = CandidateMetrics {
        prior_primary: None,
        term_start_millis: None,
        majority_available_millis: None,
        ..candidate
    };
    let shown = Status { candidate: Some(fresh), ..status(&config) }.to_document();
    let shown = shown.get_document("electionCandidateMetrics").unwrap();
    for name in ["priorPrimaryMemberId", "newTermStartDate", "wMajorityWriteAvailabilityDate"] {
        assert!(!shown.contains_key(name), "{name}");
    }
}

#[test]
fn a_voter_tells_for_whom_it_voted() {
    let config = config();
    let participant = ParticipantMetrics {
        voted_for_candidate: true,
        term: 2,
        date_millis: 20_000,
        candidate: 1,
        reason: String::new(),
        applied: at(9).op_time,
        max_applied_in_set: at(10).op_time,
        priority: 1.0,
    };
    let shown = Status { participant: Some(participant), ..status(&config) }.to_document();
    let shown = shown.get_document("electionParticipantMetrics").unwrap();
    assert_eq!(shown.get("votedForCandidate"), Some(&Bson::Boolean(true)));
    assert_eq!(shown.get("electionCandidateMemberId"), Some(&Bson::Int32(1)));
    assert_eq!(shown.get("maxAppliedOpTimeInSet"), Some(&Bson::from(at(10).op_time)));
}

#[test]
fn a_copy_that_is_arriving_is_shown_with_its_progress() {
    let config = config();
    let initial_sync = InitialSync {
        start_millis: 1000,
        elapsed_millis: 300,
        bytes_total: Some(400),
        bytes_copied: 100,
        begins_at: at(5).op_time,
        applied_entries: 3,
        failed_attempts: vec![Attempt {
            duration_millis: 20,
            status: "HostUnreachable: the link was lost".to_owned(),
            source: HostPort::new("h0", 1),
            bytes: 7,
        }],
    };
    let shown = |initial_sync| {
        let shown = Status { initial_sync: Some(initial_sync), ..status(&config) }.to_document();
        shown.get_document("initialSyncStatus").unwrap().clone()
    };
    let wanted = doc! {
        "failedInitialSyncAttempts": 1,
        "maxFailedInitialSyncAttempts": 10,
        "initialSyncStart": date(1000),
        "totalInitialSyncElapsedMillis": 300_i64,
        "remainingInitialSyncEstimatedMillis": 900_i64,
        "approxTotalDataSize": 400_i64,
        "approxTotalBytesCopied": 100_i64,
        "initialSyncAttempts": [{
            "durationMillis": 20_i64,
            "status": "HostUnreachable: the link was lost",
            "syncSource": "h0:1",
            "approxTotalBytesCopied": 7_i64,
        }],
        "appliedOps": 3_i64,
        "initialSyncOplogStart": Timestamp { time: 5, increment: 1 },
    };
    assert_eq!(shown(initial_sync.clone()), wanted);
    // Nothing copied yet, or nobody knows how much there is: no estimate.
    for odd in [
        InitialSync { bytes_copied: 0, ..initial_sync.clone() },
        InitialSync { bytes_total: None, ..initial_sync.clone() },
    ] {
        assert!(!shown(odd).contains_key("remainingInitialSyncEstimatedMillis"));
    }
}

#[test]
fn who_has_no_status_to_tell_says_why() {
    let table = [
        (not_replicated(), 76, "not running with --replSet"),
        (not_initialized(), 94, "no replset config has been received"),
        (not_a_member(), 93, "Our replica set config is invalid or we are not a member of it"),
    ];
    for (error, code, message) in table {
        assert_eq!((error.code().number(), error.message()), (code, message));
    }
}
