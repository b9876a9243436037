//! Making a set of nodes that belong to none.

use super::ReplicaSet;
use crate::config::initiate::{Initiate, default_document};
use crate::{Detail, HostPort, MemberState, RaftId, RaftSets};
use quire_bson::{DocBuf, ObjectId, RawDoc};
use quire_consensus::Membership;
use quire_errors::{Code, CommandError, Result};
use std::time::Duration;

/// How long an election among one may take.
pub(super) const ELECTION_PATIENCE: Duration = Duration::from_secs(10);

/// The replica's own standing changes without a notice that could not be missed.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Initiated {
    /// No configuration was given, so one was made.
    pub used_default: bool,
    pub own: HostPort,
}

impl ReplicaSet {
    /// Becomes the first member of a set of this configuration, or of one made of the hosts that
    /// were named at the start.
    pub async fn initiate(&self, config: Option<RawDoc<'_>>) -> Result<Initiated> {
        let _turn = self.begin_configuring(true)?;
        self.try_initiate(config).await
    }

    /// One configuration at a time.
    pub(super) fn begin_configuring(&self, is_first: bool) -> Result<Configuring<'_>> {
        let mut inner = self.inner.lock();
        if is_first && inner.detail.is_some() {
            return Err(CommandError::new(Code::AlreadyInitialized, "already initialized"));
        }
        if inner.configuring {
            return Err(CommandError::new(
                Code::ConfigurationInProgress,
                "Cannot run a configuration change while another one is running",
            ));
        }
        inner.configuring = true;
        Ok(Configuring(self))
    }

    async fn try_initiate(&self, given: Option<RawDoc<'_>>) -> Result<Initiated> {
        let made = match given {
            Some(given) if !given.is_empty() => DocBuf::from(given),
            _ => self.default_configuration().await,
        };
        let hosts = hosts_of(made.as_raw());
        let found = self.look_up(hosts).await;
        let is_self = |host: &HostPort| found.is_self(host);
        let initiate = Initiate {
            set_name: &self.founding.name,
            is_self: &is_self,
            replica_set_id: ObjectId::new(),
            allow_multiple_arbiters: false,
        };
        let (mut config, own) = initiate.check(made.as_raw())?;
        found.all_are_new(&config)?;
        let mut nodes = std::collections::BTreeMap::new();
        for member in &config.members {
            let node = match found.at(&member.host) {
                Some(identity) if identity.process != self.founding.process => identity.node,
                _ => self.founding.node,
            };
            nodes.insert(member.id, node);
        }
        let parts = self.parts()?;
        parts.replica.bootstrap().map_err(|error| {
            CommandError::new(Code::InternalError, format!("the set could not begin: {error}"))
        })?;
        let is_writable = || parts.replica.is_writable();
        if !self.wait_until(ELECTION_PATIENCE, LOOK_AGAIN, is_writable).await {
            return Err(CommandError::new(
                Code::InternalError,
                "the first member could not elect itself; see the server's log",
            ));
        }
        config.term = self.standing().term;
        let own = config.members.get(own).map(|member| member.host.clone());
        let detail = Detail::new(config, nodes);
        self.install(&detail, detail.founding_sets(self.founding.node)).await?;
        let is_primary = || self.standing().state == MemberState::Primary;
        self.wait_until(ELECTION_PATIENCE, LOOK_AGAIN, is_primary).await;
        let own = own.unwrap_or_else(|| self.founding.address.clone());
        let used_default = given.is_none_or(RawDoc::is_empty);
        Ok(Initiated { used_default, own })
    }

    async fn default_configuration(&self) -> DocBuf {
        let founding = &self.founding;
        let local = HostPort::new("127.0.0.1", founding.address.port());
        // A seed that leads here is how others know this process. A host name may lead elsewhere: a
        // server that listens on this machine only is not found by it.
        let seeds_are_local = founding.seeds.iter().any(HostPort::is_localhost);
        // All members go by names of this machine alone, or none does.
        let names = match seeds_are_local {
            true => [&local, &founding.address],
            false => [&founding.address, &local],
        };
        let own = founding.seeds.iter().chain(names);
        let found = self.look_up(own.clone().cloned()).await;
        let is_self = |host: &HostPort| found.is_certainly_self(host);
        let own = own.clone().find(|host| is_self(host)).unwrap_or(&founding.address);
        DocBuf::from(&default_document(&founding.name, own, &founding.seeds, &is_self))
    }

    /// Puts a configuration into the log and waits until it is in force, by way of two majorities
    /// where more than one node changes its part.
    pub(super) async fn install(&self, detail: &Detail, sets: RaftSets) -> Result<()> {
        let parts = self.parts()?;
        let current = parts.replica.view().membership;
        let RaftSets { voters, learners } = sets;
        let incarnation = current.incarnation;
        let target = Membership {
            incarnation,
            voters,
            learners,
            outgoing: Default::default(),
            detail: detail.encode(),
        };
        let next = current.step_towards(&target);
        let ticket = parts.sequencer.propose_membership(&next)?;
        ticket.await.map_err(quire_execution::lost)?;
        if next.is_joint() {
            let ticket = parts.sequencer.propose_membership(&next.settled())?;
            ticket.await.map_err(quire_execution::lost)?;
        }
        // The replica tells of what it has applied a moment later; who has changed a configuration
        // must not be shown the one before.
        let installed = &detail.config;
        let is_shown = || self.detail().is_some_and(|shown| !shown.config.is_older_than(installed));
        self.wait_until(ELECTION_PATIENCE, LOOK_AGAIN, is_shown).await;
        Ok(())
    }

    /// The nodes that vote below.
    pub(super) fn voters(&self) -> std::collections::BTreeSet<RaftId> {
        self.inner.lock().view.membership.voters.clone()
    }
}

/// The turn of one configuration, which ends also when whoever ordered it goes away.
pub(super) struct Configuring<'a>(&'a ReplicaSet);

impl Drop for Configuring<'_> {
    fn drop(&mut self) {
        self.0.inner.lock().configuring = false;
    }
}

/// The addresses a proposed configuration names, as far as they can be read.
pub(super) fn hosts_of(config: RawDoc<'_>) -> Vec<HostPort> {
    let Some(members) = config.get("members").and_then(quire_bson::RawValue::as_array) else {
        return Vec::new();
    };
    let host = |member: RawDoc<'_>| {
        let text = member.get("host")?.as_str()?.to_owned();
        HostPort::parse(&text).ok()
    };
    let members = members.iter().filter_map(|element| element.value().as_document());
    members.filter_map(host).collect()
}
