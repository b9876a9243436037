//! Which member of a configuration this node is.

use super::ReplicaSetConfig;
use crate::host_port::HostPort;
use quire_errors::{Code, CommandError, Result};

/// What a node says that finds itself in no member.
pub const NO_LONGER_MEMBER: &str = "Our replica set config is invalid or we are not a member of it";

/// The position of the one member that is this node.
pub fn find_self(config: &ReplicaSetConfig, is_self: &dyn Fn(&HostPort) -> bool) -> Result<usize> {
    let mut own = config.members.iter().enumerate().filter(|(_, m)| is_self(&m.host));
    let which = format!("{} for replica set {}", config.version_and_term(), config.name);
    let Some((position, first)) = own.next() else {
        return Err(CommandError::new(
            Code::NodeNotFound,
            format!("No host described in new configuration with {which} maps to this node"),
        ));
    };
    if let Some((_, second)) = own.next() {
        return Err(CommandError::new(
            Code::InvalidReplicaSetConfig,
            format!(
                "The hosts {} and {} all map to this node in new configuration with {which}",
                first.host, second.host
            ),
        ));
    }
    Ok(position)
}

/// The same, for a node that must be able to be primary under the configuration.
pub fn find_self_electable(
    config: &ReplicaSetConfig,
    is_self: &dyn Fn(&HostPort) -> bool,
) -> Result<usize> {
    let position = find_self(config, is_self)?;
    match config.members.get(position) {
        Some(member) if !member.is_electable() => Err(CommandError::new(
            Code::NodeNotElectable,
            format!(
                "This node, {}, with _id {} is not electable under the new configuration with {} \
                 for replica set {}",
                member.host,
                member.id,
                config.version_and_term(),
                config.name
            ),
        )),
        _ => Ok(position),
    }
}
