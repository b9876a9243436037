//! Replacing the configuration in force.

use super::ReplicaSet;
use super::initiating::hosts_of;
use super::waiting::not_primary;
use crate::config::reconfig::{Force, Reconfig};
use crate::{Detail, HostPort, ReplicaSetConfig};
use quire_bson::RawDoc;
use quire_errors::{Code, CommandError, Result};

impl ReplicaSet {
    /// Puts another configuration in force.
    pub async fn reconfigure(&self, proposed: RawDoc<'_>, force: bool) -> Result<()> {
        if self.detail().is_none() {
            return Err(crate::status::not_initialized());
        }
        if force {
            return Err(CommandError::new(
                Code::CommandNotSupported,
                "a forced reconfiguration is not there yet",
            ));
        }
        if !self.standing().is_writable {
            return Err(not_primary().with_message(format!(
                "Safe reconfig is only allowed on a writable PRIMARY. Current state {}.",
                self.standing().state
            )));
        }
        self.begin_configuring(false)?;
        let outcome = self.try_reconfigure(proposed).await;
        self.inner.lock().configuring = false;
        outcome
    }

    async fn try_reconfigure(&self, proposed: RawDoc<'_>) -> Result<()> {
        let current = self.detail().ok_or_else(crate::status::not_initialized)?;
        let found = self.look_up(hosts_of(proposed)).await;
        let own_now = current.member_of(self.founding.node).map(|member| member.host.clone());
        let is_self = |host: &HostPort| found.is_self(host) || own_now.as_ref() == Some(host);
        let rules = Reconfig {
            current: &current.config,
            is_self: &is_self,
            term: self.standing().term,
            force: Force::Safe,
            allow_multiple_arbiters: false,
            has_default_write_concern: self.has_default_write_concern(),
        };
        let (next, _) = rules.check(proposed)?;
        let mut detail = current.with_config(next);
        self.bind_new_members(&mut detail, &current.config, &found)?;
        let sets = detail.sets_after(&self.voters());
        self.install(&detail, sets).await
    }

    /// A new member must answer, so that its node can be bound; an old one may be away.
    fn bind_new_members(
        &self,
        detail: &mut Detail,
        before: &ReplicaSetConfig,
        found: &super::quorum_check::Found,
    ) -> Result<()> {
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
                None if before.member(id).is_some() => {}
                None => tracing::info!(
                    target: "REPL",
                    id = 7_200_030,
                    host = host.to_string(),
                    "A new member does not answer yet; it is taken in as soon as it does"
                ),
            }
        }
        Ok(())
    }
}
