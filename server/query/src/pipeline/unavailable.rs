//! Stages of MongoDB that this server does not have: named, so that a client is told which it is.

use super::stage::StageSpec;
use crate::Constants;
use quire_bson::RawValue;
use quire_errors::{Code, CommandError, Result};
use std::sync::Arc;

pub(super) fn parse(
    name: &'static str,
    _: RawValue<'_>,
    _: &Arc<Constants>,
) -> Result<Vec<StageSpec>> {
    Err(CommandError::new(
        Code::CommandNotSupported,
        format!("The aggregation stage {name} is not supported by this server yet"),
    ))
}
