//! Working a plan over one document.
//!
//! Owns the walk: which fields exist, which are made, which cannot be, and what `_id` must keep.
//! What an operator does to a value it finds is the operator's own affair.

use super::array_filters::ArrayFilters;
use super::operators::{Blocked, Change, Place};
use super::path::compare_names;
use super::plan::{ElementsPlan, FieldsPlan, Leaf, Plan, merged};
use super::tree::{Field, Tree};
use crate::Constants;
use crate::field_path::array_index;
use quire_bson::RawDoc;
use quire_errors::{Code, CommandError, Result};
use std::borrow::Cow;

/// How many nulls one update may put before a new array element.
const PADDING_MAX: usize = 1_500_000;

/// One application of a plan.
pub(super) struct Run<'r> {
    /// The document before the update.
    pub(super) document: RawDoc<'r>,
    pub(super) constants: &'r Constants,
    pub(super) filters: &'r ArrayFilters,
    /// The array element that the query's filter matched.
    pub(super) matched: Option<usize>,
    /// The document is being made by an upsert.
    pub(super) insert: bool,
    /// Where in the document the walk is.
    pub(super) path: String,
}

impl Run<'_> {
    /// Changes a whole document; true when anything became different.
    pub(super) fn document<'a>(&mut self, plan: &FieldsPlan, tree: &mut Tree<'a>) -> Result<bool> {
        let keeps_id = self.document.get("_id").is_some();
        let mut changed = false;
        for (name, child) in &plan.children {
            let change = self.at(name, |run| run.field(name, child, tree))?;
            if change == Change::None {
                continue;
            }
            changed = true;
            if name == "_id" && keeps_id {
                let path = child.first_leaf().map_or("_id", |leaf| &leaf.path);
                return Err(CommandError::new(
                    Code::ImmutableField,
                    format!(
                        "Performing an update on the path '{path}' would modify the immutable \
                         field '_id'"
                    ),
                ));
            }
            if name.starts_with('$') && change == Change::Changed {
                return Err(super::replacement::dollar_error(name));
            }
        }
        Ok(changed)
    }

    /// Runs `step` with `name` at the end of the path.
    fn at<R>(&mut self, name: &str, step: impl FnOnce(&mut Self) -> R) -> R {
        let len = self.path.len();
        if len > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        let result = step(self);
        self.path.truncate(len);
        result
    }

    fn place(&self) -> Place<'_> {
        Place {
            document: self.document,
            constants: self.constants,
            insert: self.insert,
            path: &self.path,
        }
    }

    fn plan(&mut self, plan: &Plan, tree: &mut Tree<'_>) -> Result<Change> {
        match plan {
            Plan::Leaf(Leaf { operator, .. }) => {
                let place = self.place();
                if operator.runs(&place)? {
                    operator.change(tree, &place)
                } else {
                    Ok(Change::None)
                }
            }
            Plan::Fields(fields) => self.fields(fields, tree),
            Plan::Elements(elements) => self.elements(elements, tree),
        }
    }

    fn fields(&mut self, plan: &FieldsPlan, tree: &mut Tree<'_>) -> Result<Change> {
        let mut changed = Change::None;
        for (name, child) in self.children(plan)? {
            let change = self.at(&name, |run| run.field(&name, &child, tree))?;
            if change != Change::None {
                changed = Change::Changed;
            }
        }
        Ok(changed)
    }

    /// The children with the one of `$` among them, under the position that was matched.
    fn children<'p>(&self, plan: &'p FieldsPlan) -> Result<Vec<(Cow<'p, str>, Cow<'p, Plan>)>> {
        let mut children: Vec<_> = plan
            .children
            .iter()
            .map(|(name, child)| (Cow::Borrowed(name.as_str()), Cow::Borrowed(child)))
            .collect();
        let Some(below) = &plan.matched else {
            return Ok(children);
        };
        let Some(position) = self.matched else {
            return Err(CommandError::bad_value(
                "The positional operator did not find the match needed from the query.",
            ));
        };
        let name = position.to_string();
        match children.binary_search_by(|(known, _)| compare_names(known, &name)) {
            Ok(at) => {
                let place = format!("{}.{name}", self.path);
                if let Some((_, child)) = children.get_mut(at) {
                    *child = Cow::Owned(merged(child, below, &place)?);
                }
            }
            Err(at) => children.insert(at, (Cow::Owned(name), Cow::Borrowed(below.as_ref()))),
        }
        Ok(children)
    }

    /// Changes, makes or removes the field `name` of `parent`.
    fn field(&mut self, name: &str, plan: &Plan, parent: &mut Tree<'_>) -> Result<Change> {
        if parent.is_array() {
            return self.numbered(name, plan, parent);
        }
        let Some(fields) = parent.fields_mut() else {
            self.refuse_blocked(name, plan, parent)?;
            return Ok(Change::None);
        };
        let found = fields.iter().position(|field| field.name == name);
        let Some(at) = found else {
            return Ok(match self.made(plan)? {
                Some(value) => {
                    fields.push(Field { name: Cow::Owned(name.to_owned()), value });
                    Change::Changed
                }
                None => Change::None,
            });
        };
        let Some(field) = fields.get_mut(at) else {
            return Ok(Change::None);
        };
        let change = self.plan(plan, &mut field.value)?;
        if change == Change::Removed {
            fields.remove(at);
        }
        Ok(change)
    }

    /// The same for an element of an array, which is never removed but becomes null.
    fn numbered(&mut self, name: &str, plan: &Plan, parent: &mut Tree<'_>) -> Result<Change> {
        let Some(at) = array_index(name) else {
            self.refuse_blocked(name, plan, parent)?;
            return Ok(Change::None);
        };
        let Some(items) = parent.items_mut() else {
            return Ok(Change::None);
        };
        if let Some(item) = items.get_mut(at) {
            let change = self.plan(plan, item)?;
            if change == Change::Removed {
                *item = Tree::NULL;
                return Ok(Change::Changed);
            }
            return Ok(change);
        }
        let Some(value) = self.made(plan)? else {
            return Ok(Change::None);
        };
        if at - items.len() > PADDING_MAX {
            return Err(CommandError::new(
                Code::CannotBackfillArray,
                format!("can't backfill more than {PADDING_MAX} elements"),
            ));
        }
        items.resize(at, Tree::NULL);
        items.push(value);
        Ok(Change::Changed)
    }

    /// What a plan makes where nothing stands.
    fn made<'a>(&mut self, plan: &Plan) -> Result<Option<Tree<'a>>> {
        match plan {
            Plan::Leaf(Leaf { operator, .. }) => {
                let place = self.place();
                if !operator.runs(&place)? {
                    return Ok(None);
                }
                Ok(operator.create(&place)?.map(Tree::Shared))
            }
            Plan::Fields(fields) => {
                let mut made = Vec::new();
                for (name, child) in self.children(fields)? {
                    if let Some(value) = self.at(&name, |run| run.made(&child))? {
                        made.push(Field { name: Cow::Owned(name.into_owned()), value });
                    }
                }
                Ok((!made.is_empty()).then_some(Tree::Document(made)))
            }
            Plan::Elements(_) => Err(must_exist(&self.path)),
        }
    }

    /// Refuses a path that leads through a value with no fields, unless its operators do not mind.
    fn refuse_blocked(&mut self, name: &str, plan: &Plan, parent: &Tree<'_>) -> Result<()> {
        match plan {
            Plan::Leaf(leaf) => {
                if !leaf.operator.runs(&self.place())? {
                    return Ok(());
                }
                let holder = self.path.strip_suffix(name).unwrap_or(&self.path);
                let holder = holder.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
                let element = parent.with_value(|value| crate::render::element(holder, value));
                match leaf.operator.when_blocked() {
                    Blocked::Ignored => Ok(()),
                    Blocked::CannotCreate => Err(CommandError::new(
                        Code::PathNotViable,
                        format!("Cannot create field '{name}' in element {{{element}}}"),
                    )),
                    Blocked::CannotTraverse => Err(CommandError::new(
                        Code::PathNotViable,
                        format!(
                            "Cannot use the part ({name}) of ({}) to traverse the element \
                             ({{{element}}})",
                            leaf.path
                        ),
                    )),
                }
            }
            Plan::Fields(fields) => {
                for (_, child) in self.children(fields)? {
                    self.refuse_blocked(name, &child, parent)?;
                }
                Ok(())
            }
            Plan::Elements(_) => Err(must_exist(&self.path)),
        }
    }

    /// Changes the elements of an array that `$[]` or `$[identifier]` mean.
    fn elements(&mut self, plan: &ElementsPlan, tree: &mut Tree<'_>) -> Result<Change> {
        if !tree.is_array() {
            let name = self.path.rsplit('.').next().unwrap_or_default();
            let element = tree.with_value(|value| crate::render::element(name, value));
            return Err(CommandError::bad_value(format!(
                "Cannot apply array updates to non-array element {element}"
            )));
        }
        let mut changed = Change::None;
        for (at, item) in tree.items_mut().into_iter().flatten().enumerate() {
            let name = at.to_string();
            let Some(child) = self.at(&name, |run| run.child_for(plan, item))? else {
                continue;
            };
            match self.at(&name, |run| run.plan(&child, item))? {
                Change::None => continue,
                Change::Changed => {}
                Change::Removed => *item = Tree::NULL,
            }
            changed = Change::Changed;
        }
        Ok(changed)
    }

    /// The plan for one element: that of the identifier that means it, or all of them together.
    fn child_for<'p>(
        &self,
        plan: &'p ElementsPlan,
        item: &Tree<'_>,
    ) -> Result<Option<Cow<'p, Plan>>> {
        let mut chosen: Option<Cow<'p, Plan>> = None;
        for (identifier, child) in &plan.children {
            if !item.with_value(|value| self.filters.matches(identifier, value))? {
                continue;
            }
            chosen = Some(match chosen {
                None => Cow::Borrowed(child),
                Some(before) => Cow::Owned(merged(&before, child, &self.path)?),
            });
        }
        Ok(chosen)
    }
}

fn must_exist(path: &str) -> CommandError {
    CommandError::bad_value(format!(
        "The path '{path}' must exist in the document in order to apply array updates."
    ))
}
