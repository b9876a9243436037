//! The choice between the ways to run a query.
//!
//! Owns the rules of preference. Every way is first judged by its bounds alone; ranges of bytes are
//! only made for the one that is taken.

use super::candidate::Conditions;
use super::description::{FieldOrder, IndexDescription};
use super::scan::{self, Scan};
use super::{Access, Bounds, Hint, IndexScan, Plan, PlanOptions, hint, ranges};
use crate::filter::{Filter, Node};
use quire_bson::DocBuilder;
use quire_collation::ValueOrder;
use quire_errors::Result;
use quire_keys::Range;
use std::cmp::Reverse;
use std::sync::LazyLock;

/// The order of preference, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Rows named by their `_id`.
    RowLookup,
    UniqueEquality,
    Equality,
    UnionOfEqualities,
    /// A range whose scan gives the order of the sort.
    SortedRange,
    /// The order of the sort without bounds, where the query stops early.
    SortedEarly,
    Range,
    UnionOfRanges,
    /// The order of the sort without bounds, over all documents.
    Sorted,
    /// An index that does not have all documents, so it is smaller than the collection.
    WholePartialIndex,
    Collection,
}

impl Rank {
    /// Whether the bounds leave out enough to make a branch of a union worth its own scan.
    fn is_bounded(self) -> bool {
        matches!(
            self,
            Rank::RowLookup
                | Rank::UniqueEquality
                | Rank::Equality
                | Rank::UnionOfEqualities
                | Rank::SortedRange
                | Rank::Range
                | Rank::UnionOfRanges
        )
    }
}

/// One way to run the query.
struct Way<'i> {
    rank: Rank,
    provides_sort: bool,
    backwards: bool,
    target: Target<'i>,
}

enum Target<'i> {
    Nothing,
    Rows(Scan),
    Index { at: usize, index: &'i IndexDescription, scan: Scan },
    Union(Vec<Way<'i>>),
}

/// What a choice is made from.
#[derive(Clone, Copy)]
struct Question<'q> {
    sort: &'q [(String, i32)],
    sort_order: &'q ValueOrder,
    indexes: &'q [IndexDescription],
    clustered: bool,
    limited: bool,
}

/// The rows of a clustered collection, seen as an index.
static ROWS: LazyLock<IndexDescription> = LazyLock::new(|| {
    let mut key = DocBuilder::new();
    key.append_i32("_id", 1);
    let mut rows = IndexDescription::new("_id_", key.finish().as_raw());
    rows.unique = true;
    rows
});

/// Chooses how to find the documents that match `filter`, in the order of `sort` if that costs
/// nothing.
pub fn choose(
    filter: &Filter,
    sort: Option<&[(String, i32)]>,
    indexes: &[IndexDescription],
    options: &PlanOptions<'_>,
) -> Result<Plan> {
    let sort_order = options.sort_order;
    let sort = sort.unwrap_or_default();
    let (clustered, limited) = (options.clustered, options.limited);
    let question = Question { sort, sort_order, indexes, clustered, limited };
    let conditions = Conditions::of(filter.root());
    if let Some(hint) = options.hint {
        return question.hinted(&conditions, hint, filter, options);
    }
    if options.min.is_some() || options.max.is_some() {
        return Err(hint::hint_required());
    }
    if let [(path, direction)] = sort
        && path == "$natural"
    {
        return Ok(Plan::collection(*direction < 0, true));
    }
    Ok(question.best(&conditions).into_plan())
}

