//! One member of a configuration: its address, its weight in elections, and what it holds.
//!
//! Owns the rules that concern a single member; those between members stand in `validate`.

use super::NewlyAdded;
use crate::fields::{Fields, bounded};
use crate::host_port::HostPort;
use quire_bson::{Bson, Document, RawDoc, doc};
use quire_errors::{CommandError, Result};

/// The `_id` of a member, by which it is known for as long as it is in the set.
pub type MemberId = i32;

const ID_MAX: i64 = 255;
const PRIORITY_MAX: f64 = 1000.0;
/// A leap year.
const DELAY_SECS_MAX: i64 = 3600 * 24 * 366;

/// A property of a member that write concerns and read preferences may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    pub key: String,
    pub value: String,
}

/// The address of a member as seen from another network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Horizon {
    pub name: String,
    pub address: HostPort,
}

/// The configuration of one member.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberConfig {
    pub id: MemberId,
    pub host: HostPort,
    /// Votes and holds no data.
    pub arbiter_only: bool,
    pub build_indexes: bool,
    /// Not shown to clients.
    pub hidden: bool,
    /// As configured; what counts is [`MemberConfig::effective_priority`].
    pub priority: f64,
    pub tags: Vec<Tag>,
    pub horizons: Vec<Horizon>,
    /// How long it waits before it applies what it has received.
    pub delay_secs: i64,
    /// As configured; whether its vote counts yet says [`MemberConfig::is_voter`].
    pub has_vote: bool,
    /// Has no vote until it has caught up.
    pub newly_added: bool,
}

impl MemberConfig {
    /// A member with every setting at its default.
    pub fn new(id: MemberId, host: HostPort) -> MemberConfig {
        MemberConfig {
            id,
            host,
            arbiter_only: false,
            build_indexes: true,
            hidden: false,
            priority: 1.0,
            tags: Vec::new(),
            horizons: Vec::new(),
            delay_secs: 0,
            has_vote: true,
            newly_added: false,
        }
    }

    pub(super) fn parse(doc: RawDoc<'_>) -> Result<MemberConfig> {
        let mut fields = Fields::read("MemberConfig", doc)?;
        let id = fields.required_integer("_id", 0..=ID_MAX)?;
        let host = HostPort::parse(fields.required_text("host")?)?;
        let mut member = MemberConfig::new(i32::try_from(id).unwrap_or(i32::MAX), host);
        member.arbiter_only = fields.flag("arbiterOnly")?.unwrap_or(false);
        member.build_indexes = fields.flag("buildIndexes")?.unwrap_or(true);
        member.hidden = fields.flag("hidden")?.unwrap_or(false);
        member.priority = fields.double("priority")?.unwrap_or(1.0);
        bounded("priority", member.priority, 0.0, PRIORITY_MAX)?;
        member.tags = fields.doc("tags")?.map(parse_tags).transpose()?.unwrap_or_default();
        let horizons = fields.doc("horizons")?.map(parse_horizons).transpose()?;
        member.horizons = horizons.unwrap_or_default();
        member.delay_secs = fields.integer("secondaryDelaySecs", 0..=DELAY_SECS_MAX)?.unwrap_or(0);
        member.has_vote = fields.integer("votes", 0..=1)?.unwrap_or(1) == 1;
        member.newly_added = fields.flag("newlyAdded")?.unwrap_or(false);
        fields.finish()?;
        member.settle()?;
        Ok(member)
    }

    /// Holds the settings of one member against one another.
    fn settle(&mut self) -> Result<()> {
        if self.arbiter_only {
            // An arbiter never stands; the default that others have is not held against it.
            if self.priority == 1.0 {
                self.priority = 0.0;
            }
            self.check_arbiter()?;
        }
        if self.priority == 0.0 {
            return Ok(());
        }
        let conflicts = [
            (!self.has_vote, "priority must be 0 when non-voting (votes:0)"),
            (self.delay_secs > 0, "priority must be 0 when secondaryDelaySecs is used"),
            (self.hidden, "priority must be 0 when hidden=true"),
            (!self.build_indexes, "priority must be 0 when buildIndexes=false"),
        ];
        match conflicts.iter().find(|(conflict, _)| *conflict) {
            Some((_, why)) => Err(CommandError::bad_value(*why)),
            None => Ok(()),
        }
    }

