//! `$regexMatch`, `$regexFind`, `$regexFindAll`.

use crate::expression::arguments::named;
use crate::expression::memory::check_elements;
use crate::expression::node::{Node, Operator, Scope};
use crate::expression::parser::Parser;
use crate::expression::table::{Family, Syntax};
use crate::expression::value::{NULL, Value, boolean, int, is_nullish};
use crate::filter::Pattern;
use quire_bson::{Bson, Document, RawValue};
use quire_errors::{Code, CommandError, Result};
use std::ops::Range;

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
            Wanted::First => {
                Ok(Hit::find(pattern, input, 0)?.map_or(NULL, |hit| hit.describe(input)))
            }
            Wanted::All => {
                let mut all = Vec::new();
                let mut from = 0;
                while let Some(hit) = Hit::find(pattern, input, from)? {
                    from = hit.next_start(input);
                    all.extend(hit.describe(input));
                    // Each hit is a document of three and the list of its groups.
                    let parts = 8_usize.saturating_add(hit.groups.len());
                    check_elements(all.len().saturating_mul(parts), self.name)?;
                    if from > input.len() {
                        break;
                    }
                }
                Ok(Some(Bson::Array(all)))
            }
        }
    }
}

/// Compiles a pattern; what is wrong with it is told in the operator's words.
fn compile(pattern: &str, options: &str, name: &str) -> Result<Pattern> {
    if pattern.contains('\0') {
        return Err(CommandError::location(
            51109,
            format!("{name}: regular expression cannot contain an embedded null byte"),
        ));
    }
    if options.contains('\0') {
        return Err(CommandError::location(
            51110,
            format!("{name}: regular expression options cannot contain an embedded null byte"),
        ));
    }
    Pattern::new(pattern, options).map_err(|error| match error.code() {
        Code::Location(51108) => {
            CommandError::location(51108, format!("{name}: {}", error.message()))
        }
        _ => CommandError::location(51111, format!("Invalid Regex in {name}: {}", error.message())),
    })
}

/// Where one match and its groups lie, in bytes.
struct Hit {
    whole: Range<usize>,
    groups: Vec<Option<Range<usize>>>,
}

impl Hit {
    fn find(pattern: &Pattern, input: &str, from: usize) -> Result<Option<Hit>> {
        let Some(captured) = pattern.captures_at(input, from)? else { return Ok(None) };
        let mut groups = captured.into_iter();
        let whole = groups.next().flatten().unwrap_or(from..from);
        Ok(Some(Hit { whole, groups: groups.collect() }))
    }

    fn describe(&self, input: &str) -> Value {
        let before = input.get(..self.whole.start).unwrap_or_default().chars().count();
        let part = |range: &Range<usize>| {
            Bson::String(input.get(range.clone()).unwrap_or_default().to_owned())
        };
        let groups = self.groups.iter().map(|group| group.as_ref().map_or(Bson::Null, part));
        let mut found = Document::new();
        found.insert("match", part(&self.whole));
        found.insert("idx", int(before).unwrap_or(Bson::Null));
        found.insert("captures", Bson::Array(groups.collect()));
        Some(Bson::Document(found))
    }

    /// Where the next search starts: behind the match, and one character further when it is empty.
    fn next_start(&self, input: &str) -> usize {
        let end = self.whole.end;
        if !self.whole.is_empty() {
            return end;
        }
        let width = input.get(end..).and_then(|rest| rest.chars().next());
        end + width.map_or(1, char::len_utf8)
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
