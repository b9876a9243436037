//! Asking the members of a proposed configuration whether they agree to it.

use super::{PeerIdentity, ReplicaSet};
use crate::{HostPort, ReplicaSetConfig};
use quire_bson::ObjectId;
use quire_errors::{Code, CommandError, Result};

/// What was found at the addresses of a configuration.
pub(super) struct Found {
    answers: Vec<(HostPort, std::result::Result<PeerIdentity, String>)>,
    process: ObjectId,
    address: HostPort,
}

impl ReplicaSet {
    /// Asks every address who answers there.
    pub(super) async fn look_up(&self, hosts: impl IntoIterator<Item = HostPort>) -> Found {
        let mut asked = Vec::new();
        for host in hosts {
            if !asked.iter().any(|(known, _)| *known == host) {
                let probe = self.outside.probe(&host);
                asked.push((host, probe));
            }
        }
        let mut answers = Vec::new();
        for (host, probe) in asked {
            let answer = probe.await;
            answers.push((host, answer));
        }
        let (process, address) = (self.founding.process, self.founding.address.clone());
        Found { answers, process, address }
    }
}

impl Found {
    pub(super) fn at(&self, host: &HostPort) -> Option<&PeerIdentity> {
        let (_, answer) = self.answers.iter().find(|(known, _)| known == host)?;
        answer.as_ref().ok()
    }

    /// Whether this process answers at an address.
    pub(super) fn is_certainly_self(&self, host: &HostPort) -> bool {
        self.at(host).is_some_and(|identity| identity.process == self.process)
    }

    /// Whether an address leads to this process, as far as anybody knows.
    pub(super) fn is_self(&self, host: &HostPort) -> bool {
        match self.at(host) {
            Some(identity) => identity.process == self.process,
            None => *host == self.address,
        }
    }

    /// Everybody must answer, belong to a set of this name, and be new to it.
    pub(super) fn all_are_new(&self, config: &ReplicaSetConfig) -> Result<()> {
        let mut silent = Vec::new();
        for member in config.members.iter().filter(|member| !self.is_self(&member.host)) {
            let host = &member.host;
            let answer = self.answers.iter().find(|(known, _)| known == host);
            match answer.map(|(_, answer)| answer) {
                // One that answers and must not be taken in counts for more than any that is silent.
                Some(Ok(identity)) => is_new(identity, host, config)?,
                Some(Err(reason)) => silent.push(format!("{host} failed with {reason}")),
                None => silent.push(format!("{host} failed with it was not asked")),
            }
        }
        if silent.is_empty() {
            return Ok(());
        }
        Err(CommandError::new(
            Code::NodeNotFound,
            format!(
                "replSetInitiate quorum check failed because not all proposed set members \
                 responded affirmatively: {}",
                silent.join(", ")
            ),
        ))
    }
}

fn is_new(identity: &PeerIdentity, host: &HostPort, config: &ReplicaSetConfig) -> Result<()> {
    let incompatible =
        |message: String| CommandError::new(Code::NewReplicaSetConfigurationIncompatible, message);
    if identity.set_name != config.name {
        return Err(incompatible(format!("Our set name did not match that of {host}")));
    }
    if let Some((version, _)) = identity.configuration {
        return Err(incompatible(format!(
            "Our config version of {} is no larger than the version on {host}, which is {version}",
            config.version
        )));
    }
    if !identity.is_empty {
        return Err(CommandError::new(
            Code::CannotInitializeNodeWithData,
            format!(
                "'{host}' has data already, cannot initiate set. All members except initiator \
                 must be empty."
            ),
        ));
    }
    Ok(())
}
