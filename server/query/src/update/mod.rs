//! Updates: what a document becomes.
//!
//! Owns the three forms of an update (operators, a replacement document, a pipeline), their errors,
//! and the document that an upsert starts from. An update is parsed once and applied to each matched
//! document; applying it to the same document gives the same bytes on every machine.
//!
//! Never reads a clock and never makes an `_id`: the time comes in through [`Constants`], and a
//! document without `_id` is the caller's to complete.

use crate::Constants;
use crate::filter::Filter;
use crate::pipeline::Pipeline;
use quire_bson::{DocBuf, RawDoc, RawValue};
use quire_errors::{CommandError, Result};
use std::sync::Arc;

mod apply;
mod array_filters;
mod limits;
mod operators;
mod path;
mod plan;
mod replacement;
mod timestamps;
mod tree;
mod upsert;

use apply::Run;
use array_filters::ArrayFilters;
use operators::Argument;
use plan::{FieldsPlan, Leaf};
use tree::Tree;

pub use limits::{check_document, check_id};
pub use timestamps::fill_timestamps;

/// What a command says about an update besides the update itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// The command's `arrayFilters`.
    pub array_filters: Option<RawDoc<'a>>,
    /// Every matched document is updated, not only the first.
    pub multi: bool,
}

/// What an update made of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The document already is what the update asks for.
    NoChange,
    Changed(DocBuf),
}

/// The form of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Operators,
    Replacement,
    Pipeline,
}

/// A parsed update.
#[derive(Clone, Debug)]
pub struct Update {
    form: Form,
    constants: Arc<Constants>,
}

#[derive(Clone, Debug)]
enum Form {
    Operators { plan: FieldsPlan, filters: ArrayFilters, positional: bool },
    Replacement(DocBuf),
    Pipeline(Pipeline),
}

impl Update {
    /// Parses an update: a document of operators, a replacement document, or an array of stages.
    pub fn parse(
        update: RawValue<'_>,
        constants: &Arc<Constants>,
        options: Options<'_>,
    ) -> Result<Update> {
        let form = match update {
            RawValue::Array(stages) => pipeline(stages, constants, options)?,
            RawValue::Document(doc) if is_operators(doc) => operators(doc, constants, options)?,
            RawValue::Document(doc) => replacement(doc, constants, options)?,
            _ => {
                return Err(CommandError::failed_to_parse(
                    "Update argument must be either an object or an array",
                ));
            }
        };
        Ok(Update { form, constants: Arc::clone(constants) })
    }

    pub fn kind(&self) -> Kind {
        match self.form {
            Form::Operators { .. } => Kind::Operators,
            Form::Replacement(_) => Kind::Replacement,
            Form::Pipeline(_) => Kind::Pipeline,
        }
    }

    /// True when [`Update::apply`] needs to know which array element the filter matched.
    pub fn needs_position(&self) -> bool {
        matches!(self.form, Form::Operators { positional: true, .. })
    }

    /// Applies the update to a stored document. `position` is the array element that the filter
    /// matched.
    pub fn apply(&self, doc: RawDoc<'_>, position: Option<usize>) -> Result<Applied> {
        let Some(after) = self.changed(doc, position, false)? else {
            return Ok(Applied::NoChange);
        };
        let after = with_id_first(after);
        if after.as_bytes() == doc.as_bytes() {
            return Ok(Applied::NoChange);
        }
        check_document(after.as_raw())?;
        Ok(Applied::Changed(after))
    }

    /// The document that an upsert inserts when nothing matched `filter`. It has an `_id` only if
    /// the filter or the update gives one; the caller makes one otherwise.
    pub fn upsert(&self, filter: &Filter) -> Result<DocBuf> {
        let base = match self.form {
            Form::Replacement(_) => upsert::base_for_replacement(filter)?,
            Form::Operators { .. } | Form::Pipeline(_) => upsert::base(filter)?,
        };
        let made = self.changed(base.as_raw(), None, true)?.unwrap_or(base);
        let made = with_id_first(made);
        check_document(made.as_raw())?;
        Ok(fill_timestamps(made.as_raw(), &self.constants).unwrap_or(made))
    }

