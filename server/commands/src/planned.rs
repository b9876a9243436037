//! Commands of MongoDB that this server does not have yet.
//!
//! Owns their names, so that they are refused with words that tell "not yet" from "no such thing".

use quire_errors::{Code, CommandError};

/// Known to MongoDB 8.0 and coming with a later milestone.
const PLANNED: &[&str] = &[
    "abortTransaction",
    "applyOps",
    "autoCompact",
    "cleanupStructuredEncryptionData",
    "cloneCollectionAsCapped",
    "commitTransaction",
    "compact",
    "compactStructuredEncryptionData",
    "connPoolStats",
    "connPoolSync",
    "convertToCapped",
    "createRole",
    "dropAllRolesFromDatabase",
    "dropAllUsersFromDatabase",
    "dropConnections",
    "dropRole",
    "dropUser",
    "filemd5",
    "getClusterParameter",
    "grantPrivilegesToRole",
    "grantRolesToRole",
    "grantRolesToUser",
    "invalidateUserCache",
    "lockInfo",
    "logout",
    "mapReduce",
    "planCacheClear",
    "planCacheClearFilters",
    "planCacheListFilters",
    "planCacheSetFilter",
    "reIndex",
    "removeQuerySettings",
    "revokePrivilegesFromRole",
    "revokeRolesFromRole",
    "revokeRolesFromUser",
    "rolesInfo",
    "rotateCertificates",
    "setClusterParameter",
    "setIndexCommitQuorum",
    "setQuerySettings",
    "setUserWriteBlockMode",
    "updateRole",
    "usersInfo",
    "validateDBMetadata",
];

pub fn is_planned(name: &str) -> bool {
    PLANNED.binary_search(&name).is_ok()
}

/// The error for a command that is to come.
pub fn refusal(name: &str) -> CommandError {
    let message = format!("no such command: '{name}' (this server does not have it yet)");
    CommandError::new(Code::CommandNotFound, message)
}

#[cfg(test)]
mod tests {
    use super::PLANNED;

    #[test]
    fn planned_commands_are_sorted_and_not_there_yet() {
        assert!(PLANNED.windows(2).all(|pair| pair[0] < pair[1]));
        for name in PLANNED {
            assert!(crate::registry::find(name).is_none(), "{name} is not planned any more");
        }
    }
}
