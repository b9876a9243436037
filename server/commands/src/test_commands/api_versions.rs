//! Commands that do nothing and stand each in other versions of the Stable API, so that a driver's
//! tests can see what a client is told that declares one.

use super::command;
use crate::persona::Behaviour;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::stable_api::{Api, Version};

const NOTHING: Run = Run::Now(|context| {
    context.arguments()?.finish()?;
    Ok(Reply::ok())
});

/// Without versions of the API there is nothing to see.
const fn versioned(name: &'static str, help: &'static str, run: Run) -> Command {
    Command { known: Some(Behaviour::StableApi), ..command(name, help, run) }
}

pub const TEST_DEPRECATION: Command = Command {
    api: Api::V1.deprecated_in(&[Version::One]),
    ..versioned("testDeprecation", "stands in version 1, deprecated", NOTHING)
};

pub const TEST_DEPRECATION_IN_VERSION_2: Command = Command {
    api: Api::BOTH.deprecated_in(&[Version::Two]),
    ..versioned("testDeprecationInVersion2", "is deprecated in version 2", NOTHING)
};

pub const TEST_REMOVAL: Command = Command {
    api: Api::V1,
    ..versioned("testRemoval", "stands in version 1 and is gone from version 2", NOTHING)
};

pub const TEST_VERSION_2: Command =
    Command { api: Api::V2, ..versioned("testVersion2", "stands in version 2 alone", NOTHING) };

pub const TEST_VERSIONS_1_AND_2: Command = Command {
    api: Api::BOTH,
    ..versioned("testVersions1And2", "stands in versions 1 and 2", NOTHING)
};
