//! The configuration document of a replica set.
//!
//! Owns reading it strictly, writing it as `replSetGetConfig` shows it, and what follows from it
//! alone: how many votes there are and how many of them a majority is. Which configurations are
//! valid stands in [`validate`], which may follow one another in [`reconfig`].

pub mod initiate;
mod itself;
mod member;
mod modes;
pub mod reconfig;
mod settings;
mod validate;

pub use itself::{NO_LONGER_MEMBER, find_self, find_self_electable};
pub use member::{Horizon, MemberConfig, MemberId, Tag};
pub use modes::{Constraint, WriteMode};
pub use settings::{ELECTION_TIMEOUT_MILLIS, Settings};
pub use validate::{MEMBERS_MAX, VOTERS_MAX, validate};

use crate::fields::Fields;
use quire_bson::{Bson, Document, RawDoc, doc};
use quire_errors::{Code, CommandError, Result};

/// The term of a configuration that no primary has installed.
pub const TERM_UNINITIALIZED: i64 = -1;

/// A replica set's configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicaSetConfig {
    /// The name of the set.
    pub name: String,
    pub version: i64,
    /// The term of the primary that installed it.
    pub term: i64,
    pub members: Vec<MemberConfig>,
    pub protocol_version: i64,
    pub journal_majority: bool,
    pub settings: Settings,
}

/// Whether the internal mark on members that still wait for their vote is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewlyAdded {
    Hidden,
    Shown,
}

impl ReplicaSetConfig {
    /// Reads a configuration field by field. That the whole makes sense is for [`validate`] to say.
    pub fn parse(doc: RawDoc<'_>) -> Result<ReplicaSetConfig> {
        let mut fields = Fields::read("ReplSetConfig", doc)?;
        let name = fields.required_text("_id")?.to_owned();
        let version = fields.integer("version", 1..=i64::from(i32::MAX))?.unwrap_or(1);
        let term =
            fields.integer("term", TERM_UNINITIALIZED..=i64::MAX)?.unwrap_or(TERM_UNINITIALIZED);
        let members = parse_members(fields.required_array("members")?)?;
        let protocol_version = fields.integer("protocolVersion", i64::MIN..=i64::MAX)?.unwrap_or(1);
        let journal_majority = fields.flag("writeConcernMajorityJournalDefault")?.unwrap_or(true);
        let settings = fields.doc("settings")?.map(Settings::parse).transpose()?;
        if fields.flag("configsvr")?.unwrap_or(false) {
            return Err(CommandError::bad_value(
                "Nodes being used for config servers must be started with the --configsvr flag",
            ));
        }
        fields.finish()?;
        let settings = settings.unwrap_or_default();
        Ok(ReplicaSetConfig {
            name,
            version,
            term,
            members,
            protocol_version,
            journal_majority,
            settings,
        })
    }

    /// Writes it with all defaults, as `replSetGetConfig` shows it.
    pub fn to_document(&self, newly_added: NewlyAdded) -> Document {
        let members = self.members.iter().map(|member| member.to_document(newly_added));
        doc! {
            "_id": &self.name,
            "version": number(self.version),
            "term": number(self.term),
            "members": members.map(Bson::Document).collect::<Vec<Bson>>(),
            "protocolVersion": self.protocol_version,
            "writeConcernMajorityJournalDefault": self.journal_majority,
            "settings": self.settings.to_document(),
        }
    }

    pub fn member(&self, id: MemberId) -> Option<&MemberConfig> {
        self.members.iter().find(|member| member.id == id)
    }

    pub fn member_mut(&mut self, id: MemberId) -> Option<&mut MemberConfig> {
        self.members.iter_mut().find(|member| member.id == id)
    }

    /// The members that vote: those with a vote that do not wait for it any more.
    pub fn voters(&self) -> impl Iterator<Item = &MemberConfig> {
        self.members.iter().filter(|member| member.is_voter())
    }

    pub fn voter_count(&self) -> usize {
        self.voters().count()
    }

    /// The voters that hold data.
    pub fn writable_voter_count(&self) -> usize {
        self.voters().filter(|member| member.is_data_bearing()).count()
    }

    /// How many votes win an election.
    pub fn majority_vote_count(&self) -> usize {
        self.voter_count() / 2 + 1
    }

    /// How many data-bearing voters `w: "majority"` needs.
    pub fn write_majority_count(&self) -> usize {
        self.majority_vote_count().min(self.writable_voter_count())
    }

    /// Whether a write concern nobody set means `majority`: not where arbiters would make it wait
    /// as soon as one data-bearing member is away.
    pub fn implicit_default_is_majority(&self) -> bool {
        let has_arbiter = self.members.iter().any(|member| member.arbiter_only);
        !has_arbiter || self.writable_voter_count() > self.majority_vote_count()
    }

    /// How errors and logs name this version of the configuration.
    pub fn version_and_term(&self) -> String {
        format!("{{version: {}, term: {}}}", self.version, self.term)
    }

    /// Whether a member with this configuration would take `other` for newer. Configurations of a
    /// forced reconfiguration have no term, so their versions alone count.
    pub fn is_older_than(&self, other: &ReplicaSetConfig) -> bool {
        let by_term = self.term != TERM_UNINITIALIZED && other.term != TERM_UNINITIALIZED;
        if by_term && self.term != other.term {
            return self.term < other.term;
        }
        self.version < other.version
    }
}

fn parse_members(list: RawDoc<'_>) -> Result<Vec<MemberConfig>> {
    list.iter()
        .map(|element| match element.value().as_document() {
            Some(doc) => MemberConfig::parse(doc),
            None => Err(CommandError::type_mismatch(format!(
                "BSON field 'ReplSetConfig.members.{}' is the wrong type '{}', expected type \
                 'object'",
                element.key(),
                element.value().type_name()
            ))),
        })
        .collect()
}

/// Versions and terms are shown as int32 while they fit.
fn number(n: i64) -> Bson {
    i32::try_from(n).map_or(Bson::Int64(n), Bson::Int32)
}

fn invalid(message: impl Into<String>) -> CommandError {
    CommandError::new(Code::InvalidReplicaSetConfig, message)
}

#[cfg(test)]
pub(crate) mod tests;
