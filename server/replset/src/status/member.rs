//! One line of the status: a member as it knows itself, or as it was last heard of.

use super::{Point, Status, append_source, date};
use crate::config::{MemberConfig, TERM_UNINITIALIZED};
use crate::state::MemberState;
use quire_bson::{Bson, Document, Timestamp, doc};

/// A member and what is known of it.
#[derive(Clone, Debug)]
pub enum MemberStatus<'a> {
    /// The one that answers.
    Own(Own<'a>),
    Other(Heard<'a>),
}

/// What the answering member adds to what the status says of it anyway.
#[derive(Clone, Debug)]
pub struct Own<'a> {
    pub member: &'a MemberConfig,
    pub uptime_secs: i64,
    /// When it became primary.
    pub elected: Option<Timestamp>,
    /// What an operator should know; mostly empty.
    pub info: String,
}

/// What was last heard of another member.
#[derive(Clone, Debug)]
pub struct Heard<'a> {
    pub member: &'a MemberConfig,
    /// Whether it answers.
    pub is_up: bool,
    /// What it said of itself; not shown while it does not answer.
    pub state: MemberState,
    /// For how long it has been answering.
    pub uptime_secs: i64,
    pub applied: Point,
    pub durable: Point,
    /// When it last answered, in milliseconds since the epoch.
    pub answered_millis: Option<i64>,
    /// When it last asked.
    pub asked_millis: Option<i64>,
    pub ping_millis: i64,
    /// Why it does not answer.
    pub message: String,
    pub source: Option<&'a MemberConfig>,
    pub elected: Option<Timestamp>,
    pub config_version: i64,
    pub config_term: i64,
}

/// What is shown for the state of a member that does not answer.
const UNREACHABLE: &str = "(not reachable/healthy)";

impl MemberStatus<'_> {
    pub(super) fn to_document(&self, status: &Status<'_>) -> Document {
        match self {
            MemberStatus::Own(own) => own.to_document(status),
            MemberStatus::Other(heard) => heard.to_document(),
        }
    }
}

/// The fields that every member begins with.
fn head(member: &MemberConfig, is_up: bool, state: MemberState, uptime_secs: i64) -> Document {
    let state = if is_up { state } else { MemberState::Down };
    doc! {
        "_id": member.id,
        "name": member.host.to_string(),
        "health": if is_up { 1.0 } else { 0.0 },
        "state": state.number(),
        "stateStr": if is_up { state.name() } else { UNREACHABLE },
        "uptime": int(if is_up { uptime_secs } else { 0 }),
    }
}

/// Seconds and versions are shown as int32 while they fit.
fn int(n: i64) -> Bson {
    i32::try_from(n).map_or(Bson::Int64(n), Bson::Int32)
}

fn append_election(shown: &mut Document, elected: Option<Timestamp>) {
    if let Some(when) = elected {
        shown.insert("electionTime", when);
        shown.insert("electionDate", date(i64::from(when.time).saturating_mul(1000)));
    }
}

impl Own<'_> {
    fn to_document(&self, status: &Status<'_>) -> Document {
        let mut shown = head(self.member, true, status.state, self.uptime_secs);
        if self.member.is_data_bearing() {
            let (applied, durable) = (status.points.applied, status.points.durable);
            shown.extend(doc! {
                "optime": applied.op_time,
                "optimeDate": date(applied.op_time.millis()),
                "optimeWritten": durable.op_time,
                "optimeWrittenDate": date(durable.op_time.millis()),
                "lastAppliedWallTime": date(applied.wall_millis),
                "lastDurableWallTime": date(durable.wall_millis),
                "lastWrittenWallTime": date(durable.wall_millis),
            });
        }
        append_source(&mut shown, status.source);
        shown.insert("infoMessage", self.info.as_str());
        append_election(&mut shown, self.elected);
        shown.insert("configVersion", int(status.config.version));
        shown.insert("configTerm", int(status.config.term));
        shown.insert("self", true);
        shown.insert("lastHeartbeatMessage", "");
        shown
    }
}

impl<'a> Heard<'a> {
    /// A member that nothing was heard of yet.
    pub fn silent(member: &'a MemberConfig) -> Heard<'a> {
        Heard {
            member,
            is_up: false,
            state: MemberState::Unknown,
            uptime_secs: 0,
            applied: Point::NULL,
            durable: Point::NULL,
            answered_millis: None,
            asked_millis: None,
            ping_millis: 0,
            message: String::new(),
            source: None,
            elected: None,
            config_version: -1,
            config_term: TERM_UNINITIALIZED,
        }
    }

    fn to_document(&self) -> Document {
        let mut shown = head(self.member, self.is_up, self.state, self.uptime_secs);
        if self.member.is_data_bearing() {
            // What it once had is no news of one that does not answer.
            let known = |point| if self.is_up { point } else { Point::NULL };
            let (applied, durable) = (known(self.applied), known(self.durable));
            shown.extend(doc! {
                "optime": applied.op_time,
                "optimeDurable": durable.op_time,
                "optimeWritten": durable.op_time,
                "optimeDate": date(applied.op_time.millis()),
                "optimeDurableDate": date(durable.op_time.millis()),
                "optimeWrittenDate": date(durable.op_time.millis()),
                "lastAppliedWallTime": date(self.applied.wall_millis),
                "lastDurableWallTime": date(self.durable.wall_millis),
                "lastWrittenWallTime": date(self.durable.wall_millis),
            });
        }
        shown.insert("lastHeartbeat", date(self.answered_millis.unwrap_or(0)));
        shown.insert("lastHeartbeatRecv", date(self.asked_millis.unwrap_or(0)));
        shown.insert("pingMs", self.ping_millis);
        shown.insert("lastHeartbeatMessage", self.message.as_str());
        append_source(&mut shown, self.source.filter(|_| self.is_up));
        shown.insert("infoMessage", "");
        if self.is_up && self.state == MemberState::Primary {
            append_election(&mut shown, self.elected);
        }
        shown.insert("configVersion", int(self.config_version));
        shown.insert("configTerm", int(self.config_term));
        shown
    }
}
