//! Finding and replacing plain text: `$indexOfBytes`, `$indexOfCP`, `$replaceOne`, `$replaceAll`.

use super::check_length;
use crate::expression::arguments::named;
use crate::expression::array::index_operand;
use crate::expression::node::Node;
use crate::expression::parser::Parser;
use crate::expression::table::{Family, Syntax};
use crate::expression::value::{NULL, Value, int, is_nullish, show, text, type_name};
use quire_bson::{Bson, RawValue};
use quire_errors::{CommandError, Result};

pub(crate) const TABLE: Family = &[
    ("$indexOfBytes", Syntax::Between(2, 4, index_of_bytes)),
    ("$indexOfCP", Syntax::Between(2, 4, index_of_code_points)),
    (
        "$replaceAll",
        Syntax::Own(|parser, name, operands| {
            parse_replace(parser, name, operands, |input, find, replacement| {
                replace(input, find, replacement, usize::MAX, "$replaceAll")
            })
        }),
    ),
    (
        "$replaceOne",
        Syntax::Own(|parser, name, operands| {
            parse_replace(parser, name, operands, |input, find, replacement| {
                replace(input, find, replacement, 1, "$replaceOne")
            })
        }),
    ),
];

/// The operands of both searches; `None` when the answer is null.
struct Search {
    value: String,
    wanted: String,
    start: usize,
    end: Option<usize>,
}

fn read_search(operands: Vec<Value>, name: &str, not_string: i32) -> Result<Option<Search>> {
    let mut operands = operands.into_iter();
    let value = operands.next().flatten();
    if is_nullish(&value) {
        return Ok(None);
    }
    let string = |value: Value, number, which: &str| match value {
        Some(Bson::String(text)) => Ok(text),
        other => Err(CommandError::location(
            number,
            format!(
                "{name} requires a string as the {which} argument, found: {}",
                type_name(other.as_ref())
            ),
        )),
    };
    let value = string(value, not_string, "first")?;
    let wanted = string(operands.next().flatten(), not_string + 1, "second")?;
    let start = operands.next().map(|start| index_operand(&start, name, "starting")).transpose()?;
    let end = operands.next().map(|end| index_operand(&end, name, "ending")).transpose()?;
    Ok(Some(Search { value, wanted, start: start.unwrap_or(0), end }))
}

fn index_of_bytes(operands: Vec<Value>) -> Result<Value> {
    let Some(search) = read_search(operands, "$indexOfBytes", 40091)? else {
        return Ok(NULL);
    };
    let end = search.end.unwrap_or(usize::MAX).min(search.value.len());
    // Bounds may fall inside a character, so bytes are searched.
    let window = search.value.as_bytes().get(search.start..end);
    Ok(found(window.and_then(|window| position(window, search.wanted.as_bytes())), search.start))
}

fn index_of_code_points(operands: Vec<Value>) -> Result<Value> {
    let Some(search) = read_search(operands, "$indexOfCP", 40093)? else {
        return Ok(NULL);
    };
    let byte_of = |code_point: usize| {
        search.value.char_indices().map(|(at, _)| at).chain([search.value.len()]).nth(code_point)
    };
    let end = search.end.and_then(byte_of).unwrap_or(search.value.len());
    let window = byte_of(search.start).and_then(|start| search.value.get(start..end));
    let at =
        window.and_then(|window| Some(window.get(..window.find(&search.wanted)?)?.chars().count()));
    Ok(found(at, search.start))
}

fn found(at: Option<usize>, start: usize) -> Value {
    at.map_or(Some(Bson::Int32(-1)), |at| int(start.saturating_add(at)))
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    if wanted.is_empty() {
        return Some(0);
    }
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn parse_replace(
    parser: &mut Parser<'_>,
    name: &'static str,
    operands: RawValue<'_>,
    function: fn(Value, Value, Value) -> Result<Value>,
) -> Result<Node> {
    let [input, find, replacement] = named(
        operands,
        ["input", "find", "replacement"],
        |found| {
            CommandError::location(
                51751,
                format!("{name} requires an object as an argument, found: {found}"),
            )
        },
        |field| CommandError::location(51750, format!("{name} found an unknown argument: {field}")),
    )?;
    let missing = |number, field: &'static str| {
        move || CommandError::location(number, format!("{name} requires '{field}' to be specified"))
    };
    let input = parser.required(input, missing(51749, "input"))?;
    let find = parser.required(find, missing(51748, "find"))?;
    let replacement = parser.required(replacement, missing(51747, "replacement"))?;
    let operands = [input, find, replacement];
    let constant = operands.iter().all(Node::is_constant);
    parser.fold_operator(Node::Ternary(function, Box::new(operands)), constant)
}

fn replace(
    input: Value,
    find: Value,
    replacement: Value,
    count: usize,
    name: &str,
) -> Result<Value> {
    let operand = |value: Value, number, field: &str| match value {
        value if is_nullish(&value) => Ok(None),
        Some(Bson::String(text)) => Ok(Some(text)),
        other => Err(CommandError::location(
            number,
            format!("{name} requires that '{field}' be a string, found: {}", show(other.as_ref())),
        )),
    };
    let input = operand(input, 51746, "input")?;
    let find = operand(find, 51745, "find")?;
    let replacement = operand(replacement, 51744, "replacement")?;
    let (Some(input), Some(find), Some(replacement)) = (input, find, replacement) else {
        return Ok(NULL);
    };
    let times = input.matches(find.as_str()).take(count).count();
    check_length(times.saturating_mul(replacement.len()).saturating_add(input.len()))?;
    Ok(text(input.replacen(find.as_str(), &replacement, count)))
}
