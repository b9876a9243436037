//! `$regexMatch`, `$regexFind`, `$regexFindAll`.

use super::pattern::{Pattern, compile};
use crate::expression::arguments::named;
use crate::expression::node::{Node, Operator, Scope};
use crate::expression::parser::Parser;
use crate::expression::table::{Family, Syntax};
use crate::expression::value::{NULL, Value, boolean, int, is_nullish, text};
use quire_bson::{Bson, Document, RawValue};
use quire_errors::{CommandError, Result};

pub(crate) const TABLE: Family = &[
    (
        "$regexFind",
        Syntax::Own(|parser, name, operands| parse(parser, name, operands, Wanted::First)),
    ),
    (
        "$regexFindAll",
        Syntax::Own(|parser, name, operands| parse(parser, name, operands, Wanted::All)),
    ),
    (
        "$regexMatch",
        Syntax::Own(|parser, name, operands| parse(parser, name, operands, Wanted::Whether)),
    ),
];

#[derive(Clone, Copy, Debug)]
enum Wanted {
    Whether,
    First,
    All,
}

#[derive(Debug)]
struct Find {
    name: &'static str,
    wanted: Wanted,
    input: Node,
    regex: Node,
    options: Option<Node>,
    /// The pattern, when it is the same for every document.
    compiled: Option<Pattern>,
}

impl Operator for Find {
    fn evaluate(&self, scope: &mut Scope<'_>) -> Result<Value> {
        let input = match self.input.evaluate(scope)? {
            value if is_nullish(&value) => None,
            Some(Bson::String(input)) => Some(input),
            _ => {
                return Err(CommandError::location(
                    51104,
                    format!("{} needs 'input' to be of type string", self.name),
                ));
            }
        };
        let pattern;
        let compiled = match &self.compiled {
            Some(compiled) => Some(compiled),
            None => {
                pattern = self.pattern(scope)?;
                pattern.as_ref()
            }
        };
        let (Some(input), Some(pattern)) = (input, compiled) else {
            return Ok(match self.wanted {
                Wanted::Whether => boolean(false),
                Wanted::First => NULL,
                Wanted::All => Some(Bson::Array(Vec::new())),
            });
        };
        self.find(&input, pattern)
    }
}

impl Find {
    /// Reads `regex` and `options`; `None` when the regex is null.
    fn pattern(&self, scope: &mut Scope<'_>) -> Result<Option<Pattern>> {
        let name = self.name;
        let regex = self.regex.evaluate(scope)?;
        let options = match &self.options {
            Some(options) => options.evaluate(scope)?,
            None => None,
        };
        let options = match options {
            options if is_nullish(&options) => None,
            Some(Bson::String(options)) => Some(options),
            _ => {
                return Err(CommandError::location(
                    51106,
                    format!("{name} needs 'options' to be of type string"),
                ));
            }
        };
        let (pattern, own_options) = match regex {
            regex if is_nullish(&regex) => return Ok(None),
            Some(Bson::String(pattern)) => (pattern, String::new()),
            Some(Bson::RegularExpression(regex)) => {
                (regex.pattern.as_str().to_owned(), regex.options.as_str().to_owned())
            }
            _ => {
                return Err(CommandError::location(
                    51105,
                    format!("{name} needs 'regex' to be of type string or regex"),
                ));
            }
        };
        if options.is_some() && !own_options.is_empty() {
            return Err(CommandError::location(
                51107,
                format!(
                    "{name}: found regex option(s) specified in both 'regex' and 'option' fields"
                ),
            ));
        }
        compile(&pattern, &options.unwrap_or(own_options), name).map(Some)
    }

    fn find(&self, input: &str, pattern: &Pattern) -> Result<Value> {
        match self.wanted {
            Wanted::Whether => Ok(boolean(pattern.is_match(input)?)),
            Wanted::First => Ok(pattern.find_at(input, 0)?.map_or(NULL, |hit| hit.describe(input))),
            Wanted::All => {
                let mut all = Vec::new();
                let mut from = 0;
                while let Some(hit) = pattern.find_at(input, from)? {
                    from = hit.next_start(input);
                    all.extend(hit.describe(input));
                    if from > input.len() {
                        break;
                    }
                }
                Ok(Some(Bson::Array(all)))
            }
        }
    }
}

/// Where one match and its groups lie, in bytes.
pub(super) struct Hit {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) groups: Vec<Option<(usize, usize)>>,
}

impl Hit {
    fn describe(&self, input: &str) -> Value {
        let before = input.get(..self.start).unwrap_or_default().chars().count();
        let part = |start, end| text(input.get(start..end).unwrap_or_default());
        let groups = self
            .groups
            .iter()
            .map(|group| group.and_then(|(start, end)| part(start, end)).unwrap_or(Bson::Null));
        let mut found = Document::new();
        found.insert("match", part(self.start, self.end).unwrap_or(Bson::Null));
        found.insert("idx", int(before).unwrap_or(Bson::Null));
        found.insert("captures", Bson::Array(groups.collect()));
        Some(Bson::Document(found))
    }

    /// Where the next search starts: behind the match, and one character further when it is empty.
    fn next_start(&self, input: &str) -> usize {
        if self.end > self.start {
            return self.end;
        }
        let width = input.get(self.end..).and_then(|rest| rest.chars().next());
        self.end + width.map_or(1, char::len_utf8)
    }
}

fn parse(
    parser: &mut Parser<'_>,
    name: &'static str,
    operands: RawValue<'_>,
    wanted: Wanted,
) -> Result<Node> {
    let [input, regex, options] = named(
        operands,
        ["input", "regex", "options"],
        |found| {
            CommandError::location(
                51103,
                format!("{name} expects an object of named arguments but found: {found}"),
            )
        },
        |field| CommandError::location(31024, format!("{name} found an unknown argument: {field}")),
    )?;
    let missing = |number, field: &'static str| {
        move || CommandError::location(number, format!("{name} requires '{field}' parameter"))
    };
    let input = parser.required(input, missing(31022, "input"))?;
    let regex = parser.required(regex, missing(31023, "regex"))?;
    let options = parser.optional(options)?;
    let mut find = Find { name, wanted, input, regex, options, compiled: None };
    let fixed = find.regex.is_constant() && find.options.as_ref().is_none_or(Node::is_constant);
    if fixed {
        find.compiled = find.pattern(&mut Scope::new(quire_bson::RawDoc::EMPTY))?;
    }
    let constant = fixed && find.input.is_constant();
    parser.fold_operator(Node::operator(find), constant)
}