    fn check_arbiter(&self) -> Result<()> {
        let conflicts = [
            (!self.has_vote, "Arbiter must vote (cannot have 0 votes)"),
            (!self.tags.is_empty(), "Cannot set tags on arbiters."),
            (self.newly_added, "Arbiter cannot have newlyAdded field set"),
            (self.priority != 0.0, "priority must be 0 when arbiterOnly=true"),
            (self.delay_secs > 0, "secondaryDelaySecs must be 0 when arbiterOnly=true"),
        ];
        match conflicts.iter().find(|(conflict, _)| *conflict) {
            Some((_, why)) => Err(CommandError::bad_value(*why)),
            None => Ok(()),
        }
    }

    pub(super) fn to_document(&self, newly_added: NewlyAdded) -> Document {
        let tags = self.tags.iter().map(|tag| (tag.key.clone(), Bson::from(tag.value.as_str())));
        let mut doc = doc! {
            "_id": self.id,
            "host": self.host.to_string(),
            "arbiterOnly": self.arbiter_only,
            "buildIndexes": self.build_indexes,
            "hidden": self.hidden,
            "priority": self.priority,
            "tags": tags.collect::<Document>(),
        };
        if !self.horizons.is_empty() {
            let horizons =
                self.horizons.iter().map(|h| (h.name.clone(), Bson::from(h.address.to_string())));
            doc.insert("horizons", horizons.collect::<Document>());
        }
        doc.insert("secondaryDelaySecs", self.delay_secs);
        doc.insert("votes", i32::from(self.has_vote));
        if self.newly_added && newly_added == NewlyAdded::Shown {
            doc.insert("newlyAdded", true);
        }
        doc
    }

    /// Whether its vote counts.
    pub fn is_voter(&self) -> bool {
        self.has_vote && !self.newly_added
    }

    /// Whether it holds documents, so that it counts for write concerns.
    pub fn is_data_bearing(&self) -> bool {
        !self.arbiter_only
    }

    /// Its weight in elections: none while it waits for its vote.
    pub fn effective_priority(&self) -> f64 {
        if self.newly_added { 0.0 } else { self.priority }
    }

    /// Whether it may ever become primary.
    pub fn is_electable(&self) -> bool {
        !self.arbiter_only && self.is_voter() && self.effective_priority() > 0.0
    }
}

fn parse_tags(doc: RawDoc<'_>) -> Result<Vec<Tag>> {
    let mut tags: Vec<Tag> = Vec::new();
    for element in doc {
        let (key, value) = (element.key(), element.value());
        let Some(value) = value.as_str() else {
            return Err(CommandError::type_mismatch(format!(
                "tags.{key} field has non-string value of type {}",
                value.type_name()
            )));
        };
        if tags.iter().any(|tag| tag.key == key) {
            return Err(CommandError::bad_value(format!("tags contains {key} more than once")));
        }
        tags.push(Tag { key: key.to_owned(), value: value.to_owned() });
    }
    Ok(tags)
}

fn parse_horizons(doc: RawDoc<'_>) -> Result<Vec<Horizon>> {
    let mut horizons: Vec<Horizon> = Vec::new();
    if doc.is_empty() {
        return Err(CommandError::bad_value("horizons field cannot be empty, if present"));
    }
    for element in doc {
        let (name, value) = (element.key(), element.value());
        let Some(address) = value.as_str() else {
            return Err(CommandError::type_mismatch(format!(
                "horizons.{name} field has non-string value of type {}",
                value.type_name()
            )));
        };
        let address = HostPort::parse(address)?;
        let refused = if name.is_empty() {
            Some("Horizons cannot have empty names".to_owned())
        } else if name == "__default" {
            Some("Horizon name \"__default\" is reserved for internal mongodb usage".to_owned())
        } else if horizons.iter().any(|h| h.name == name) {
            Some(format!("Duplicate horizon name found \"{name}\"."))
        } else if horizons.iter().any(|h| h.address == address) {
            Some(format!("Duplicate horizon member found \"{address}\"."))
        } else {
            None
        };
        if let Some(why) = refused {
            return Err(CommandError::bad_value(why));
        }
        horizons.push(Horizon { name: name.to_owned(), address });
    }
    Ok(horizons)
}
