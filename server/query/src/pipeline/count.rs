//! `$count`.

use super::stage::{Definition, Kind, StageSpec};
use super::{EVERYTHING, Flow, Output, Stage};
use crate::Constants;
use quire_bson::{DocBuilder, RawDoc, RawValue};
use quire_errors::{CommandError, Result};
use std::sync::Arc;

#[derive(Clone, Debug)]
struct Count {
    field: String,
    seen: i64,
    done: bool,
}

impl Definition for Count {
    fn start(&self) -> Box<dyn Stage> {
        Box::new(self.clone())
    }
}

impl Stage for Count {
    fn take(&mut self, _: RawDoc<'_>, _: &mut dyn Output) -> Result<Flow> {
        self.seen = self.seen.saturating_add(1);
        Ok(Flow::More)
    }

    fn finish(&mut self, output: &mut dyn Output) -> Result<Flow> {
        // Nothing counted is no document, not a zero.
        if self.done || self.seen == 0 {
            return Ok(Flow::More);
        }
        self.done = true;
        output.take(self.result().as_raw())
    }

    fn needs(&self, _: u64) -> u64 {
        EVERYTHING
    }
}

impl Count {
    fn result(&self) -> quire_bson::DocBuf {
        let mut builder = DocBuilder::new();
        match i32::try_from(self.seen) {
            Ok(n) => builder.append_i32(&self.field, n),
            Err(_) => builder.append_i64(&self.field, self.seen),
        };
        builder.finish()
    }
}

pub(super) fn parse(
    name: &'static str,
    spec: RawValue<'_>,
    _: &Arc<Constants>,
) -> Result<Vec<StageSpec>> {
    let refuse = |number, message: &str| Err(CommandError::location(number, message));
    let field = match spec {
        RawValue::String(field) => field,
        _ => return refuse(40156, "the count field must be a non-empty string"),
    };
    if field.is_empty() {
        return refuse(40157, "the count field must be a non-empty string");
    }
    if field.starts_with('$') {
        return refuse(40158, "the count field cannot be a $-prefixed path");
    }
    if field.contains('\0') {
        return refuse(40159, "the count field cannot contain a null byte");
    }
    if field.contains('.') {
        return refuse(40160, "the count field cannot contain '.'");
    }
    let count = Count { field: field.to_owned(), seen: 0, done: false };
    Ok(vec![StageSpec::new(name, spec, Kind::other(count))])
}
