//! `$trim`, `$ltrim`, `$rtrim`.

use crate::expression::arguments::named;
use crate::expression::node::{Node, Operator, Scope};
use crate::expression::parser::Parser;
use crate::expression::table::{Family, Syntax};
use crate::expression::value::{NULL, Value, is_nullish, show, text, type_name};
use quire_bson::{Bson, RawValue};
use quire_errors::{CommandError, Result};

pub(crate) const TABLE: Family = &[
    ("$ltrim", Syntax::Own(|parser, name, operands| parse(parser, name, operands, true, false))),
    ("$rtrim", Syntax::Own(|parser, name, operands| parse(parser, name, operands, false, true))),
    ("$trim", Syntax::Own(|parser, name, operands| parse(parser, name, operands, true, true))),
];

/// What is trimmed when `chars` is not given: MongoDB's list of white space, which has the NUL too.
const WHITE_SPACE: [char; 20] = [
    '\0', ' ', '\t', '\n', '\u{b}', '\u{c}', '\r', '\u{a0}', '\u{1680}', '\u{2000}', '\u{2001}',
    '\u{2002}', '\u{2003}', '\u{2004}', '\u{2005}', '\u{2006}', '\u{2007}', '\u{2008}', '\u{2009}',
    '\u{200a}',
];

#[derive(Debug)]
struct Trim {
    name: &'static str,
    input: Node,
    chars: Option<Node>,
    left: bool,
    right: bool,
}

impl Operator for Trim {
    fn evaluate(&self, scope: &mut Scope<'_>) -> Result<Value> {
        let input = match self.input.evaluate(scope)? {
            value if is_nullish(&value) => return Ok(NULL),
            Some(Bson::String(input)) => input,
            other => {
                return Err(CommandError::location(
                    50699,
                    format!(
                        "{} requires its input to be a string, got {} (of type {}) instead.",
                        self.name,
                        show(other.as_ref()),
                        type_name(other.as_ref())
                    ),
                ));
            }
        };
        let Some(chars) = &self.chars else {
            return Ok(text(self.trimmed(&input, &WHITE_SPACE)));
        };
        match chars.evaluate(scope)? {
            value if is_nullish(&value) => Ok(NULL),
            Some(Bson::String(chars)) => {
                let chars: Vec<char> = chars.chars().collect();
                Ok(text(self.trimmed(&input, &chars)))
            }
            other => Err(CommandError::location(
                50700,
                format!(
                    "{} requires 'chars' to be a string, got {} (of type {}) instead.",
                    self.name,
                    show(other.as_ref()),
                    type_name(other.as_ref())
                ),
            )),
        }
    }
}

impl Trim {
    fn trimmed<'t>(&self, input: &'t str, chars: &[char]) -> &'t str {
        let input = if self.left { input.trim_start_matches(chars) } else { input };
        if self.right { input.trim_end_matches(chars) } else { input }
    }
}

fn parse(
    parser: &mut Parser<'_>,
    name: &'static str,
    operands: RawValue<'_>,
    left: bool,
    right: bool,
) -> Result<Node> {
    let [input, chars] = named(
        operands,
        ["input", "chars"],
        |found| {
            CommandError::location(
                50696,
                format!("{name} only supports an object as an argument, found {found}"),
            )
        },
        |field| CommandError::location(50694, format!("{name} found an unknown argument: {field}")),
    )?;
    let input = parser.required(input, || {
        CommandError::location(50695, format!("{name} requires an 'input' field"))
    })?;
    let chars = parser.optional(chars)?;
    let constant = input.is_constant() && chars.as_ref().is_none_or(Node::is_constant);
    parser.fold_operator(Node::operator(Trim { name, input, chars, left, right }), constant)
}
