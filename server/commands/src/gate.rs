//! Which commands a member of a replica set takes in which state.
//!
//! Owns the checks before a command runs that depend on the set and not on the command's own fields.
//! On a standalone everything runs, but nothing may be numbered for being sent again.

use crate::generic::Generic;
use crate::persona::Behaviour;
use crate::registry::{self, Command};
use crate::server::Server;
use quire_bson::RawDoc;
use quire_errors::{Code, CommandError, Result};
use quire_replset::read_preference::{Where, check_may_serve};

/// The database whose contents are each member's own.
const LOCAL: &str = "local";

/// Refuses what this server may not run now.
pub fn check(
    server: &Server,
    command: &Command,
    generic: &Generic,
    database: &str,
    body: RawDoc<'_>,
) -> Result<()> {
    check_numbers(server, command, generic)?;
    let Some(set) = &server.replica_set else { return Ok(()) };
    if let Some(time) = generic.cluster_time {
        set.advance_cluster_time(time)?;
    }
    let place = place_of(server, command, body);
    if place == Where::Anywhere || place != Where::Primary && database == LOCAL {
        return Ok(());
    }
    let standing = set.standing();
    check_may_serve(place, generic.read_preference, standing.state, standing.is_writable)
}

/// An explanation runs where the command could that it explains.
fn place_of(server: &Server, command: &Command, body: RawDoc<'_>) -> Where {
    if command.name != "explain" {
        let goes_anywhere = server.facts.persona.has(Behaviour::SinksOnSecondaries);
        return match command.is_write(body) && !goes_anywhere {
            true => Where::Primary,
            false => command.place,
        };
    }
    let explained = body.nth(0).and_then(|element| element.value().as_document());
    let name = explained.and_then(|explained| explained.nth(0)).map(|element| element.key());
    name.and_then(registry::find).map_or(command.place, |explained| explained.place)
}

/// Transaction numbers: a standalone has none, a member of a set only those of retryable writes.
/// Drivers know the first text.
fn check_numbers(server: &Server, command: &Command, generic: &Generic) -> Result<()> {
    if generic.transaction_number.is_none() && !generic.in_transaction {
        return Ok(());
    }
    if server.replica_set.is_none() {
        return Err(CommandError::new(
            Code::IllegalOperation,
            "Transaction numbers are only allowed on a replica set member or mongos",
        ));
    }
    if generic.in_transaction {
        return Err(CommandError::new(
            Code::CommandNotSupported,
            "Multi-document transactions are not supported by this server yet",
        ));
    }
    if generic.transaction_number.is_some_and(|number| number < 0) {
        return Err(CommandError::new(
            Code::InvalidOptions,
            "Transaction number cannot be negative",
        ));
    }
    if command.retryable {
        return Ok(());
    }
    Err(CommandError::location(
        50768,
        format!(
            "txnNumber may only be provided for multi-document transactions and retryable write \
             commands. autocommit:false was not provided, and {} is not a retryable write command.",
            command.name
        ),
    ))
}

#[cfg(test)]
mod tests;
