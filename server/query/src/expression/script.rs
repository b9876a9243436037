//! `$function`: a value that a script computes.

use super::node::{Node, Operator, Scope};
use super::parser::Parser;
use super::table::{Family, Syntax};
use super::value::{Value, type_name};
use crate::Constants;
use crate::scripts::{HOW_TO_ENABLE, Script, Scripting, Scripts};
use quire_bson::{Bson, RawValue};
use quire_errors::{CommandError, Result};
use std::sync::Arc;

pub(super) const TABLE: Family = &[("$function", Syntax::Own(parse))];

#[derive(Debug)]
struct Call {
    script: Arc<dyn Script>,
    arguments: Node,
}

impl Operator for Call {
    fn evaluate(&self, scope: &mut Scope<'_>) -> Result<Value> {
        let arguments = self.arguments.evaluate(scope)?;
        scope.hold(&arguments)?;
        match &arguments {
            Some(Bson::Array(arguments)) => self.script.call(arguments).map(Some),
            other => Err(CommandError::location(
                31266,
                format!(
                    "The args field must be of type array, but was {}",
                    type_name(other.as_ref())
                ),
            )),
        }
    }
}

fn parse(parser: &mut Parser<'_>, name: &'static str, operands: RawValue<'_>) -> Result<Node> {
    let RawValue::Document(fields) = operands else {
        return Err(CommandError::location(
            31260,
            format!("{name} requires an object as an argument, found: {}", operands.type_name()),
        ));
    };
    let scripts = scripts(name, parser.constants)?;
    let required = |field: &str, number: i32, message: &str| {
        fields.get(field).ok_or_else(|| CommandError::location(number, message))
    };
    let body = required("body", 31261, "The body function must be specified.")?;
    let (RawValue::String(body) | RawValue::Code(body)) = body else {
        return Err(CommandError::location(
            31262,
            "The body function must evaluate to type string or code",
        ));
    };
    let arguments = required("args", 31263, "The args field must be specified.")?;
    let arguments = parser.operand(arguments)?;
    let language = required("lang", 31418, "The lang field must be specified.")?;
    if language.as_str() != Some("js") {
        return Err(CommandError::location(
            31419,
            "Currently the only supported language specifier is 'js'.",
        ));
    }
    // Never folded: a script may give another value each time.
    Ok(Node::operator(Call { script: scripts.compile(body)?, arguments }))
}

/// The scripts of the operation, unless the expression stands where there may be none.
pub(crate) fn scripts(name: &str, constants: &Constants) -> Result<Arc<dyn Scripts>> {
    match &constants.scripting {
        Scripting::On(scripts) => Ok(scripts.clone()),
        Scripting::InCatalog => Err(CommandError::location(
            4_660_800,
            format!("{name} cannot be used inside a validator."),
        )),
        Scripting::Off => Err(CommandError::location(
            31264,
            format!(
                "Cannot run server-side javascript without the javascript engine enabled; \
                 {HOW_TO_ENABLE}"
            ),
        )),
    }
}
