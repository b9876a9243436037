//! Which configurations make sense as a whole.

use super::{MemberConfig, ReplicaSetConfig};
use quire_errors::{Code, CommandError, Result};

pub const MEMBERS_MAX: usize = 50;
pub const VOTERS_MAX: usize = 7;

/// Refuses a configuration that no set could live with.
pub fn validate(config: &ReplicaSetConfig, allow_multiple_arbiters: bool) -> Result<()> {
    if config.name.is_empty() {
        return refuse("Replica set configuration must have non-empty _id field");
    }
    if config.protocol_version != 1 {
        return refuse(format!(
            "protocolVersion field value must be 1, but found {}",
            config.protocol_version
        ));
    }
    let count = config.members.len();
    if count == 0 || count > MEMBERS_MAX {
        return refuse(format!(
            "Replica set configuration contains {count} members, but must have at least 1 and no \
             more than {MEMBERS_MAX}"
        ));
    }
    check_pairs(&config.members)?;
    check_horizons(&config.members)?;
    check_counts(config, allow_multiple_arbiters)?;
    check_modes(config)
}

fn refuse<T>(message: impl Into<String>) -> Result<T> {
    Err(CommandError::bad_value(message))
}

/// No two members share an `_id` or a host.
fn check_pairs(members: &[MemberConfig]) -> Result<()> {
    for (i, a) in members.iter().enumerate() {
        for (j, b) in members.iter().enumerate().skip(i + 1) {
            if a.id == b.id {
                return refuse(format!(
                    "Found two member configurations with same _id field, members.{i}._id == \
                     members.{j}._id == {}",
                    a.id
                ));
            }
            if a.host == b.host {
                return refuse(format!(
                    "Found two member configurations with same host field, members.{i}.host == \
                     members.{j}.host == {}",
                    a.host
                ));
            }
        }
    }
    Ok(())
}

/// Clients of a horizon must find every member in it, each under an address of its own.
fn check_horizons(members: &[MemberConfig]) -> Result<()> {
    let names = |member: &MemberConfig| {
        let mut names: Vec<String> = member.horizons.iter().map(|h| h.name.clone()).collect();
        names.sort();
        names
    };
    let Some((first, rest)) = members.split_first() else { return Ok(()) };
    let wanted = names(first);
    if let Some(member) = rest.iter().find(|member| names(member) != wanted) {
        return refuse(format!(
            "Saw a replica set member with a different set of horizons: member {} has [{}], member \
             {} has [{}]",
            first.id,
            wanted.join(", "),
            member.id,
            names(member).join(", ")
        ));
    }
    for (i, a) in members.iter().enumerate() {
        for b in members.iter().skip(i + 1) {
            let taken =
                a.horizons.iter().find(|h| b.horizons.iter().any(|o| o.address == h.address));
            if let Some(horizon) = taken {
                return refuse(format!(
                    "Found two member configurations with same horizon address {} in members {} \
                     and {}",
                    horizon.address, a.id, b.id
                ));
            }
        }
    }
    Ok(())
}

fn check_counts(config: &ReplicaSetConfig, allow_multiple_arbiters: bool) -> Result<()> {
    let members = &config.members;
    let local = members.iter().filter(|member| member.host.is_localhost()).count();
    if local != 0 && local != members.len() {
        return refuse(format!(
            "Either all host names in a replica set configuration must be localhost references, or \
             none must be; found {local} out of {}",
            members.len()
        ));
    }
    // A vote that still waits for its owner to catch up counts here, or it could never be given.
    let votes = members.iter().filter(|member| member.has_vote).count();
    if votes == 0 || votes > VOTERS_MAX {
        return refuse(format!(
            "Replica set configuration contains {votes} voting members, but must be at least 1 and \
             no more than {VOTERS_MAX}"
        ));
    }
    if !members.iter().any(MemberConfig::is_electable) {
        return refuse(
            "Replica set configuration must contain at least one non-arbiter member with priority \
             > 0",
        );
    }
    let arbiters = members.iter().filter(|member| member.arbiter_only).count();
    if arbiters > 1 && !allow_multiple_arbiters {
        return refuse(
            "Multiple arbiters are not allowed unless all nodes were started with --setParameter \
             'allowMultipleArbiters=true'",
        );
    }
    Ok(())
}

/// A mode that asks for a tag nobody has could never be satisfied.
fn check_modes(config: &ReplicaSetConfig) -> Result<()> {
    for mode in &config.settings.write_modes {
        for constraint in &mode.constraints {
            let mut tags = config.members.iter().flat_map(|member| &member.tags);
            if !tags.any(|tag| tag.key == constraint.key) {
                return Err(CommandError::new(
                    Code::NoSuchKey,
                    format!(
                        "No replica set tag group named {} found, which \
                         settings.getLastErrorModes.{} refers to",
                        constraint.key, mode.name
                    ),
                ));
            }
        }
    }
    Ok(())
}