    /// The document after the update; `None` when the update is known to change nothing.
    fn changed(
        &self,
        doc: RawDoc<'_>,
        position: Option<usize>,
        insert: bool,
    ) -> Result<Option<DocBuf>> {
        match &self.form {
            Form::Operators { plan, filters, .. } => {
                let mut tree = Tree::of_document(doc);
                let mut run = Run {
                    document: doc,
                    constants: &self.constants,
                    filters,
                    matched: position,
                    insert,
                    path: String::new(),
                };
                let changed = run.document(plan, &mut tree)?;
                // A little room, because most changes make a document grow.
                Ok(changed.then(|| tree.into_document(doc.as_bytes().len() + 64)))
            }
            Form::Replacement(new) => {
                replacement::replace(doc, new.as_raw(), &self.constants).map(Some)
            }
            Form::Pipeline(pipeline) => {
                let after = pipeline.apply(doc)?;
                after.map(|after| replacement::keep_id(doc, after.as_raw())).transpose()
            }
        }
    }
}

fn is_operators(doc: RawDoc<'_>) -> bool {
    doc.nth(0).is_some_and(|first| first.key_bytes().starts_with(b"$"))
}

fn operators(doc: RawDoc<'_>, constants: &Arc<Constants>, options: Options<'_>) -> Result<Form> {
    let filters = options.array_filters.unwrap_or(RawDoc::EMPTY);
    let mut filters = ArrayFilters::parse(filters, constants)?;
    let mut plan = FieldsPlan::default();
    let mut positional = false;
    for operator in doc {
        let name = operator.key();
        operators::refuse_unknown(name)?;
        let RawValue::Document(arguments) = operator.value() else {
            return Err(CommandError::failed_to_parse(format!(
                "Modifiers operate on fields but we found type {} instead. For example: {{$mod: \
                 {{<field>: ...}}}} not {{{}}}",
                operator.value().type_name(),
                crate::render::element(name, operator.value())
            )));
        };
        for element in arguments {
            let argument = Argument { path: element.key(), element, constants };
            for (path, operator) in operators::parse(name, &argument)? {
                let parts = path::parse(&path, &mut filters)?;
                positional |= parts.contains(&path::Part::Matched);
                let leaf = Leaf { path: path.as_str().into(), operator };
                plan.add(&parts, leaf)?;
            }
        }
    }
    filters.refuse_unused(doc)?;
    Ok(Form::Operators { plan, filters, positional })
}

fn replacement(doc: RawDoc<'_>, constants: &Arc<Constants>, options: Options<'_>) -> Result<Form> {
    if options.multi {
        return Err(CommandError::failed_to_parse(
            "multi update is not supported for replacement-style update",
        ));
    }
    if let Some(filters) = options.array_filters {
        ArrayFilters::parse(filters, constants)?.refuse_unused(doc)?;
    }
    replacement::refuse_dollar_names(doc)?;
    Ok(Form::Replacement(DocBuf::from(doc)))
}

fn pipeline(stages: RawDoc<'_>, constants: &Arc<Constants>, options: Options<'_>) -> Result<Form> {
    if options.array_filters.is_some_and(|filters| !filters.is_empty()) {
        return Err(CommandError::failed_to_parse(
            "arrayFilters may not be specified for pipeline-syle updates",
        ));
    }
    Pipeline::parse_for_update(stages, constants).map(Form::Pipeline)
}

/// Moves `_id` to the front, where every stored document has it.
fn with_id_first(doc: DocBuf) -> DocBuf {
    let raw = doc.as_raw();
    let is_id = |element: &quire_bson::RawElement<'_>| element.key_bytes() == b"_id";
    if raw.nth(0).is_none_or(|first| is_id(&first)) || !raw.iter().any(|e| is_id(&e)) {
        return doc;
    }
    let mut out = quire_bson::DocBuilder::in_buffer(Vec::with_capacity(doc.as_bytes().len()));
    for element in raw.iter().filter(is_id).chain(raw.iter().filter(|e| !is_id(e))) {
        out.append_element(element);
    }
    out.finish()
}

#[cfg(test)]
mod tests;
