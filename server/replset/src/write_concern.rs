//! Write concerns: what a client may ask for, and when a set has given it.
//!
//! Every acknowledged write is on the disks of a quorum and applied on the primary before anything
//! here is asked. What is counted here are the further copies that MongoDB's write concerns name.
//! `w: "majority"` counts voters with data that have the write on disk: with an arbiter in the
//! quorum, or while a voter is still joining, that can be later than the commit. `w: N` and tags
//! count members that have applied it, since clients go on to read there. `j` adds nothing.

use crate::config::{Constraint, MemberConfig, MemberId, ReplicaSetConfig};
use crate::fields::saturating_i64;
use quire_bson::{Bson, Document, Number, RawDoc, RawValue, doc};
use quire_errors::{Code, CommandError, Result};

/// As many copies as a set can have members.
const W_MAX: i64 = 50;
const TIMEOUT_MAX_MILLIS: i64 = i32::MAX as i64;

/// How many copies, or which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum W {
    Count(u32),
    Majority,
    /// One of the configuration's `getLastErrorModes`.
    Mode(String),
    Tags(Vec<Constraint>),
}

/// What a client wants to wait for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteConcern {
    /// `None` leaves it to the default.
    pub w: Option<W>,
    pub journal: Option<bool>,
    /// Zero waits for ever.
    pub timeout_millis: u32,
}

/// How far one member has got, in positions of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub member: MemberId,
    /// On its disk.
    pub durable: u64,
    /// Visible to its readers.
    pub applied: u64,
}

/// The error beside a write that has not reached all that was asked for in time.
pub fn timed_out() -> CommandError {
    CommandError::new(Code::WriteConcernFailed, "waiting for replication timed out")
}

impl WriteConcern {
    pub fn parse(doc: RawDoc<'_>) -> Result<WriteConcern> {
        let mut concern = WriteConcern::default();
        let mut fsync = None;
        for element in doc {
            let value = element.value();
            match element.key() {
                "w" => concern.w = parse_w(value)?,
                "j" => concern.journal = Some(parse_flag("j", value)?),
                "fsync" => fsync = Some(parse_flag("fsync", value)?),
                "wtimeout" => concern.timeout_millis = parse_timeout(value)?,
                "provenance" => check_provenance(value)?,
                // What servers of a sharded cluster put in.
                "getLastError" | "wElectionId" | "wOpTime" => {}
                other => {
                    return Err(CommandError::failed_to_parse(format!(
                        "unrecognized write concern field: {other}"
                    )));
                }
            }
        }
        if concern.journal == Some(true) && fsync == Some(true) {
            return Err(CommandError::failed_to_parse(
                "fsync and j options cannot be used together",
            ));
        }
        if fsync == Some(true) {
            concern.journal = Some(true);
        }
        Ok(concern)
    }

    /// As errors show it in `errInfo`, and `getDefaultRWConcern` in its answer.
    pub fn to_document(&self) -> Document {
        let mut shown = Document::new();
        match &self.w {
            None => {}
            Some(W::Count(n)) => {
                shown.insert("w", i32::try_from(*n).unwrap_or(i32::MAX));
            }
            Some(W::Majority) => {
                shown.insert("w", "majority");
            }
            Some(W::Mode(name)) => {
                shown.insert("w", name.as_str());
            }
            Some(W::Tags(constraints)) => {
                let tags = constraints.iter();
                let tags: Document =
                    tags.map(|c| (c.key.clone(), Bson::Int32(c.values_min))).collect();
                shown.insert("w", tags);
            }
        }
        if let Some(journal) = self.journal {
            shown.insert("j", journal);
        }
        shown.insert("wtimeout", i32::try_from(self.timeout_millis).unwrap_or(i32::MAX));
        shown
    }

    /// Whether the client wants no answer about its write.
    pub fn is_unacknowledged(&self) -> bool {
        self.w == Some(W::Count(0)) && self.journal != Some(true)
    }

