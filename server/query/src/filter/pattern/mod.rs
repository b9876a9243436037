//! Regular expressions: `$regex`, `$options` and regex values.
//!
//! Owns the choice of engine. A pattern written for PCRE is translated; what needs no backtracking
//! runs in time linear in the text, the rest (look-around, back-references, possessive repetition)
//! in an engine whose backtracking is capped, so that no query can hang a thread. Compiled once,
//! when the filter is parsed.

mod translate;

use super::parse::{FieldOperator, Parsed};
use super::predicate::Predicate;
use quire_bson::RawValue;
use quire_errors::{CommandError, Result};
use translate::{Flags, translate};

/// Patterns longer than this are refused, as PCRE does.
const PATTERN_BYTES_MAX: usize = 32_764;
/// What a compiled pattern may take.
const PROGRAM_BYTES_MAX: usize = 4 << 20;
/// Steps of the backtracking engine for one text.
const BACKTRACK_MAX: usize = 1_000_000;

/// A compiled regular expression.
#[derive(Clone)]
pub(crate) struct Pattern {
    source: Box<str>,
    options: Box<str>,
    engine: Engine,
}

/// Byte ranges of a whole match and of its groups; `None` for a group that took no part.
pub(crate) type Captured = Vec<Option<std::ops::Range<usize>>>;

#[derive(Clone)]
enum Engine {
    Linear(regex::bytes::Regex),
    Backtracking(Box<fancy_regex::Regex>),
}

impl Pattern {
    pub(crate) fn new(source: &str, options: &str) -> Result<Pattern> {
        let flags = flags(options)?;
        if source.contains('\0') {
            return Err(CommandError::bad_value(
                "Regular expression cannot contain an embedded null byte",
            ));
        }
        if source.len() > PATTERN_BYTES_MAX {
            return Err(invalid("regular expression is too large"));
        }
        let translated = translate(source, flags).map_err(|why| invalid(&why))?;
        let engine = if translated.backtracking {
            backtracking(&translated.text)?
        } else {
            match linear(&translated.text) {
                Ok(engine) => engine,
                Err(regex::Error::CompiledTooBig(_)) => {
                    return Err(invalid("regular expression is too large"));
                }
                // Syntax that only the other engine knows.
                Err(_) => backtracking(&translated.text)?,
            }
        };
        Ok(Pattern { source: source.into(), options: options.into(), engine })
    }

    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    pub(crate) fn options(&self) -> &str {
        &self.options
    }

    /// Whether a value matches: a text that the pattern finds, or the same regular expression.
    pub(crate) fn matches(&self, value: Option<RawValue<'_>>) -> Result<bool> {
        match value {
            Some(RawValue::String(text) | RawValue::Symbol(text)) => self.is_match(text),
            Some(RawValue::Regex { pattern, options }) => {
                Ok(pattern == &*self.source && options == &*self.options)
            }
            _ => Ok(false),
        }
    }

    pub(crate) fn is_match(&self, text: &str) -> Result<bool> {
        match &self.engine {
            Engine::Linear(regex) => Ok(regex.is_match(text.as_bytes())),
            Engine::Backtracking(regex) => regex.is_match(text).map_err(|_| limit_exceeded()),
        }
    }

    /// Where the first match at or after the byte `from` lies, and then where its groups do.
    pub(crate) fn captures_at(&self, text: &str, from: usize) -> Result<Option<Captured>> {
        match &self.engine {
            Engine::Linear(regex) => Ok(regex
                .captures_at(text.as_bytes(), from)
                .map(|found| found.iter().map(|group| group.map(|group| group.range())).collect())),
            Engine::Backtracking(regex) => match regex.captures_from_pos(text, from) {
                Ok(found) => Ok(found.map(|found| {
                    found.iter().map(|group| group.map(|group| group.range())).collect()
                })),
                Err(_) => Err(limit_exceeded()),
            },
        }
    }

    /// The literal text that every match begins with, where the pattern is anchored to the start.
    pub(crate) fn literal_prefix(&self) -> Option<String> {
        translate::literal_prefix(&self.source, flags(&self.options).ok()?)
    }
}

impl std::fmt::Debug for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "/{}/{}", self.source, self.options)
    }
}

fn limit_exceeded() -> CommandError {
    CommandError::location(
        51156,
        "Error occurred while executing regular expression. Result code: match limit exceeded",
    )
}

fn linear(text: &str) -> Result<Engine, regex::Error> {
    let mut builder = regex::bytes::RegexBuilder::new(text);
    builder.size_limit(PROGRAM_BYTES_MAX).nest_limit(200);
    builder.build().map(Engine::Linear)
}

fn backtracking(text: &str) -> Result<Engine> {
    let mut builder = fancy_regex::RegexBuilder::new(text);
    builder.backtrack_limit(BACKTRACK_MAX).delegate_size_limit(PROGRAM_BYTES_MAX);
    match builder.build() {
        Ok(regex) => Ok(Engine::Backtracking(Box::new(regex))),
        Err(error) => Err(invalid(&error.to_string())),
    }
}

fn invalid(why: &str) -> CommandError {
    // The engines draw a picture of the pattern over several lines; a reply wants one.
    let why = why.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>();
    CommandError::location(51091, format!("Regular expression is invalid: {}", why.join(" ")))
}

fn flags(options: &str) -> Result<Flags> {
    let mut flags = Flags::default();
    for option in options.chars() {
        match option {
            'i' => flags.ignore_case = true,
            'm' => flags.multi_line = true,
            's' => flags.dot_all = true,
            'x' => flags.extended = true,
            // Text is always Unicode.
            'u' => {}
            _ => {
                return Err(CommandError::location(
                    51108,
                    format!("invalid flag in regex options: {option}"),
                ));
            }
        }
    }
    Ok(flags)
}

pub(super) fn regex(operator: &FieldOperator<'_>) -> Parsed {
    let (source, own) = match operator.element.value() {
        RawValue::String(source) => (source, ""),
        RawValue::Regex { pattern, options } => (pattern, options),
        _ => return Err(CommandError::bad_value("$regex has to be a string")),
    };
    let options = match operator.siblings.get("$options") {
        None => own,
        Some(_) if !own.is_empty() => {
            let number = if operator.siblings.iter().next().is_some_and(|e| e.key() == "$options") {
                51074
            } else {
                51075
            };
            return Err(CommandError::location(number, "options set in both $regex and $options"));
        }
        Some(RawValue::String(options)) => options,
        Some(_) => return Err(CommandError::bad_value("$options has to be a string")),
    };
    Ok(Some(Predicate::Regex(Pattern::new(source, options)?)))
}

/// `$options` is read by `$regex`; alone it is an error.
pub(super) fn options(operator: &FieldOperator<'_>) -> Parsed {
    if operator.siblings.get("$regex").is_none() {
        return Err(CommandError::bad_value("$options needs a $regex"));
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
