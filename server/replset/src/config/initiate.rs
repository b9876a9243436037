//! The first configuration of a set.

use super::{MemberConfig, NewlyAdded, ReplicaSetConfig, find_self_electable, invalid, validate};
use crate::host_port::HostPort;
use quire_bson::{Document, ObjectId, RawDoc};
use quire_errors::{Code, CommandError, Result};

/// The term of a first configuration, before there is any primary.
pub const TERM_INITIAL: i64 = 0;

/// What a node needs to know to become a set.
pub struct Initiate<'a> {
    /// The name the node was started with.
    pub set_name: &'a str,
    pub is_self: &'a (dyn Fn(&HostPort) -> bool + Sync),
    /// A fresh one.
    pub replica_set_id: ObjectId,
    pub allow_multiple_arbiters: bool,
}

/// The configuration of a node that was asked to initiate and given none: itself, then the hosts
/// that were named when it was started.
pub fn default_document(
    set_name: &str,
    own: &HostPort,
    seeds: &[HostPort],
    is_self: &dyn Fn(&HostPort) -> bool,
) -> Document {
    let others = seeds.iter().filter(|seed| *seed != own && !is_self(seed));
    let hosts = std::iter::once(own).chain(others);
    let config = ReplicaSetConfig {
        name: set_name.to_owned(),
        version: 1,
        term: TERM_INITIAL,
        members: hosts.zip(0..).map(|(host, id)| MemberConfig::new(id, host.clone())).collect(),
        protocol_version: 1,
        journal_majority: true,
        settings: super::Settings::default(),
    };
    config.to_document(NewlyAdded::Hidden)
}

impl Initiate<'_> {
    /// Makes a configuration a set may begin with. Answers also which member this node is.
    ///
    /// Whatever is wrong with it has the one code of an invalid configuration.
    pub fn check(&self, proposed: RawDoc<'_>) -> Result<(ReplicaSetConfig, usize)> {
        self.try_check(proposed).map_err(|error| invalid(error.message()))
    }

    fn try_check(&self, proposed: RawDoc<'_>) -> Result<(ReplicaSetConfig, usize)> {
        let mut config = ReplicaSetConfig::parse(proposed)?;
        if let Some(id) = config.settings.replica_set_id {
            return Err(invalid(format!(
                "replica set configuration cannot contain 'replicaSetId' field when called from \
                 replSetInitiate: {id}"
            )));
        }
        if config.members.iter().any(|member| member.newly_added) {
            return Err(invalid(
                "Cannot provide newlyAdded field to member config during initiation",
            ));
        }
        if config.name != self.set_name {
            return Err(invalid(format!(
                "Attempting to initiate a replica set with name {}, but command line reports {}; \
                 rejecting",
                config.name, self.set_name
            )));
        }
        if config.version != 1 {
            return Err(CommandError::new(
                Code::NewReplicaSetConfigurationIncompatible,
                format!(
                    "Configuration used to initiate a replica set must have version 1, but found {}",
                    config.version
                ),
            ));
        }
        config.term = TERM_INITIAL;
        config.settings.replica_set_id = Some(self.replica_set_id);
        validate(&config, self.allow_multiple_arbiters)?;
        let own = find_self_electable(&config, self.is_self)?;
        Ok((config, own))
    }
}
