//! The operators: `$convert` and the short forms, `$type`, `$isNumber`.

use super::convert;
use super::target::Target;
use crate::expression::arguments::named;
use crate::expression::node::{Node, Operator, Scope};
use crate::expression::parser::Parser;
use crate::expression::table::{Family, Syntax};
use crate::expression::value::{NULL, Value, boolean, is_nullish, is_number, text, type_name};
use quire_bson::{BinarySubtype, Bson, RawValue};
use quire_errors::{Code, CommandError, Result};

pub(crate) const TABLE: Family = &[
    ("$convert", Syntax::Own(parse)),
    ("$isNumber", Syntax::Unary(|value| Ok(boolean(value.as_ref().is_some_and(is_number))))),
    ("$toBool", Syntax::Unary(|value| simple(value, Target::Bool))),
    ("$toDate", Syntax::Unary(|value| simple(value, Target::Date))),
    ("$toDecimal", Syntax::Unary(|value| simple(value, Target::Decimal))),
    ("$toDouble", Syntax::Unary(|value| simple(value, Target::Double))),
    ("$toInt", Syntax::Unary(|value| simple(value, Target::Int))),
    ("$toLong", Syntax::Unary(|value| simple(value, Target::Long))),
    ("$toObjectId", Syntax::Unary(|value| simple(value, Target::ObjectId))),
    ("$toString", Syntax::Unary(|value| with_format(value, Target::Text, "auto"))),
    (
        "$toUUID",
        Syntax::Unary(|value| with_format(value, Target::Binary(BinarySubtype::Uuid), "uuid")),
    ),
    ("$type", Syntax::Unary(|value| Ok(text(type_name(value.as_ref()))))),
];

/// A value that is there and not null.
fn present(value: Value) -> Option<Bson> {
    value.filter(|value| !matches!(value, Bson::Null | Bson::Undefined))
}

fn simple(value: Value, target: Target) -> Result<Value> {
    present(value).map_or(Ok(NULL), |value| convert(value, target, None))
}

fn with_format(value: Value, target: Target, format: &str) -> Result<Value> {
    present(value).map_or(Ok(NULL), |value| convert(value, target, Some(format)))
}

#[derive(Debug)]
struct Convert {
    input: Node,
    to: Node,
    on_error: Option<Node>,
    on_null: Option<Node>,
    format: Option<Node>,
}

impl Operator for Convert {
    fn evaluate(&self, scope: &mut Scope<'_>) -> Result<Value> {
        let input = self.input.evaluate(scope)?;
        let to = self.to.evaluate(scope)?;
        let target = present(to).as_ref().map(Target::read).transpose()?;
        let Some(input) = present(input) else {
            return self.on_null.as_ref().map_or(Ok(NULL), |node| node.evaluate(scope));
        };
        let Some(target) = target else { return Ok(NULL) };
        let format = match &self.format {
            None => None,
            Some(format) => match format.evaluate(scope)? {
                value if is_nullish(&value) => None,
                Some(Bson::String(format)) => Some(format),
                other => {
                    return Err(CommandError::failed_to_parse(format!(
                        "$convert requires that 'format' be a string, found: {}",
                        type_name(other.as_ref())
                    )));
                }
            },
        };
        match (convert(input, target, format.as_deref()), &self.on_error) {
            (Err(error), Some(on_error)) if error.code() == Code::ConversionFailure => {
                on_error.evaluate(scope)
            }
            (result, _) => result,
        }
    }
}

fn parse(parser: &mut Parser<'_>, name: &'static str, operands: RawValue<'_>) -> Result<Node> {
    let [input, to, on_error, on_null, format] = named(
        operands,
        ["input", "to", "onError", "onNull", "format"],
        |found| {
            CommandError::failed_to_parse(format!(
                "{name} expects an object of named arguments but found: {found}"
            ))
        },
        |field| CommandError::failed_to_parse(format!("{name} found an unknown argument: {field}")),
    )?;
    let missing = |field: &'static str| {
        move || CommandError::failed_to_parse(format!("Missing '{field}' parameter to {name}"))
    };
    let convert = Convert {
        input: parser.required(input, missing("input"))?,
        to: parser.required(to, missing("to"))?,
        on_error: parser.optional(on_error)?,
        on_null: parser.optional(on_null)?,
        format: parser.optional(format)?,
    };
    let optional = [&convert.on_error, &convert.on_null, &convert.format];
    let constant = convert.input.is_constant()
        && convert.to.is_constant()
        && optional.into_iter().flatten().all(Node::is_constant);
    parser.fold_operator(Node::operator(convert), constant)
}
