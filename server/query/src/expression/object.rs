//! `$mergeObjects`, `$getField`, `$setField`, `$unsetField`.

use super::arguments::named;
use super::node::{Node, Operator, Scope};
use super::parser::Parser;
use super::table::{Family, Syntax};
use super::value::{NULL, Value, is_nullish, type_name};
use quire_bson::{Bson, Document, RawValue};
use quire_errors::{CommandError, Result};

pub(super) const TABLE: Family = &[
    ("$getField", Syntax::Own(parse_get_field)),
    ("$mergeObjects", Syntax::Variadic(merge)),
    ("$setField", Syntax::Own(parse_set_field)),
    ("$unsetField", Syntax::Own(parse_unset_field)),
];

fn merge(operands: Vec<Value>) -> Result<Value> {
    let mut merged = Document::new();
    for operand in operands {
        merge_into(&mut merged, operand)?;
    }
    Ok(Some(Bson::Document(merged)))
}

/// Lays the fields of one more operand of `$mergeObjects` over those already there.
pub(crate) fn merge_into(merged: &mut Document, operand: Value) -> Result<()> {
    match operand {
        None | Some(Bson::Null | Bson::Undefined) => Ok(()),
        Some(Bson::Document(doc)) => {
            merged.extend(doc);
            Ok(())
        }
        other => Err(CommandError::location(
            40400,
            format!(
                "$mergeObjects requires object inputs, but input {} is of type {}",
                super::show(other.as_ref()),
                type_name(other.as_ref())
            ),
        )),
    }
}

/// Parses the name of a field, which must be a constant string and not look like a path.
fn parse_name(
    parser: &mut Parser<'_>,
    operator: &str,
    field: RawValue<'_>,
    numbers: [i32; 3],
) -> Result<Node> {
    let [a_path, not_constant, not_string] = numbers;
    if let RawValue::String(text) = field
        && text.starts_with('$')
    {
        return Err(CommandError::location(
            a_path,
            format!(
                "A field path reference which is not allowed in this context. Did you mean \
                 {{$literal: '{text}'}}?"
            ),
        ));
    }
    let node = parser.operand(field)?;
    let Some(constant) = node.as_constant() else {
        return Err(CommandError::location(
            not_constant,
            format!(
                "{operator} requires 'field' to evaluate to a constant, but got a non-constant \
                 argument"
            ),
        ));
    };
    if !matches!(constant, Some(Bson::String(_))) {
        return Err(CommandError::location(
            not_string,
            format!(
                "{operator} requires 'field' to evaluate to type String, but got {}",
                type_name(constant.as_ref())
            ),
        ));
    }
    Ok(node)
}

#[derive(Debug)]
struct GetField {
    field: Node,
    input: Node,
}

impl Operator for GetField {
    fn evaluate(&self, scope: &mut Scope<'_>) -> Result<Value> {
        let field = match self.field.evaluate(scope)? {
            Some(Bson::String(field)) => field,
            other => return Err(not_a_field_name(other.as_ref())),
        };
        let input = self.input.evaluate(scope)?;
        Ok(match input {
            Some(Bson::Document(mut doc)) => doc.remove(field),
            input if is_nullish(&input) => input.and(NULL),
            _ => None,
        })
    }
}

fn not_a_field_name(found: Option<&Bson>) -> CommandError {
    CommandError::location(
        3_041_704,
        format!(
            "$getField requires 'field' to evaluate to type String, but got {}",
            type_name(found)
        ),
    )
}

