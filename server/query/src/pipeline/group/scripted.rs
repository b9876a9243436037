//! `$accumulator`: what scripts make of a group.
//!
//! Owns the form of its operand, and the order in which its functions are called. Groups are never
//! spilled or sent on in parts here, so `merge` is compiled, as it would be, and never called.

use super::state::{Growth, State};
use crate::Constants;
use crate::expression::{Evaluated, Expression, Value, scripts, show};
use crate::scripts::Script;
use quire_bson::{Bson, RawDoc, RawValue};
use quire_errors::{CommandError, Result};
use std::sync::Arc;

const NAME: &str = "$accumulator";

/// The functions of one accumulated field.
#[derive(Debug)]
pub(super) struct Functions {
    init: Arc<dyn Script>,
    init_arguments: Option<Expression>,
    accumulate: Arc<dyn Script>,
    finalize: Option<Arc<dyn Script>>,
}

impl Functions {
    /// Reads the operand; gives the functions, and the arguments that each document adds.
    pub(super) fn parse(
        operand: RawValue<'_>,
        constants: &Arc<Constants>,
    ) -> Result<(Functions, Expression)> {
        let scripts = scripts(NAME, constants)?;
        let RawValue::Document(fields) = operand else {
            return refused(
                4_544_703,
                format!("{NAME} expects an object as an argument; found: {}", operand.type_name()),
            );
        };
        let [mut init, mut accumulate, mut merge, mut finalize] = [None, None, None, None];
        let [mut init_arguments, mut arguments] = [None, None];
        for field in fields {
            let slot = match field.key() {
                "init" => &mut init,
                "accumulate" => &mut accumulate,
                "merge" => &mut merge,
                "finalize" => &mut finalize,
                "initArgs" => {
                    init_arguments = Some(Expression::parse_in_pipeline(field.value(), constants)?);
                    continue;
                }
                "accumulateArgs" => {
                    arguments = Some(Expression::parse_in_pipeline(field.value(), constants)?);
                    continue;
                }
                "lang" => {
                    check_language(field.value())?;
                    continue;
                }
                unknown => {
                    return refused(
                        4_544_706,
                        format!("{NAME} got an unexpected field: {unknown}"),
                    );
                }
            };
            let (RawValue::String(source) | RawValue::Code(source)) = field.value() else {
                return refused(
                    4_544_702,
                    format!("{NAME} '{}' must be a String or Code", field.key()),
                );
            };
            *slot = Some(scripts.clone().compile(source)?);
        }
        let missing = |number, field: &str| {
            CommandError::location(number, format!("{NAME} missing required argument '{field}'"))
        };
        let functions = Functions {
            init: init.ok_or_else(|| missing(4_544_707, "init"))?,
            accumulate: accumulate.ok_or_else(|| missing(4_544_708, "accumulate"))?,
            init_arguments,
            finalize,
        };
        merge.ok_or_else(|| missing(4_544_709, "merge"))?;
        Ok((functions, arguments.ok_or_else(|| missing(4_544_710, "accumulateArgs"))?))
    }

    /// The state of a new group, made from its `_id`.
    pub(super) fn start(self: &Arc<Self>, id: RawDoc<'_>) -> Result<Box<dyn State>> {
        let arguments = match &self.init_arguments {
            Some(arguments) => list(arguments.evaluate(id)?, 4_544_711, "initArgs")?,
            None => Vec::new(),
        };
        let state = self.init.call(&arguments)?;
        let held_bytes = crate::expression::size_of_value(&state);
        Ok(Box::new(Scripted { functions: self.clone(), state, held_bytes }))
    }
}

fn refused<T>(number: i32, message: String) -> Result<T> {
    Err(CommandError::location(number, message))
}

fn check_language(language: RawValue<'_>) -> Result<()> {
    match language {
        RawValue::String("js") => Ok(()),
        RawValue::String(_) => refused(4_544_705, format!("{NAME} only supports lang: 'js'")),
        other => refused(
            4_544_704,
            format!("{NAME} lang must be a string; found: {}", other.type_name()),
        ),
    }
}

fn list(value: Value, number: i32, field: &str) -> Result<Vec<Bson>> {
    match value {
        Some(Bson::Array(items)) => Ok(items),
        other => refused(
            number,
            format!("{NAME} {field} must evaluate to an array: {}", show(other.as_ref())),
        ),
    }
}

/// The state of one group, as the scripts know it.
struct Scripted {
    functions: Arc<Functions>,
    state: Bson,
    held_bytes: usize,
}

impl State for Scripted {
    fn add(&mut self, _: RawDoc<'_>, value: Evaluated<'_>) -> Result<Growth> {
        let before = self.held_bytes;
        let mut arguments = list(value.into_value(), 4_544_712, "accumulateArgs")?;
        arguments.insert(0, std::mem::replace(&mut self.state, Bson::Null));
        self.state = self.functions.accumulate.call(&arguments)?;
        self.held_bytes = crate::expression::size_of_value(&self.state);
        Ok(Growth::between(before, self.held_bytes))
    }

    fn finish(&mut self) -> Result<Value> {
        let state = std::mem::replace(&mut self.state, Bson::Null);
        match &self.functions.finalize {
            Some(finalize) => finalize.call(&[state]).map(Some),
            None => Ok(Some(state)),
        }
    }
}
