//! The table of stages: name, where it may stand, and how it is parsed.

use super::stage::StageSpec;
use super::{
    add_fields, count, group, limit, match_filter, project, redact, replace_root, sample, sort,
    unavailable, unwind,
};
use crate::Constants;
use quire_bson::RawValue;
use quire_errors::Result;
use std::sync::Arc;

/// Parses a stage. One name may stand for several stages: `$sortByCount`.
pub(super) type ParseStages =
    fn(&'static str, RawValue<'_>, &Arc<Constants>) -> Result<Vec<StageSpec>>;

pub(super) enum Parse {
    Stages(ParseStages),
    /// A source of documents that the commands know.
    Source,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    Any,
    First,
    Last,
}

pub(super) struct Entry {
    pub(super) name: &'static str,
    pub(super) position: Position,
    pub(super) parse: Parse,
}

const fn stage(name: &'static str, parse: ParseStages) -> Entry {
    Entry { name, position: Position::Any, parse: Parse::Stages(parse) }
}

const fn source(name: &'static str) -> Entry {
    Entry { name, position: Position::First, parse: Parse::Source }
}

const fn absent(name: &'static str, position: Position) -> Entry {
    Entry { name, position, parse: Parse::Stages(unavailable::parse) }
}

const STAGES: &[Entry] = &[
    stage("$addFields", add_fields::parse),
    stage("$count", count::parse),
    stage("$group", group::parse),
    stage("$limit", limit::parse_limit),
    stage("$match", match_filter::parse),
    stage("$project", project::parse),
    stage("$redact", redact::parse),
    stage("$replaceRoot", replace_root::parse_root),
    stage("$replaceWith", replace_root::parse_with),
    stage("$sample", sample::parse),
    stage("$set", add_fields::parse),
    stage("$skip", limit::parse_skip),
    stage("$sort", sort::parse),
    stage("$sortByCount", group::parse_sort_by_count),
    stage("$unset", project::parse_unset),
    stage("$unwind", unwind::parse),
    source("$changeStream"),
    source("$collStats"),
    source("$currentOp"),
    source("$documents"),
    source("$indexStats"),
    source("$listLocalSessions"),
    source("$listSessions"),
    source("$planCacheStats"),
    absent("$bucket", Position::Any),
    absent("$bucketAuto", Position::Any),
    absent("$changeStreamSplitLargeEvent", Position::Last),
    absent("$densify", Position::Any),
    absent("$facet", Position::Any),
    absent("$fill", Position::Any),
    absent("$geoNear", Position::First),
    absent("$graphLookup", Position::Any),
    absent("$listClusterCatalog", Position::First),
    absent("$listSampledQueries", Position::First),
    absent("$listSearchIndexes", Position::First),
    absent("$lookup", Position::Any),
    absent("$merge", Position::Last),
    absent("$out", Position::Last),
    absent("$querySettings", Position::First),
    absent("$queryStats", Position::First),
    absent("$search", Position::First),
    absent("$searchMeta", Position::First),
    absent("$setWindowFields", Position::Any),
    absent("$shardedDataDistribution", Position::First),
    absent("$unionWith", Position::Any),
    absent("$vectorSearch", Position::First),
];

pub(super) fn find(name: &str) -> Option<&'static Entry> {
    STAGES.iter().find(|entry| entry.name == name)
}

#[cfg(test)]
mod tests {
    use super::STAGES;

    #[test]
    fn no_stage_stands_in_the_table_twice() {
        for (at, entry) in STAGES.iter().enumerate() {
            let again = STAGES.iter().skip(at + 1).any(|other| other.name == entry.name);
            assert!(!again, "{}", entry.name);
        }
    }
}
