//! How a primary was elected, and for whom another member voted.

use super::date;
use crate::config::{MemberId, ReplicaSetConfig};
use crate::election::Reason;
use crate::optime::OpTime;
use quire_bson::{Document, doc};

/// How this primary was elected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CandidateMetrics {
    pub reason: Reason,
    /// Milliseconds since the epoch, as are the others.
    pub date_millis: i64,
    pub term: i64,
    pub committed: OpTime,
    /// The newest it had itself.
    pub last_seen: OpTime,
    pub votes_needed: usize,
    pub priority: f64,
    pub prior_primary: Option<MemberId>,
    /// When it took its first write.
    pub term_start_millis: Option<i64>,
    /// When that write was on a majority.
    pub majority_available_millis: Option<i64>,
}

impl CandidateMetrics {
    pub(super) fn to_document(self, config: &ReplicaSetConfig) -> Document {
        let mut shown = doc! {
            "lastElectionReason": self.reason.to_string(),
            "lastElectionDate": date(self.date_millis),
            "electionTerm": self.term,
            "lastCommittedOpTimeAtElection": self.committed,
            "lastSeenWrittenOpTimeAtElection": self.last_seen,
            "lastSeenOpTimeAtElection": self.last_seen,
            "numVotesNeeded": i32::try_from(self.votes_needed).unwrap_or(i32::MAX),
            "priorityAtElection": self.priority,
            "electionTimeoutMillis": config.settings.election_timeout_millis,
        };
        if let Some(member) = self.prior_primary {
            shown.insert("priorPrimaryMemberId", member);
        }
        // There is nothing to catch up with: whoever wins has everything that was committed.
        shown.insert("numCatchUpOps", 0_i64);
        if let Some(millis) = self.term_start_millis {
            shown.insert("newTermStartDate", date(millis));
        }
        if let Some(millis) = self.majority_available_millis {
            shown.insert("wMajorityWriteAvailabilityDate", date(millis));
        }
        shown
    }
}

/// For whom this member voted last.
#[derive(Clone, Debug, PartialEq)]
pub struct ParticipantMetrics {
    pub voted_for_candidate: bool,
    pub term: i64,
    /// Milliseconds since the epoch.
    pub date_millis: i64,
    pub candidate: MemberId,
    /// Why it was against, if it was.
    pub reason: String,
    pub applied: OpTime,
    pub max_applied_in_set: OpTime,
    pub priority: f64,
}

impl ParticipantMetrics {
    pub(super) fn to_document(&self) -> Document {
        doc! {
            "votedForCandidate": self.voted_for_candidate,
            "electionTerm": self.term,
            "lastVoteDate": date(self.date_millis),
            "electionCandidateMemberId": self.candidate,
            "voteReason": &self.reason,
            "lastWrittenOpTimeAtElection": self.applied,
            "maxWrittenOpTimeInSet": self.max_applied_in_set,
            "lastAppliedOpTimeAtElection": self.applied,
            "maxAppliedOpTimeInSet": self.max_applied_in_set,
            "priorityAtElection": self.priority,
        }
    }
}