    /// Whether it asks for nothing beyond what every acknowledged write has: then nobody needs to
    /// wait, whatever the progress of others.
    pub fn is_met_by_commit(&self) -> bool {
        matches!(self.w, None | Some(W::Count(0 | 1)))
    }

    /// Refuses what the set could not give even if every member were up.
    pub fn check_satisfiable(&self, config: &ReplicaSetConfig) -> Result<()> {
        let data_bearing = || config.members.iter().filter(|member| member.is_data_bearing());
        match &self.w {
            None | Some(W::Majority) => Ok(()),
            Some(W::Count(n)) => {
                let copies = u32::try_from(data_bearing().count()).unwrap_or(u32::MAX);
                if *n <= copies { Ok(()) } else { unsatisfiable("Not enough data-bearing nodes") }
            }
            Some(W::Mode(name)) => {
                let constraints = mode(config, name)?;
                if are_met(constraints, data_bearing()) {
                    return Ok(());
                }
                unsatisfiable(format!("Not enough nodes match write concern mode \"{name}\""))
            }
            Some(W::Tags(constraints)) => {
                if are_met(constraints, data_bearing()) {
                    return Ok(());
                }
                let tags = quire_bson::DocBuf::from(&self.to_document());
                let tags = tags.as_raw().get("w").map(quire_bson::shell_value);
                unsatisfiable(format!(
                    "Not enough nodes match write concern mode \"{}\"",
                    tags.unwrap_or_default()
                ))
            }
        }
    }

    /// Whether the entry at `index`, which is committed and applied on this node, has reached all
    /// that are asked for. A member without progress has nothing.
    pub fn is_satisfied(
        &self,
        config: &ReplicaSetConfig,
        progress: &[Progress],
        index: u64,
    ) -> bool {
        let applied = || {
            let have = |m: &&MemberConfig| of(progress, m.id).is_some_and(|p| p.applied >= index);
            config.members.iter().filter(|member| member.is_data_bearing()).filter(have)
        };
        match &self.w {
            None | Some(W::Count(0 | 1)) => true,
            Some(W::Count(n)) => u32::try_from(applied().count()).unwrap_or(u32::MAX) >= *n,
            Some(W::Majority) => majority_index(config, progress) >= index,
            Some(W::Mode(name)) => {
                mode(config, name).is_ok_and(|constraints| are_met(constraints, applied()))
            }
            Some(W::Tags(constraints)) => are_met(constraints, applied()),
        }
    }
}

/// The newest entry that `w: "majority"` is satisfied for.
pub fn majority_index(config: &ReplicaSetConfig, progress: &[Progress]) -> u64 {
    let voters = config.voters().filter(|member| member.is_data_bearing());
    let mut durable: Vec<u64> =
        voters.map(|member| of(progress, member.id).map_or(0, |p| p.durable)).collect();
    durable.sort_unstable_by(|a, b| b.cmp(a));
    let needed = config.write_majority_count();
    needed.checked_sub(1).and_then(|last| durable.get(last).copied()).unwrap_or(0)
}

fn of(progress: &[Progress], member: MemberId) -> Option<&Progress> {
    progress.iter().find(|p| p.member == member)
}

fn mode<'a>(config: &'a ReplicaSetConfig, name: &str) -> Result<&'a [Constraint]> {
    let found = config.settings.write_modes.iter().find(|mode| mode.name == name);
    found.map(|mode| mode.constraints.as_slice()).ok_or_else(|| {
        CommandError::new(
            Code::UnknownReplWriteConcern,
            format!("No write concern mode named '{name}' found in replica set configuration"),
        )
    })
}

fn are_met<'a>(
    constraints: &[Constraint],
    members: impl Iterator<Item = &'a MemberConfig> + Clone,
) -> bool {
    constraints.iter().all(|constraint| constraint.is_met_by(members.clone()))
}

fn unsatisfiable(message: impl Into<String>) -> Result<()> {
    Err(CommandError::new(Code::UnsatisfiableWriteConcern, message))
}

