//! `arrayFilters`: which elements of an array `$[identifier]` means.

use crate::Constants;
use crate::filter::Filter;
use quire_bson::{DocBuilder, RawDoc, RawValue};
use quire_errors::{Code, CommandError, Result};
use std::sync::Arc;

/// How deep `$and`, `$or` and `$nor` may nest.
const DEPTH_MAX: usize = 100;

/// The filters of one update, by identifier.
#[derive(Clone, Debug, Default)]
pub(super) struct ArrayFilters {
    filters: Vec<ArrayFilter>,
}

#[derive(Clone, Debug)]
struct ArrayFilter {
    identifier: String,
    filter: Filter,
    used: bool,
}

impl ArrayFilters {
    pub(super) fn parse(filters: RawDoc<'_>, constants: &Arc<Constants>) -> Result<ArrayFilters> {
        let mut parsed = ArrayFilters::default();
        for element in filters {
            let RawValue::Document(spec) = element.value() else {
                let found = element.value().type_name();
                return Err(CommandError::type_mismatch(format!(
                    "BSON field 'arrayFilters.{}' is the wrong type '{found}', expected type \
                     'object'",
                    element.key()
                )));
            };
            let identifier = identifier_of(spec)?;
            if parsed.find(&identifier).is_some() {
                return Err(CommandError::failed_to_parse(format!(
                    "Found multiple array filters with the same top-level field name {identifier}"
                )));
            }
            let filter = Filter::parse(spec, constants).map_err(in_array_filter)?;
            parsed.filters.push(ArrayFilter { identifier, filter, used: false });
        }
        Ok(parsed)
    }

    fn find(&self, identifier: &str) -> Option<&ArrayFilter> {
        self.filters.iter().find(|known| known.identifier == identifier)
    }

    /// Notes that a path names the identifier; false when there is no such filter.
    pub(super) fn mark_used(&mut self, identifier: &str) -> bool {
        let found = self.filters.iter_mut().find(|known| known.identifier == identifier);
        found.map(|filter| filter.used = true).is_some()
    }

    /// Refuses a filter that no path of the update names.
    pub(super) fn refuse_unused(&self, update: RawDoc<'_>) -> Result<()> {
        match self.filters.iter().find(|filter| !filter.used) {
            Some(ArrayFilter { identifier, .. }) => Err(CommandError::failed_to_parse(format!(
                "The array filter for identifier '{identifier}' was not used in the update {}",
                crate::render::document(update)
            ))),
            None => Ok(()),
        }
    }

    /// True when an array's element is one that `identifier` means; the empty one means all.
    pub(super) fn matches(&self, identifier: &str, element: RawValue<'_>) -> Result<bool> {
        if identifier.is_empty() {
            return Ok(true);
        }
        let Some(known) = self.find(identifier) else {
            return Ok(false);
        };
        let mut holder = DocBuilder::new();
        holder.append(identifier, element);
        known.filter.matches(holder.finish().as_raw())
    }
}

/// The one name that all paths of an array filter start with.
fn identifier_of(spec: RawDoc<'_>) -> Result<String> {
    let mut found = None;
    collect_identifier(spec, &mut found, 0)?;
    let Some(identifier) = found else {
        return Err(CommandError::failed_to_parse(
            "Cannot use an expression without a top-level field name in arrayFilters",
        ));
    };
    let mut letters = identifier.bytes();
    let well_formed = letters.next().is_some_and(|first| first.is_ascii_lowercase())
        && letters.all(|letter| letter.is_ascii_alphanumeric());
    if !well_formed {
        return Err(in_array_filter(CommandError::bad_value(format!(
            "The top-level field name must be an alphanumeric string beginning with a lowercase \
             letter, found '{identifier}'"
        ))));
    }
    Ok(identifier)
}

fn collect_identifier(spec: RawDoc<'_>, found: &mut Option<String>, depth: usize) -> Result<()> {
    if depth > DEPTH_MAX {
        return Err(CommandError::new(Code::Overflow, "array filter is nested too deeply"));
    }
    for element in spec {
        let name = element.key();
        if let ("$and" | "$or" | "$nor", RawValue::Array(branches)) = (name, element.value()) {
            for branch in branches.iter().filter_map(|branch| branch.value().as_document()) {
                collect_identifier(branch, found, depth + 1)?;
            }
            continue;
        }
        if name.starts_with('$') {
            continue;
        }
        let front = name.split('.').next().unwrap_or_default();
        match found {
            Some(known) if known != front => {
                return Err(in_array_filter(CommandError::failed_to_parse(format!(
                    "Expected a single top-level field name, found '{known}' and '{front}'"
                ))));
            }
            Some(_) => {}
            None => *found = Some(front.to_owned()),
        }
    }
    Ok(())
}

fn in_array_filter(error: CommandError) -> CommandError {
    error.context("Error parsing array filter")
}
