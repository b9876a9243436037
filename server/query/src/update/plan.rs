//! All operators of one update as a tree of the paths that they change.
//!
//! Owns the conflicts: no path is changed twice, and none is changed together with one above it.
//! The fields of a level are kept in the order in which they are worked on, which is the order in
//! which new fields come into the document.

use super::operators::Operator;
use super::path::{Part, compare_names};
use quire_errors::{Code, CommandError, Result};
use std::sync::Arc;

/// What happens at one place of the document.
#[derive(Clone, Debug)]
pub(super) enum Plan {
    Leaf(Leaf),
    Fields(FieldsPlan),
    Elements(ElementsPlan),
}

/// One operator at the end of its path.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    /// The path as the client wrote it.
    pub(super) path: Arc<str>,
    pub(super) operator: Arc<dyn Operator>,
}

/// Changes below named fields, or numbered elements of an array.
#[derive(Clone, Debug, Default)]
pub(super) struct FieldsPlan {
    pub(super) children: Vec<(String, Plan)>,
    /// Below `$`: the element that the filter matched.
    pub(super) matched: Option<Box<Plan>>,
}

/// Changes below `$[]` and `$[identifier]`.
#[derive(Clone, Debug, Default)]
pub(super) struct ElementsPlan {
    pub(super) children: Vec<(String, Plan)>,
}

impl Plan {
    /// The first operator below.
    pub(super) fn first_leaf(&self) -> Option<&Leaf> {
        match self {
            Plan::Leaf(leaf) => Some(leaf),
            Plan::Fields(fields) => {
                let children = fields.children.iter().map(|(_, child)| child);
                children.chain(fields.matched.as_deref()).find_map(Plan::first_leaf)
            }
            Plan::Elements(elements) => {
                elements.children.iter().find_map(|(_, child)| child.first_leaf())
            }
        }
    }

    /// An empty plan of the kind that a path goes on with.
    fn before(next: Option<&Part<'_>>, leaf: &Leaf) -> Plan {
        match next {
            None => Plan::Leaf(leaf.clone()),
            Some(Part::Elements(_)) => Plan::Elements(ElementsPlan::default()),
            Some(Part::Name(_) | Part::Matched) => Plan::Fields(FieldsPlan::default()),
        }
    }

    /// The plan below one component, made when there is none yet.
    fn child(&mut self, part: &Part<'_>, new: Plan) -> Option<(&mut Plan, bool)> {
        match (self, part) {
            (Plan::Fields(fields), Part::Name(name)) => Some(fields.child(name, new)),
            (Plan::Fields(fields), Part::Matched) => {
                let made = fields.matched.is_none();
                Some((fields.matched.get_or_insert_with(|| Box::new(new)).as_mut(), made))
            }
            (Plan::Elements(elements), Part::Elements(name)) => Some(elements.child(name, new)),
            _ => None,
        }
    }

    /// True when a path that goes on with `next` can be put below this plan.
    fn continues_with(&self, next: Option<&Part<'_>>) -> bool {
        matches!(
            (self, next),
            (Plan::Fields(_), Some(Part::Name(_) | Part::Matched))
                | (Plan::Elements(_), Some(Part::Elements(_)))
        )
    }
}

impl FieldsPlan {
    fn child(&mut self, name: &str, new: Plan) -> (&mut Plan, bool) {
        insert_sorted(&mut self.children, name, new, compare_names)
    }

    /// Adds an operator at the end of a path; tells a conflict with what is there.
    pub(super) fn add(&mut self, parts: &[Part<'_>], leaf: Leaf) -> Result<()> {
        let [first, rest @ ..] = parts else {
            return Ok(());
        };
        let Part::Name(name) = first else {
            return Ok(());
        };
        let mut depth = 1;
        let (mut plan, mut made) = self.child(name, Plan::before(rest.first(), &leaf));
        loop {
            let next = parts.get(depth);
            // An end must be new; a path through must find the same kind of level.
            let fits = if next.is_none() { made } else { plan.continues_with(next) };
            if !fits {
                return Err(conflict(&leaf.path, depth));
            }
            let Some(part) = next else {
                return Ok(());
            };
            depth += 1;
            let new = Plan::before(parts.get(depth), &leaf);
            let Some(below) = plan.child(part, new) else {
                return Err(conflict(&leaf.path, depth));
            };
            (plan, made) = below;
        }
    }
}

impl ElementsPlan {
    fn child(&mut self, identifier: &str, new: Plan) -> (&mut Plan, bool) {
        insert_sorted(&mut self.children, identifier, new, |a: &str, b: &str| a.cmp(b))
    }
}

/// The entry of `name` in a sorted list, and whether it was made now.
fn insert_sorted<'l>(
    list: &'l mut Vec<(String, Plan)>,
    name: &str,
    new: Plan,
    compare: fn(&str, &str) -> std::cmp::Ordering,
) -> (&'l mut Plan, bool) {
    let found = list.binary_search_by(|(known, _)| compare(known, name));
    let at = found.unwrap_or_else(|at| {
        list.insert(at, (name.to_owned(), new));
        at
    });
    // The entry at `at` was found or inserted just now.
    (&mut list[at].1, found.is_err())
}

fn conflict(path: &str, components: usize) -> CommandError {
    let prefix: Vec<_> = path.split('.').take(components).collect();
    CommandError::new(
        Code::ConflictingUpdateOperators,
        format!("Updating the path '{path}' would create a conflict at '{}'", prefix.join(".")),
    )
}

/// Both plans at once, for an element that several components mean.
pub(super) fn merged(a: &Plan, b: &Plan, place: &str) -> Result<Plan> {
    match (a, b) {
        (Plan::Fields(a), Plan::Fields(b)) => {
            let mut both = a.clone();
            for (name, plan) in &b.children {
                merge_child(&mut both.children, name, plan, place, compare_names)?;
            }
            both.matched = match (&a.matched, &b.matched) {
                (Some(a), Some(b)) => Some(Box::new(merged(a, b, &format!("{place}.$"))?)),
                (Some(one), None) | (None, Some(one)) => Some(one.clone()),
                (None, None) => None,
            };
            Ok(Plan::Fields(both))
        }
        (Plan::Elements(a), Plan::Elements(b)) => {
            let mut both = a.clone();
            for (name, plan) in &b.children {
                merge_child(&mut both.children, name, plan, place, |a, b| a.cmp(b))?;
            }
            Ok(Plan::Elements(both))
        }
        _ => Err(CommandError::new(
            Code::ConflictingUpdateOperators,
            format!("Update created a conflict at '{place}'"),
        )),
    }
}

fn merge_child(
    children: &mut Vec<(String, Plan)>,
    name: &str,
    plan: &Plan,
    place: &str,
    compare: fn(&str, &str) -> std::cmp::Ordering,
) -> Result<()> {
    let (there, made) = insert_sorted(children, name, plan.clone(), compare);
    if !made {
        *there = merged(there, plan, &format!("{place}.{name}"))?;
    }
    Ok(())
}
