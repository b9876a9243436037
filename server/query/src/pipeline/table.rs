//! The table of stages: name, where it may stand, and how it is parsed.

use super::stage::StageSpec;
use super::{
    add_fields, count, group, limit, match_filter, project, redact, replace_root, sample, sort,
    unavailable, unwind,
};
use crate::Constants;
use quire_bson::{RawDoc, RawValue};
use quire_errors::Result;
use std::sync::Arc;

/// Parses a stage. One name may stand for several stages: `$sortByCount`.
pub(super) type ParseStages =
    fn(&'static str, RawValue<'_>, &Arc<Constants>) -> Result<Vec<StageSpec>>;

pub(super) enum Parse {
    Stages(ParseStages),
    /// A source of documents that the commands know.
    Source,
    /// Where documents go; the commands know what becomes of them there.
    Sink,
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
    /// Whether a strict client of the Stable API may use it.
    pub(super) stable: bool,
}

const fn stage(name: &'static str, parse: ParseStages) -> Entry {
    Entry { name, position: Position::Any, parse: Parse::Stages(parse), stable: true }
}

const fn source(name: &'static str) -> Entry {
    Entry { name, position: Position::First, parse: Parse::Source, stable: true }
}

const fn sink(name: &'static str) -> Entry {
    Entry { name, position: Position::Last, parse: Parse::Sink, stable: true }
}

const fn absent(name: &'static str, position: Position) -> Entry {
    Entry { name, position, parse: Parse::Stages(unavailable::parse), stable: true }
}

/// Not in the Stable API.
const fn unstable(entry: Entry) -> Entry {
    Entry { stable: false, ..entry }
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
    unstable(source("$currentOp")),
    source("$documents"),
    unstable(source("$indexStats")),
    unstable(source("$listLocalSessions")),
    unstable(source("$listSessions")),
    unstable(source("$planCacheStats")),
    sink("$merge"),
    sink("$out"),
    absent("$bucket", Position::Any),
    absent("$bucketAuto", Position::Any),
    absent("$changeStreamSplitLargeEvent", Position::Last),
    absent("$densify", Position::Any),
    absent("$facet", Position::Any),
    absent("$fill", Position::Any),
    absent("$geoNear", Position::First),
    absent("$graphLookup", Position::Any),
    unstable(absent("$listClusterCatalog", Position::First)),
    unstable(absent("$listSampledQueries", Position::First)),
    unstable(absent("$listSearchIndexes", Position::First)),
    absent("$lookup", Position::Any),
    unstable(absent("$querySettings", Position::First)),
    unstable(absent("$queryStats", Position::First)),
    unstable(absent("$search", Position::First)),
    unstable(absent("$searchMeta", Position::First)),
    absent("$setWindowFields", Position::Any),
    unstable(absent("$shardedDataDistribution", Position::First)),
    absent("$unionWith", Position::Any),
    unstable(absent("$vectorSearch", Position::First)),
];

pub(super) fn find(name: &str) -> Option<&'static Entry> {
    STAGES.iter().find(|entry| entry.name == name)
}

/// Whether a strict client of the Stable API may use a stage. Names that no stage has are told apart
/// by the parser.
pub fn is_in_stable_api(name: &str) -> bool {
    find(name).is_none_or(|entry| entry.stable)
}

/// Whether a pipeline that a client gave as an array writes what comes out of it, instead of giving
/// it to the client. Asked before the pipeline is parsed.
pub fn fills_sink(stages: RawDoc<'_>) -> bool {
    let last = stages.iter().last().and_then(|last| last.value().as_document());
    let name = last.and_then(|last| last.nth(0)).map(|field| field.key());
    name.and_then(find).is_some_and(|entry| matches!(entry.parse, Parse::Sink))
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
