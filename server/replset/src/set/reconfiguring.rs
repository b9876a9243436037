//! Replacing the configuration in force.

use super::ReplicaSet;
use super::initiating::{Configuring, ELECTION_PATIENCE, LOOK_AGAIN, hosts_of};
use super::waiting::not_primary;
use crate::config::reconfig::{Force, Reconfig};
use crate::{Detail, HostPort, ReplicaSetConfig};
use quire_bson::RawDoc;
use quire_consensus::Replica;
use quire_errors::{Code, CommandError, Result};
use std::time::{Duration, Instant};

/// How long a change may wait for another one to end.
const TURN_PATIENCE: Duration = Duration::from_secs(5);

impl ReplicaSet {
    /// Puts another configuration in force.
    pub async fn reconfigure(&self, proposed: RawDoc<'_>, force: bool) -> Result<()> {
        if self.inner.lock().known_detail().is_none() {
            return Err(crate::status::not_initialized());
        }
        if !force && !self.standing().is_writable {
            return Err(not_primary().with_message(format!(
                "Safe reconfig is only allowed on a writable PRIMARY. Current state {}.",
                self.standing().state
            )));
        }
        let _turn = self.wait_to_configure().await?;
        match force {
            true => self.force(proposed).await,
            false => self.try_reconfigure(proposed).await,
        }
    }

    /// Gives members that get their votes, which nobody ordered, time to have them.
    async fn wait_to_configure(&self) -> Result<Configuring<'_>> {
        let begun = Instant::now();
        loop {
            let seen = self.progressed.generation();
            match self.begin_configuring(false) {
                Err(_) if begun.elapsed() < TURN_PATIENCE => {
                    self.changed_or(seen, Duration::from_millis(10)).await;
                }
                decided => return decided,
            }
        }
    }

    async fn try_reconfigure(&self, proposed: RawDoc<'_>) -> Result<()> {
        let detail = self.check_next(proposed, Force::Safe).await?;
        let sets = detail.sets_after(&self.voters());
        self.install(&detail, sets).await
    }

    /// The proposed configuration with the nodes of its members, if the rules allow it.
    async fn check_next(&self, proposed: RawDoc<'_>, force: Force) -> Result<Detail> {
        let current = self.detail().ok_or_else(crate::status::not_initialized)?;
        let found = self.look_up(hosts_of(proposed)).await;
        let own_now = current.member_of(self.founding.node).map(|member| member.host.clone());
        let is_self = |host: &HostPort| found.is_self(host) || own_now.as_ref() == Some(host);
        let rules = Reconfig {
            current: &current.config,
            is_self: &is_self,
            term: self.standing().term,
            force,
            allow_multiple_arbiters: false,
            has_default_write_concern: self.has_default_write_concern(),
        };
        let (next, own) = rules.check(proposed)?;
        let own = next.members.get(own).map(|member| member.id);
        let mut detail = current.with_config(next);
        detail.nodes.retain(|_, node| *node != self.founding.node);
        detail.nodes.extend(own.map(|own| (own, self.founding.node)));
        self.bind_new_members(&mut detail, &current.config, &found);
        Ok(detail)
    }

    /// Goes on with this member's data, whatever a majority says: for a set that has lost it.
    async fn force(&self, proposed: RawDoc<'_>) -> Result<()> {
        let force = Force::Forced(self.outside.random() as u32);
        let detail = self.check_next(proposed, force).await?;
        let parts = self.parts()?;
        // Nothing may be acknowledged before the configuration stands in the log.
        let _refusal = Refusal::begin(&parts.replica);
        parts
            .replica
            .force()
            .map_err(|error| CommandError::new(Code::InternalError, error.to_string()))?;
        // It leads, though it takes no proposals yet.
        let leads = || self.inner.lock().view.writable;
        self.wait_until(ELECTION_PATIENCE, LOOK_AGAIN, leads).await;
        self.install(&detail, detail.founding_sets(self.founding.node)).await
    }

    /// A new member must answer, so that its node can be bound; an old one may be away.
    fn bind_new_members(
        &self,
        detail: &mut Detail,
        before: &ReplicaSetConfig,
        found: &super::quorum_check::Found,
    ) {
        let unbound: Vec<_> = detail
            .config
            .members
            .iter()
            .filter(|member| detail.node_of(member.id).is_none())
            .map(|member| (member.id, member.host.clone()))
            .collect();
        for (id, host) in unbound {
            let identity = found.at(&host).filter(|identity| {
                identity.set_name == self.founding.name && identity.process != self.founding.process
            });
            match identity {
                Some(identity) => {
                    detail.nodes.insert(id, identity.node);
                }
                None if before.member(id).is_none() => tracing::info!(
                    target: "REPL",
                    id = 7_200_030,
                    host = host.to_string(),
                    "A new member does not answer yet; it is taken in as soon as it does"
                ),
                None => {}
            }
        }
    }
}

/// A replica takes no proposals while this lives.
struct Refusal<'a>(&'a Replica);

impl Refusal<'_> {
    fn begin(replica: &Replica) -> Refusal<'_> {
        replica.refuse_proposals(true);
        Refusal(replica)
    }
}

impl Drop for Refusal<'_> {
    fn drop(&mut self) {
        self.0.refuse_proposals(false);
    }
}
