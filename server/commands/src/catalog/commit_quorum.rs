//! `commitQuorum`: which members have a new index before its builder is told that it is there.
//!
//! Members build an index as they apply its entries, so the quorum is waited for behind the last of
//! them, as for any other write.

use crate::server::{Context, Server};
use quire_bson::RawValue;
use quire_errors::{Code, CommandError, Result};
use quire_replset::ReplicaSetConfig;
use quire_replset::write_concern::{W, WriteConcern};

/// The members that are waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitQuorum(WriteConcern);

/// Every member that votes and has data.
const ALL_VOTERS: &str = "votingMembers";

impl CommitQuorum {
    /// Reads what was asked for; a standalone has no members to ask.
    pub fn read(server: &Server, value: Option<RawValue<'_>>) -> Result<Option<CommitQuorum>> {
        let Some(value) = value else { return Ok(None) };
        let Some(set) = &server.replica_set else {
            return Err(CommandError::bad_value("Standalones can't specify commitQuorum"));
        };
        let detail = set.standing().detail;
        let detail = detail.ok_or_else(quire_replset::status::not_initialized)?;
        let w = members(value, &detail.config)?;
        let concern = WriteConcern { w: Some(w), ..WriteConcern::default() };
        match concern.check_satisfiable(&detail.config) {
            Ok(()) => Ok(Some(CommitQuorum(concern))),
            Err(error) => Err(CommandError::new(
                Code::UnsatisfiableCommitQuorum,
                format!(
                    "Commit quorum cannot be satisfied with the current replica set \
                     configuration: {}",
                    error.message()
                ),
            )),
        }
    }

    /// Waits until the members have what is applied here.
    pub async fn wait(&self, context: &Context<'_>) -> Result<()> {
        match &context.server.replica_set {
            Some(set) => set.await_replication(&self.0, None).await,
            None => Ok(()),
        }
    }
}

fn members(value: RawValue<'_>, config: &ReplicaSetConfig) -> Result<W> {
    if value.as_str() == Some(ALL_VOTERS) {
        let all = u32::try_from(config.writable_voter_count()).unwrap_or(u32::MAX);
        return Ok(W::Count(all));
    }
    let given = quire_bson::DocBuf::from(&quire_bson::doc! { "w": value.to_bson() });
    let is_allowed = value.is_number() || value.as_str().is_some();
    match WriteConcern::parse(given.as_raw()).map(|concern| concern.w) {
        Ok(Some(w)) if is_allowed => Ok(w),
        _ => Err(CommandError::failed_to_parse(format!(
            "commitQuorum has to be a non-negative number, \"majority\", \"{ALL_VOTERS}\" or a \
             write concern mode; found: {}",
            quire_bson::shell_value(value)
        ))),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::Rig;
    use quire_bson::{Bson, doc};

    #[test]
    fn a_set_of_one_has_a_quorum_of_one() {
        let rig = Rig::primary();
        let table: [(Bson, i32); 8] = [
            (0.into(), 0),
            (1.into(), 0),
            ("majority".into(), 0),
            ("votingMembers".into(), 0),
            (2.into(), 278),
            ("nowhere".into(), 278),
            ((-1).into(), 9),
            (doc! {"dc": 1}.into(), 9),
        ];
        for (n, (quorum, code)) in table.into_iter().enumerate() {
            let index = doc! {"key": {format!("a{n}"): 1}, "name": format!("a{n}")};
            let command =
                doc! {"createIndexes": "c", "indexes": [index], "commitQuorum": quorum.clone()};
            let reply = rig.run("db", command);
            assert_eq!(reply.get_i32("code").unwrap_or(0), code, "{quorum}: {reply}");
        }
    }
}
