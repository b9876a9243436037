//! What `hello` says of the replica set, by which drivers find the primary.
//!
//! Owns which fields a member shows in which state. The fields that every server has (limits, wire
//! versions, the clock) are its command's.

use crate::config::{MemberConfig, ReplicaSetConfig};
use crate::optime::OpTime;
use crate::state::MemberState;
use quire_bson::{ArrayBuilder, Bson, DateTime, DocBuilder, ObjectId, RawValue};

/// Which of the two spellings of the command was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    Hello,
    IsMaster,
}

/// What a node knows of itself and its set at one moment.
#[derive(Clone, Debug)]
pub enum Hello<'a> {
    /// Started as a member of a set, and not yet told which, or told that it is not one any more.
    NoConfig,
    Member(Member<'a>),
}

/// A node that its configuration names.
#[derive(Clone, Debug)]
pub struct Member<'a> {
    pub config: &'a ReplicaSetConfig,
    /// Its own position among the members.
    pub own: usize,
    pub state: MemberState,
    /// Whether it takes writes: a primary does so only once it has applied its predecessors'.
    pub is_writable: bool,
    /// The position of the primary, where one is known.
    pub primary: Option<usize>,
    pub term: i64,
    pub last_write: LastWrite,
}

/// The newest entry applied here and the newest that a majority is known to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastWrite {
    pub applied: OpTime,
    /// Milliseconds since the epoch.
    pub applied_millis: i64,
    pub majority: OpTime,
    pub majority_millis: i64,
}

/// The id of the election that a term began with. Later terms have greater ids, by which drivers know
/// a primary from its predecessor.
pub fn election_id(term: i64) -> ObjectId {
    let mut bytes = [0; 12];
    let (head, tail) = bytes.split_at_mut(4);
    head.copy_from_slice(&[0x7f, 0xff, 0xff, 0xff]);
    tail.copy_from_slice(&term.to_be_bytes());
    ObjectId::from_bytes(bytes)
}

/// Appends the fields that a member of a set has beside every other server's.
pub fn append(b: &mut DocBuilder, hello: &Hello<'_>, spelling: Spelling) {
    match hello {
        Hello::NoConfig => {
            append_role(b, spelling, false, false);
            b.append_str("info", "Does not have a valid replica set config");
            b.append_bool("isreplicaset", true);
        }
        Hello::Member(member) => member.append(b, spelling),
    }
}

fn append_role(b: &mut DocBuilder, spelling: Spelling, is_writable: bool, is_secondary: bool) {
    let name = match spelling {
        Spelling::Hello => "isWritablePrimary",
        Spelling::IsMaster => "ismaster",
    };
    b.append_bool(name, is_writable);
    b.append_bool("secondary", is_secondary);
}

impl Member<'_> {
    fn append(&self, b: &mut DocBuilder, spelling: Spelling) {
        self.append_members(b);
        b.append_str("setName", &self.config.name);
        b.append_i32("setVersion", i32::try_from(self.config.version).unwrap_or(i32::MAX));
        let is_primary = self.state == MemberState::Primary;
        let is_writable = is_primary && self.is_writable;
        // A leader that does not yet take writes is nobody's primary: drivers wait for it.
        let is_secondary = self.state == MemberState::Secondary || is_primary && !self.is_writable;
        append_role(b, spelling, is_writable, is_secondary);
        let primary = self.primary.and_then(|position| self.config.members.get(position));
        if let Some(primary) = primary {
            b.append_str("primary", &primary.host.to_string());
        }
        if let Some(own) = self.config.members.get(self.own) {
            append_own(b, own, spelling);
        }
        if is_writable {
            b.append("electionId", RawValue::ObjectId(election_id(self.term)));
        }
        b.append_with("lastWrite", |b| self.last_write.append(b));
    }

    /// The members that clients may talk to, by what they are to them.
    fn append_members(&self, b: &mut DocBuilder) {
        let shown = self.config.members.iter().filter(|m| !m.hidden && m.delay_secs == 0);
        let of = |kind: Kind| shown.clone().filter(move |m| Kind::of(m) == kind);
        for (name, kind) in
            [("hosts", Kind::Host), ("passives", Kind::Passive), ("arbiters", Kind::Arbiter)]
        {
            if of(kind).next().is_some() {
                b.append_array(name, |list| of(kind).for_each(|m| push_host(list, m)));
            }
        }
    }
}

/// What a member is to clients.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Host,
    Passive,
    Arbiter,
}

impl Kind {
    fn of(member: &MemberConfig) -> Kind {
        if member.arbiter_only {
            Kind::Arbiter
        } else if member.is_electable() {
            Kind::Host
        } else {
            Kind::Passive
        }
    }
}

fn push_host(list: &mut ArrayBuilder, member: &MemberConfig) {
    list.push(RawValue::String(&member.host.to_string()));
}

fn append_own(b: &mut DocBuilder, own: &MemberConfig, spelling: Spelling) {
    if own.arbiter_only {
        b.append_bool("arbiterOnly", true);
    } else if !own.is_electable() {
        b.append_bool("passive", true);
    }
    if own.hidden {
        b.append_bool("hidden", true);
    }
    if !own.build_indexes {
        b.append_bool("buildIndexes", false);
    }
    if own.delay_secs > 0 {
        let name = match spelling {
            Spelling::Hello => "secondaryDelaySecs",
            Spelling::IsMaster => "slaveDelay",
        };
        b.append_i64(name, own.delay_secs);
    }
    if !own.tags.is_empty() {
        b.append_with("tags", |b| {
            for tag in &own.tags {
                b.append_str(&tag.key, &tag.value);
            }
        });
    }
    b.append_str("me", &own.host.to_string());
}

impl LastWrite {
    fn append(self, b: &mut DocBuilder) {
        let millis = |n| Bson::DateTime(DateTime::from_millis(n));
        b.append_bson("opTime", &self.applied.into());
        b.append_bson("lastWriteDate", &millis(self.applied_millis));
        b.append_bson("majorityOpTime", &self.majority.into());
        b.append_bson("majorityWriteDate", &millis(self.majority_millis));
    }
}

#[cfg(test)]
mod tests;
