//! Regular expressions of expression operators.
//!
//! Patterns without look-around and back references run in time linear in the text; the others run
//! under a limit on backtracking, so that no pattern can hold a thread.

use super::regex::Hit;
use fancy_regex::{Regex, RegexBuilder};
use quire_errors::{CommandError, Result};

const BACKTRACKS_MAX: usize = 1_000_000;

#[derive(Clone, Debug)]
pub(super) struct Pattern {
    name: &'static str,
    regex: Regex,
}

/// Compiles `pattern` with MongoDB's options for the operator `name`.
pub(super) fn compile(pattern: &str, options: &str, name: &'static str) -> Result<Pattern> {
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
    let mut flags = String::new();
    for option in options.chars() {
        match option {
            'i' | 'm' | 's' | 'x' => flags.push(option),
            // Patterns and texts are always Unicode.
            'u' => {}
            other => {
                return Err(CommandError::location(
                    51108,
                    format!("{name}: invalid flag in regex options: {other}"),
                ));
            }
        }
    }
    let whole = if flags.is_empty() { pattern.to_owned() } else { format!("(?{flags}){pattern}") };
    match RegexBuilder::new(&whole).backtrack_limit(BACKTRACKS_MAX).build() {
        Ok(regex) => Ok(Pattern { name, regex }),
        Err(error) => {
            Err(CommandError::location(51111, format!("Invalid Regex in {name}: {error}")))
        }
    }
}

impl Pattern {
    pub(super) fn is_match(&self, text: &str) -> Result<bool> {
        self.regex.is_match(text).map_err(|error| self.failed(&error))
    }

    pub(super) fn find_at(&self, text: &str, from: usize) -> Result<Option<Hit>> {
        let captures = self.regex.captures_from_pos(text, from);
        let Some(captures) = captures.map_err(|error| self.failed(&error))? else {
            return Ok(None);
        };
        let mut groups = captures.iter().map(|group| group.map(|m| (m.start(), m.end())));
        let (start, end) = groups.next().flatten().unwrap_or((from, from));
        Ok(Some(Hit { start, end, groups: groups.collect() }))
    }

    fn failed(&self, error: &fancy_regex::Error) -> CommandError {
        CommandError::location(
            51156,
            format!(
                "Error occurred while executing the regular expression in {}. Result code: {error}",
                self.name
            ),
        )
    }
}
