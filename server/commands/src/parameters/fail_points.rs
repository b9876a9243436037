//! Fail points as parameters: `--setParameter failpoint.NAME={"mode": "alwaysOn"}`.
//!
//! Owns this one spelling of them, in which harnesses switch points on as a server starts, and in
//! which `getParameter` shows them. While a server runs, `configureFailPoint` is for that.

use crate::persona::{Persona, fault_data};
use quire_bson::{Bson, DocBuf, RawDoc, RawValue};
use quire_errors::{CommandError, Result};
use quire_failpoints::{FailPoints, Mode, known};

const PREFIX: &str = "failpoint.";

pub(super) fn is_one(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// The names of all fail points as parameters.
pub(super) fn names() -> impl Iterator<Item = String> {
    known().map(|known| format!("{PREFIX}{}", known.name))
}

pub(super) fn show(points: &FailPoints, name: &str) -> Option<Bson> {
    let point = points.find(name.strip_prefix(PREFIX)?).ok()?;
    Some(Bson::Document(point.shown()))
}

/// Switches a point on or off as the value says.
pub(super) fn start_with(
    points: &FailPoints,
    persona: Persona,
    name: &str,
    value: &Bson,
) -> Result<()> {
    let own = name.strip_prefix(PREFIX);
    let Some((own, point)) = own.and_then(|own| Some((own, points.find(own).ok()?))) else {
        return Err(CommandError::bad_value(format!("Unknown --setParameter '{name}'")));
    };
    let bad = |why: &str| {
        let message = format!("Bad value for parameter \"{name}\": {why}");
        CommandError::bad_value(message)
    };
    let Bson::Document(setting) = value else { return Err(bad("it must be a JSON object")) };
    let setting = DocBuf::from(setting);
    let mode = Mode::parse(setting.as_raw().get("mode"));
    let data = match setting.as_raw().get("data") {
        None => RawDoc::EMPTY,
        Some(RawValue::Document(data)) => data,
        Some(_) => return Err(bad("the 'data' option must be a JSON object")),
    };
    let known = fault_data::check(persona, own, data);
    let set = known.and(mode).and_then(|mode| point.configure(mode, data));
    set.map(|_| ()).map_err(|error| bad(error.message()))
}