fn parse_w(value: RawValue<'_>) -> Result<Option<W>> {
    if let Some(number) = Number::from_raw(value) {
        let n = saturating_i64(number);
        return match u32::try_from(n) {
            Ok(count) if n <= W_MAX => Ok(Some(W::Count(count))),
            _ => Err(CommandError::failed_to_parse(format!(
                "w has to be a non-negative number and not greater than {W_MAX}; found: {n}"
            ))),
        };
    }
    match value {
        RawValue::String("majority") => Ok(Some(W::Majority)),
        RawValue::String(mode) => Ok(Some(W::Mode(mode.to_owned()))),
        RawValue::Document(tags) => parse_tags(tags).map(|tags| Some(W::Tags(tags))),
        RawValue::Null | RawValue::Undefined => Ok(None),
        other => Err(CommandError::failed_to_parse(format!(
            "w has to be a number, string, or object; found: {}",
            other.type_name()
        ))),
    }
}

fn parse_tags(tags: RawDoc<'_>) -> Result<Vec<Constraint>> {
    if tags.is_empty() {
        return Err(CommandError::failed_to_parse("tagged write concern requires tags"));
    }
    tags.iter()
        .map(|element| match Number::from_raw(element.value()) {
            Some(number) => Ok(Constraint {
                key: element.key().to_owned(),
                values_min: i32::try_from(saturating_i64(number)).unwrap_or(i32::MAX),
            }),
            None => Err(CommandError::failed_to_parse(
                "tags must be a single level document with only number values",
            )),
        })
        .collect()
}

fn parse_flag(name: &str, value: RawValue<'_>) -> Result<bool> {
    match value {
        RawValue::Boolean(flag) => Ok(flag),
        RawValue::Null | RawValue::Undefined => Ok(false),
        other => match Number::from_raw(other) {
            Some(number) => Ok(!number.is_zero()),
            None => Err(CommandError::failed_to_parse(format!(
                "BSON field 'writeConcern.{name}' is the wrong type '{}', expected types '[bool, \
                 long, int, decimal, double]'",
                other.type_name()
            ))),
        },
    }
}

/// What is no number counts for nothing, and so does less than nothing: both wait for ever.
fn parse_timeout(value: RawValue<'_>) -> Result<u32> {
    let millis = Number::from_raw(value).map_or(0, saturating_i64).max(0);
    if millis > TIMEOUT_MAX_MILLIS {
        return Err(CommandError::failed_to_parse("wtimeout must be a 32-bit integer"));
    }
    Ok(u32::try_from(millis).unwrap_or(u32::MAX))
}

/// Who set the concern: told by servers of a sharded cluster, and shown in `errInfo`.
fn check_provenance(value: RawValue<'_>) -> Result<()> {
    const KNOWN: [&str; 6] = [
        "clientSupplied",
        "implicitDefault",
        "customDefault",
        "getLastErrorDefaults",
        "internalWriteDefault",
        "internalDefault",
    ];
    match value.as_str() {
        Some(name) if KNOWN.contains(&name) => Ok(()),
        Some(other) => Err(CommandError::bad_value(format!(
            "Enumeration value '{other}' for field 'writeConcern.provenance' is not a valid value."
        ))),
        None => Err(CommandError::type_mismatch(format!(
            "BSON field 'writeConcern.provenance' is the wrong type '{}', expected type 'string'",
            value.type_name()
        ))),
    }
}

/// The counts that `replSetGetStatus` shows.
pub fn count_fields(config: &ReplicaSetConfig) -> Document {
    let shown = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    doc! {
        "majorityVoteCount": shown(config.majority_vote_count()),
        "writeMajorityCount": shown(config.write_majority_count()),
        "votingMembersCount": shown(config.voter_count()),
        "writableVotingMembersCount": shown(config.writable_voter_count()),
    }
}

#[cfg(test)]
mod tests;
