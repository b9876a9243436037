//! The answer of `replSetGetStatus`, by which operators and tools watch a set.
//!
//! Owns its shape. Everything in it is handed in: what a member knows of itself, what it last heard
//! of the others, how it became primary, and how far a first copy of the data has come.

mod initial_sync;
mod member;
mod metrics;

pub use initial_sync::{Attempt, InitialSync};
pub use member::{Heard, MemberStatus, Own};
pub use metrics::{CandidateMetrics, ParticipantMetrics};

use crate::config::{MemberConfig, MemberId, NO_LONGER_MEMBER, ReplicaSetConfig};
use crate::optime::OpTime;
use crate::state::MemberState;
use crate::write_concern::count_fields;
use quire_bson::{Bson, DateTime, Document, Timestamp, doc};
use quire_errors::{Code, CommandError};

/// An entry's position with the wall clock of the primary that wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    pub op_time: OpTime,
    /// Milliseconds since the epoch.
    pub wall_millis: i64,
}

impl Point {
    /// What is shown of a member that nothing is known of.
    pub const NULL: Point = Point { op_time: OpTime::NULL, wall_millis: 0 };
}

/// How far this member has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Points {
    pub committed: Point,
    pub applied: Point,
    /// On its disk.
    pub durable: Point,
    /// The position that a restart would begin from.
    pub recovered_from: Timestamp,
}

/// What a member knows of its set.
#[derive(Clone, Debug)]
pub struct Status<'a> {
    pub config: &'a ReplicaSetConfig,
    pub state: MemberState,
    /// Milliseconds since the epoch.
    pub now_millis: i64,
    pub term: i64,
    /// The member it receives from.
    pub source: Option<&'a MemberConfig>,
    pub points: Points,
    pub initial_sync: Option<InitialSync>,
    /// On a primary: how it was elected.
    pub candidate: Option<CandidateMetrics>,
    /// On others: for whom it voted last.
    pub participant: Option<ParticipantMetrics>,
    /// Whose votes count now: a member that the configuration gives a vote gets it once it has
    /// caught up.
    pub voters: Vec<MemberId>,
    /// In the order of the configuration.
    pub members: Vec<MemberStatus<'a>>,
}

impl Status<'_> {
    pub fn to_document(&self) -> Document {
        let mut shown = doc! {
            "set": &self.config.name,
            "date": date(self.now_millis),
            "myState": self.state.number(),
            "term": self.term,
        };
        append_source(&mut shown, self.source);
        shown.insert("heartbeatIntervalMillis", self.config.settings.heartbeat_interval_millis);
        shown.extend(count_fields(self.config));
        shown.insert("optimes", self.points.to_document());
        shown.insert("lastStableRecoveryTimestamp", self.points.recovered_from);
        if let Some(initial_sync) = &self.initial_sync {
            shown.insert("initialSyncStatus", initial_sync.to_document());
        }
        if let Some(candidate) = &self.candidate {
            shown.insert("electionCandidateMetrics", candidate.to_document(self.config));
        }
        if let Some(participant) = &self.participant {
            shown.insert("electionParticipantMetrics", participant.to_document());
        }
        let members = self.members.iter().map(|member| Bson::Document(member.to_document(self)));
        shown.insert("members", members.collect::<Vec<Bson>>());
        // No field of MongoDB's: there a vote in the configuration is one in elections.
        shown.insert("quire", doc! { "voters": &self.voters });
        shown
    }
}

impl Points {
    /// What is received is on disk at once, so what is written and what is durable are the same; and
    /// reads of the majority see all that is committed and applied.
    fn to_document(self) -> Document {
        doc! {
            "lastCommittedOpTime": self.committed.op_time,
            "lastCommittedWallTime": date(self.committed.wall_millis),
            "readConcernMajorityOpTime": self.committed.op_time,
            "appliedOpTime": self.applied.op_time,
            "durableOpTime": self.durable.op_time,
            "writtenOpTime": self.durable.op_time,
            "lastAppliedWallTime": date(self.applied.wall_millis),
            "lastDurableWallTime": date(self.durable.wall_millis),
            "lastWrittenWallTime": date(self.durable.wall_millis),
        }
    }
}

fn date(millis: i64) -> DateTime {
    DateTime::from_millis(millis)
}

fn append_source(shown: &mut Document, source: Option<&MemberConfig>) {
    shown.insert("syncSourceHost", source.map_or(String::new(), |m| m.host.to_string()));
    shown.insert("syncSourceId", source.map_or(-1, |m| m.id));
}

/// The refusal of a server that was not started as a member of a set.
pub fn not_replicated() -> CommandError {
    CommandError::new(Code::NoReplicationEnabled, "not running with --replSet")
}

/// The refusal of a member that has no configuration yet.
pub fn not_initialized() -> CommandError {
    CommandError::new(Code::NotYetInitialized, "no replset config has been received")
}

/// The refusal of a member that its configuration does not name any more.
pub fn not_a_member() -> CommandError {
    CommandError::new(Code::InvalidReplicaSetConfig, NO_LONGER_MEMBER)
}

#[cfg(test)]
mod tests;