fn parse_get_field(
    parser: &mut Parser<'_>,
    name: &'static str,
    operands: RawValue<'_>,
) -> Result<Node> {
    // `{$getField: <field>}` is short for a field of the document itself, unless the operand is an
    // object with the named arguments.
    let named_form = match operands {
        RawValue::Document(doc) => !doc.iter().next().is_some_and(|e| e.key().starts_with('$')),
        _ => false,
    };
    let (field, input) = if named_form {
        let [field, input] = named(
            operands,
            ["field", "input"],
            |_| CommandError::location(3_041_700, format!("{name} takes an object")),
            |field| {
                CommandError::location(
                    3_041_701,
                    format!("{name} found an unknown argument: {field}"),
                )
            },
        )?;
        let missing = |number, argument: &'static str| {
            move || {
                CommandError::location(
                    number,
                    format!("{name} requires '{argument}' to be specified"),
                )
            }
        };
        let field = field.ok_or_else(missing(3_041_702, "field"))?;
        (field, parser.required(input, missing(3_041_703, "input"))?)
    } else {
        (operands, parser.operand(RawValue::String("$$CURRENT"))?)
    };
    if let RawValue::String(text) = field
        && text.starts_with('$')
    {
        return parse_name(parser, name, field, [5_654_601, 5_654_600, 5_654_602]);
    }
    let field = parser.operand(field)?;
    match field.as_constant() {
        Some(Some(Bson::String(_))) | None => {}
        Some(other) => {
            return Err(CommandError::location(
                5_654_602,
                not_a_field_name(other.as_ref()).message(),
            ));
        }
    }
    let constant = field.is_constant() && input.is_constant();
    parser.fold_operator(Node::operator(GetField { field, input }), constant)
}

#[derive(Debug)]
struct SetField {
    field: Node,
    input: Node,
    value: Node,
}

impl Operator for SetField {
    fn evaluate(&self, scope: &mut Scope<'_>) -> Result<Value> {
        let input = self.input.evaluate(scope)?;
        if is_nullish(&input) {
            return Ok(NULL);
        }
        let (Some(Bson::Document(mut doc)), Some(Bson::String(field))) =
            (input, self.field.evaluate(scope)?)
        else {
            return Err(CommandError::location(
                4_161_105,
                "$setField requires 'input' to evaluate to type Object",
            ));
        };
        match self.value.evaluate(scope)? {
            Some(value) => doc.insert(field, value),
            None => doc.remove(field),
        };
        Ok(Some(Bson::Document(doc)))
    }
}

const SET_FIELD_NAME: [i32; 3] = [4_161_108, 4_161_106, 4_161_107];

fn parse_set_field(
    parser: &mut Parser<'_>,
    name: &'static str,
    operands: RawValue<'_>,
) -> Result<Node> {
    let [field, input, value] = named(
        operands,
        ["field", "input", "value"],
        |_| not_an_object(name),
        |field| unknown_argument(name, field),
    )?;
    let value = parser.required(value, required(name, 4_161_103, "value"))?;
    parse_assignment(parser, name, field, input, value)
}

fn parse_unset_field(
    parser: &mut Parser<'_>,
    name: &'static str,
    operands: RawValue<'_>,
) -> Result<Node> {
    let [field, input] = named(
        operands,
        ["field", "input"],
        |_| not_an_object(name),
        |field| unknown_argument(name, field),
    )?;
    parse_assignment(parser, name, field, input, Node::Constant(None))
}

fn parse_assignment(
    parser: &mut Parser<'_>,
    name: &'static str,
    field: Option<RawValue<'_>>,
    input: Option<RawValue<'_>>,
    value: Node,
) -> Result<Node> {
    let field = field.ok_or_else(required(name, 4_161_102, "field"))?;
    let field = parse_name(parser, name, field, SET_FIELD_NAME)?;
    let input = parser.required(input, required(name, 4_161_109, "input"))?;
    let constant = input.is_constant() && value.is_constant();
    parser.fold_operator(Node::operator(SetField { field, input, value }), constant)
}

fn not_an_object(name: &str) -> CommandError {
    CommandError::location(4_161_100, format!("{name} only supports an object as its argument"))
}

fn unknown_argument(name: &str, field: &str) -> CommandError {
    CommandError::location(4_161_101, format!("{name} found an unknown argument: {field}"))
}

fn required(name: &'static str, number: i32, field: &'static str) -> impl Fn() -> CommandError {
    move || CommandError::location(number, format!("{name} requires '{field}' to be specified"))
}
