//! Which configuration may follow another.
//!
//! A safe change moves at most one vote, so that every majority of the old configuration meets every
//! majority of the new one. A forced change asks nobody: it is for a set that has lost its majority,
//! and says so with a version nobody else can have drawn.

use super::{
    MemberConfig, ReplicaSetConfig, TERM_UNINITIALIZED, find_self, find_self_electable, invalid,
    validate,
};
use crate::host_port::HostPort;
use quire_bson::RawDoc;
use quire_errors::{Code, CommandError, Result};

/// A forced version is at least so far ahead, and drawn from a span so wide.
const FORCED_JUMP_MIN: i64 = 10_000;
const FORCED_JUMP_SPAN: u32 = 100_000;

/// How much of the old configuration a change must respect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    Safe,
    /// With random bits for the version.
    Forced(u32),
}

/// What is known where the change is asked for.
pub struct Reconfig<'a> {
    pub current: &'a ReplicaSetConfig,
    pub is_self: &'a (dyn Fn(&HostPort) -> bool + Sync),
    /// The term of the primary that installs it.
    pub term: i64,
    pub force: Force,
    pub allow_multiple_arbiters: bool,
    /// Whether `setDefaultRWConcern` has set a write concern for the whole set.
    pub has_default_write_concern: bool,
}

impl Reconfig<'_> {
    /// Makes the configuration that follows, with its new voters waiting for their votes. Answers
    /// also which member this node is.
    pub fn check(&self, proposed: RawDoc<'_>) -> Result<(ReplicaSetConfig, usize)> {
        let mut next =
            ReplicaSetConfig::parse(proposed).map_err(|error| invalid(error.message()))?;
        if next.members.iter().any(|member| member.newly_added) {
            return Err(invalid(
                "Cannot provide newlyAdded field to member config during reconfig.",
            ));
        }
        self.complete(&mut next);
        let own = self.try_check(&next).map_err(|error| incompatible(error.message()))?;
        Ok((next, own))
    }

    /// Fills in what the one who asks does not decide.
    fn complete(&self, next: &mut ReplicaSetConfig) {
        let settings = &mut next.settings;
        settings.replica_set_id = settings.replica_set_id.or(self.current.settings.replica_set_id);
        match self.force {
            Force::Safe => next.term = self.term,
            Force::Forced(bits) => {
                let jump = FORCED_JUMP_MIN + i64::from(bits % FORCED_JUMP_SPAN);
                let version = next.version.max(self.current.version).saturating_add(jump);
                next.version = version.min(i64::from(i32::MAX));
                next.term = TERM_UNINITIALIZED;
            }
        }
        for member in &mut next.members {
            // A new address is no new member: if another node answers there, binding it shows that.
            let old = self.current.member(member.id);
            let waits = match (old, self.force) {
                (Some(old), _) => old.newly_added,
                (None, Force::Safe) => true,
                // A forced change is for when there is nobody left to wait for.
                (None, Force::Forced(_)) => false,
            };
            member.newly_added = waits && member.has_vote && !member.arbiter_only;
        }
    }

    fn try_check(&self, next: &ReplicaSetConfig) -> Result<usize> {
        validate(next, self.allow_multiple_arbiters)?;
        check_compatible(self.current, next)?;
        if self.force != Force::Safe {
            return find_self(next, self.is_self);
        }
        check_single_vote(self.current, next)?;
        check_arbiter_topology(self.current, next)?;
        self.check_default_write_concern(next)?;
        find_self_electable(next, self.is_self)
    }

    /// What an unadorned write waits for may not change behind its author's back.
    fn check_default_write_concern(&self, next: &ReplicaSetConfig) -> Result<()> {
        let before = self.current.implicit_default_is_majority();
        if self.has_default_write_concern || before == next.implicit_default_is_majority() {
            return Ok(());
        }
        Err(incompatible(
            "Reconfig attempted to install a config that would change the implicit default write \
             concern. Use the setDefaultRWConcern command to set a cluster-wide write concern and \
             try the reconfig again.",
        ))
    }
}

fn incompatible(message: impl Into<String>) -> CommandError {
    CommandError::new(Code::NewReplicaSetConfigurationIncompatible, message)
}

/// Rules that hold for forced changes too.
fn check_compatible(old: &ReplicaSetConfig, new: &ReplicaSetConfig) -> Result<()> {
    if old.name != new.name {
        return Err(incompatible(format!(
            "New and old configurations differ in replica set name; old was {}, and new is {}",
            old.name, new.name
        )));
    }
    if new.version <= old.version {
        return Err(incompatible(format!(
            "New replica set configuration version must be greater than old, but {} is not greater \
             than {} for replica set {}",
            new.version, old.version, old.name
        )));
    }
    if let (Some(was), Some(is)) = (old.settings.replica_set_id, new.settings.replica_set_id)
        && was != is
    {
        return Err(incompatible(format!(
            "New and old configurations differ in replica set ID; old was {was}, and new is {is}"
        )));
    }
    for member in &new.members {
        for before in &old.members {
            check_member(&old.name, before, member)?;
        }
    }
    Ok(())
}

fn check_member(set: &str, old: &MemberConfig, new: &MemberConfig) -> Result<()> {
    if old.host == new.host && old.id != new.id {
        return Err(incompatible(format!(
            "New and old configurations both have members with host of {} but in the new \
             configuration the _id field is {} and in the old configuration it is {} for replica \
             set {set}",
            new.host, new.id, old.id
        )));
    }
    if old.id != new.id {
        return Ok(());
    }
    let fixed = [
        ("buildIndexes", old.build_indexes == new.build_indexes),
        ("arbiterOnly", old.arbiter_only == new.arbiter_only),
    ];
    match fixed.iter().find(|(_, is_equal)| !is_equal) {
        None => Ok(()),
        Some((field, _)) => Err(incompatible(format!(
            "New and old configurations differ in the setting of the {field} field for member {}; \
             to make this change, remove then re-add the member",
            old.host
        ))),
    }
}

/// At most one vote comes or goes. A vote that still waits for its owner counts like any other.
fn check_single_vote(old: &ReplicaSetConfig, new: &ReplicaSetConfig) -> Result<()> {
    let votes_in = |config: &ReplicaSetConfig, member: &MemberConfig| {
        config.members.iter().any(|other| other.id == member.id && other.has_vote)
    };
    let voting = |config: &ReplicaSetConfig, other: &ReplicaSetConfig| {
        config.members.iter().filter(|m| m.has_vote && !votes_in(other, m)).count()
    };
    if voting(new, old) + voting(old, new) > 1 {
        return Err(incompatible(
            "Non force replica set reconfig can only add or remove at most 1 voting member.",
        ));
    }
    Ok(())
}

/// A set of primary, secondary and arbiter must come about through its secondary first: an electable
/// one that joins beside the arbiter could win an election without the data.
fn check_arbiter_topology(old: &ReplicaSetConfig, new: &ReplicaSetConfig) -> Result<()> {
    let mut voting = new.members.iter().filter(|member| member.has_vote);
    let is_psa = voting.clone().count() == 3
        && voting.clone().filter(|member| member.arbiter_only).count() == 1
        && voting.all(|member| member.arbiter_only || member.priority > 0.0);
    if is_psa && old.writable_voter_count() == 1 {
        return Err(incompatible(
            "Rejecting reconfig where the new config has a PSA topology and the secondary is \
             electable, but the old config contains only one writable node. Add the secondary \
             before the arbiter, or with priority 0 first",
        ));
    }
    Ok(())
}