impl<'q> Question<'q> {
    fn best(self, conditions: &Conditions<'_>) -> Way<'q> {
        if conditions.never {
            let target = Target::Nothing;
            return Way { rank: Rank::RowLookup, provides_sort: true, backwards: false, target };
        }
        let rows = self.collection(conditions);
        if rows.rank == Rank::RowLookup {
            // Nothing is better, and most queries are this one.
            return rows;
        }
        let mut ways = vec![rows];
        for (at, index) in self.indexes.iter().enumerate() {
            if !self.may_help(conditions, index) {
                continue;
            }
            if let Some(scan) = scan::of_index(conditions, index) {
                ways.extend(self.through_index(at, index, scan));
            }
        }
        for branches in &conditions.unions {
            ways.extend(self.union(conditions, branches));
        }
        ways.into_iter().min_by_key(Way::preference).unwrap_or_else(|| self.collection(conditions))
    }

    /// The direction in which a scan gives the sort's order, if it does.
    fn direction(self, scan: &Scan, index: &IndexDescription, clustered: bool) -> Option<bool> {
        if !self.sort.is_empty() && *self.sort_order != index.order {
            return None;
        }
        // Rows are in the order of bytes.
        let clustered = clustered && self.sort_order.collation().is_none();
        scan.direction(index, self.sort, clustered)
    }

    /// Leaves out at a glance the indexes that neither bound, nor sort, nor are small.
    fn may_help(self, conditions: &Conditions<'_>, index: &IndexDescription) -> bool {
        let first = index.fields.first().map_or("", |field| field.path.as_str());
        !self.sort.is_empty()
            || index.sparse
            || index.partial.is_some()
            || conditions.on_path(first).next().is_some()
    }

    /// The rows, by `_id` as far as the filter tells it.
    fn collection(self, conditions: &Conditions<'_>) -> Way<'q> {
        if !self.clustered {
            return Way {
                rank: Rank::Collection,
                provides_sort: self.sort.is_empty(),
                backwards: false,
                target: Target::Rows(scan::whole(&ROWS)),
            };
        }
        let scan = scan::of_index(conditions, &ROWS).unwrap_or_else(|| scan::whole(&ROWS));
        let direction = self.direction(&scan, &ROWS, false);
        let sorted = direction.is_some() && !self.sort.is_empty();
        let rank = match (scan.equal_fields, scan.has_range, sorted) {
            (1.., ..) => Rank::RowLookup,
            (0, true, true) => Rank::SortedRange,
            (0, true, false) => Rank::Range,
            (0, false, true) if self.limited => Rank::SortedEarly,
            (0, false, true) => Rank::Sorted,
            (0, false, false) => Rank::Collection,
        };
        Way {
            rank,
            provides_sort: direction.is_some() || scan.is_single(&ROWS),
            backwards: direction.unwrap_or(false),
            target: Target::Rows(scan),
        }
    }

    fn through_index(self, at: usize, index: &'q IndexDescription, scan: Scan) -> Option<Way<'q>> {
        let direction = self.direction(&scan, index, self.clustered);
        let single = scan.is_single(index);
        let sorted = direction.is_some() && !self.sort.is_empty();
        let rank = match (scan.equal_fields, scan.has_range, sorted) {
            _ if single => Rank::UniqueEquality,
            (1.., ..) => Rank::Equality,
            (0, true, true) => Rank::SortedRange,
            (0, true, false) => Rank::Range,
            (0, false, true) if self.limited => Rank::SortedEarly,
            (0, false, true) => Rank::Sorted,
            (0, false, false) if index.sparse || index.partial.is_some() => Rank::WholePartialIndex,
            (0, false, false) => return None,
        };
        Some(Way {
            rank,
            provides_sort: direction.is_some() || single,
            backwards: direction.unwrap_or(false),
            target: Target::Index { at, index, scan },
        })
    }

    /// An `$or` whose branches are all bounded.
    fn union(self, conditions: &Conditions<'_>, branches: &[Node]) -> Option<Way<'q>> {
        let unsorted = Question { sort: &[], limited: false, ..self };
        let mut ways = Vec::with_capacity(branches.len());
        for branch in branches {
            let way = unsorted.best(&conditions.with_branch(branch));
            if !way.rank.is_bounded() {
                return None;
            }
            match way.target {
                Target::Nothing => {}
                Target::Union(inner) => ways.extend(inner),
                _ => ways.push(way),
            }
        }
        let worst = ways.iter().map(|way| way.rank).max().unwrap_or(Rank::RowLookup);
        Some(Way {
            rank: if worst <= Rank::UnionOfEqualities {
                Rank::UnionOfEqualities
            } else {
                Rank::UnionOfRanges
            },
            provides_sort: self.sort.is_empty(),
            backwards: false,
            target: Target::Union(ways),
        })
    }

    fn hinted(
        self,
        conditions: &Conditions<'_>,
        hint: &Hint,
        filter: &Filter,
        options: &PlanOptions<'_>,
    ) -> Result<Plan> {
        let has_ends = options.min.is_some() || options.max.is_some();
        if let Hint::Natural { backwards } = hint {
            if has_ends {
                return Err(hint::hint_required());
            }
            let order = self.direction(&scan::whole(&ROWS), &ROWS, false);
            let natural = matches!(self.sort, [(path, _)] if path == "$natural");
            let by_rows = self.clustered && order == Some(*backwards);
            let provides_sort = self.sort.is_empty() || natural || by_rows;
            return Ok(Plan::collection(*backwards, provides_sort));
        }
        let rows = self.clustered && hint.means_rows();
        let found = self.indexes.iter().enumerate().find(|(_, i)| !i.hidden && hint.means(i));
        let (index, at) = match found {
            _ if rows => (&*ROWS, None),
            Some((at, index)) if !index.is_special() => (index, Some(at)),
            _ => return Err(hint::unknown(options.namespace, filter)),
        };
        let scan =
            if has_ends { scan::whole(index) } else { scan::of_hinted_index(conditions, index) };
        let direction = self.direction(&scan, index, self.clustered);
        let way = Way {
            rank: Rank::Equality,
            provides_sort: direction.is_some() || scan.is_single(index),
            backwards: direction.unwrap_or(false),
            target: match at {
                None => Target::Rows(scan),
                Some(at) => Target::Index { at, index, scan },
            },
        };
        let mut plan = way.into_plan();
        if has_ends {
            let fields: Vec<(&str, FieldOrder)> =
                index.fields.iter().map(|field| (field.path.as_str(), field.order)).collect();
            plan.restrict(hint::min_max_range(&fields, &index.order, options.min, options.max)?);
        }
        Ok(plan)
    }
}

impl Way<'_> {
    /// What ways are compared by: smaller is better.
    fn preference(&self) -> impl Ord + use<> {
        let (equal, ranges, range, fields) = match &self.target {
            Target::Nothing | Target::Union(_) => (0, 0, false, 0),
            Target::Rows(scan) => (scan.equal_fields, scan.points(), scan.has_range, 1),
            Target::Index { index, scan, .. } => {
                (scan.equal_fields, scan.points(), scan.has_range, index.fields.len())
            }
        };
        (self.rank, Reverse(equal), !self.provides_sort, ranges, !range, fields)
    }

    fn into_plan(self) -> Plan {
        let provides_sort = self.provides_sort;
        Plan { access: self.into_access(), provides_sort }
    }

    fn into_access(self) -> Access {
        let backwards = self.backwards;
        match self.target {
            Target::Nothing => Access::Nothing,
            Target::Union(ways) if ways.is_empty() => Access::Nothing,
            Target::Union(ways) => Access::Union(ways.into_iter().map(Way::into_access).collect()),
            Target::Rows(scan) => rows(scan, backwards),
            Target::Index { at, index, scan } => {
                let fields = index.fields.iter().map(|field| field.order).zip(&scan.bounds);
                Access::Index(IndexScan {
                    index: at,
                    ranges: ranges::of_fields(fields),
                    backwards,
                    // One key in every field is one entry of a document.
                    repeats: index.multikey != 0 && scan.fixed_fields < index.fields.len(),
                    bounds: kept(index, scan, backwards),
                })
            }
        }
    }
}

fn rows(scan: Scan, backwards: bool) -> Access {
    let Some(ids) = scan.bounds.first().filter(|ids| !ids.is_all()) else {
        return Access::Rows { backwards };
    };
    if ids.is_points() {
        let keys = ranges::points(ids);
        return Access::RowLookups { keys, backwards, bounds: kept(&ROWS, scan, backwards) };
    }
    let ranges = ranges::of_fields([(FieldOrder::Ascending, ids)]);
    Access::RowRanges { ranges, backwards, bounds: kept(&ROWS, scan, backwards) }
}

fn kept(index: &IndexDescription, scan: Scan, backwards: bool) -> Bounds {
    let fields = index.fields.iter().zip(scan.bounds);
    let fields = fields.map(|(field, set)| (field.path.as_str().to_owned(), field.order, set));
    let collated = index.order.collation().is_some();
    Bounds { fields: fields.collect(), backwards, collated }
}

impl Plan {
    /// Puts the range of `min` and `max` in place of the bounds.
    fn restrict(&mut self, range: Range) {
        match &mut self.access {
            Access::Index(scan) => scan.ranges = vec![range],
            Access::Rows { backwards } => {
                let backwards = *backwards;
                let bounds = kept(&ROWS, scan::whole(&ROWS), backwards);
                self.access = Access::RowRanges { ranges: vec![range], backwards, bounds };
            }
            _ => {}
        }
    }
}
