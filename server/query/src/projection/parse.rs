//! Reading a projection's specification.
//!
//! Owns the rules about what may stand beside what, each with MongoDB's code. Whether the projection
//! includes or excludes is known only when the whole specification was read.

use super::{Fields, Kind, Mode, Node, Projection, Slice};
use crate::Constants;
use crate::expression::Expression;
use crate::field_path;
use crate::filter::Filter;
use quire_bson::{DocBuilder, Number, RawDoc, RawElement, RawValue};
use quire_errors::{Code, CommandError, Result};
use std::cmp::Ordering;
use std::sync::Arc;

/// How deep sub-projections may nest.
const DEPTH_MAX: usize = 200;

pub(super) fn projection(
    spec: RawDoc<'_>,
    filter: Option<RawDoc<'_>>,
    constants: &Arc<Constants>,
    mode: Mode,
) -> Result<Projection> {
    if mode == Mode::Aggregate && spec.is_empty() {
        return Err(CommandError::location(
            51272,
            "projection specification must have at least one field",
        ));
    }
    let mut parser = Parser { filter, constants, mode, seen: Seen::default() };
    let mut root = Fields::default();
    for element in spec {
        parser.seen.id |= element.key() == "_id" || element.key().starts_with("_id.");
        parser.element(element, &Level { front: None, depth: 0 }, &mut root)?;
    }
    let kind = parser.seen.kind.unwrap_or_else(|| parser.seen.ambiguous_kind());
    match kind {
        Kind::Inclusion if !parser.seen.id => root.add("_id", Node::Include),
        Kind::Exclusion if parser.seen.id_included => root.remove("_id"),
        Kind::Inclusion | Kind::Exclusion => {}
    }
    note_contents(&mut root);
    Ok(Projection { kind, root, positional: parser.seen.positional })
}

/// Notes at every level whether something below is computed or positional.
fn note_contents(fields: &mut Fields) {
    for (_, node) in &mut fields.entries {
        match node {
            Node::Computed(_) | Node::ElemMatch(_) => fields.computes = true,
            Node::Positional => fields.positional = true,
            Node::Nested(below) => {
                note_contents(below);
                fields.computes |= below.computes;
                fields.positional |= below.positional;
            }
            Node::Include | Node::Exclude | Node::Slice(_) => {}
        }
    }
}

/// What was seen so far, for the rules that look across fields.
#[derive(Default)]
struct Seen {
    kind: Option<Kind>,
    id: bool,
    id_included: bool,
    positional: bool,
    elem_match: bool,
    slice: bool,
}

impl Seen {
    /// The kind of a specification that names only `_id` and operators that fit both kinds.
    fn ambiguous_kind(&self) -> Kind {
        let inclusion =
            if self.slice { self.id_included } else { self.elem_match || self.id_included };
        if inclusion { Kind::Inclusion } else { Kind::Exclusion }
    }
}

struct Parser<'p> {
    filter: Option<RawDoc<'p>>,
    constants: &'p Arc<Constants>,
    mode: Mode,
    seen: Seen,
}

/// Where in the specification an element stands.
struct Level<'p> {
    /// The first component of the path down to here; `None` at the top.
    front: Option<&'p str>,
    depth: usize,
}

impl Level<'_> {
    fn is_root(&self) -> bool {
        self.depth == 0
    }
}

impl Parser<'_> {
    fn element(
        &mut self,
        element: RawElement<'_>,
        level: &Level<'_>,
        fields: &mut Fields,
    ) -> Result<()> {
        let positional = positional_part(element.key());
        if positional.is_some() && self.mode == Mode::Aggregate {
            return Err(CommandError::location(
                31324,
                "Cannot use positional projection in aggregation projection",
            ));
        }
        let value = element.value();
        match truth(value) {
            Some(true) => match positional {
                Some(part) => self.positional(element.key(), part, level, fields),
                None => self.inclusion(element.key(), level, fields),
            },
            Some(false) => self.exclusion(element.key(), level, fields),
            None if positional.is_some() => Err(positional_beside(value)),
            None => match value {
                RawValue::Document(doc) => self.sub_document(element, doc, level, fields),
                _ => self.literal(element, fields),
            },
        }
    }

    fn inclusion(&mut self, path: &str, level: &Level<'_>, fields: &mut Fields) -> Result<()> {
        add_at(fields, path, Node::Include)?;
        if level.is_root() && path == "_id" {
            self.seen.id_included = true;
            return Ok(());
        }
        self.set_inclusion(path)
    }

    fn set_inclusion(&mut self, path: &str) -> Result<()> {
        if self.seen.kind == Some(Kind::Exclusion) {
            return Err(CommandError::location(
                31253,
                format!("Cannot do inclusion on field {path} in exclusion projection"),
            ));
        }
        self.seen.kind = Some(Kind::Inclusion);
        Ok(())
    }

    fn exclusion(&mut self, path: &str, level: &Level<'_>, fields: &mut Fields) -> Result<()> {
        add_at(fields, path, Node::Exclude)?;
        if level.is_root() && path == "_id" {
            return Ok(());
        }
        if self.seen.kind == Some(Kind::Inclusion) {
            return Err(CommandError::location(
                31254,
                format!("Cannot do exclusion on field {path} in inclusion projection"),
            ));
        }
        self.seen.kind = Some(Kind::Exclusion);
        Ok(())
    }

    fn positional(
        &mut self,
        path: &str,
        part: Positional<'_>,
        level: &Level<'_>,
        fields: &mut Fields,
    ) -> Result<()> {
        let refuse = |code, message: String| Err(CommandError::location(code, message));
        if self.seen.positional {
            let message = "Cannot specify more than one positional projection per query.";
            return refuse(31276, message.to_owned());
        }
        if self.seen.elem_match {
            return refuse(31256, "Cannot specify positional operator and $elemMatch.".to_owned());
        }
        let Some(filter) = self.filter else {
            let message = "Projections with a positional operator require a matcher";
            return refuse(51050, message.to_owned());
        };
        if path.ends_with(".$.") {
            return refuse(31270, "Path cannot end with '.$.'".to_owned());
        }
        if part.after == "$" || positional_part(part.after).is_some() {
            return refuse(31287, format!("Cannot use positional operator twice: {path}"));
        }
        if !part.after.is_empty() {
            return refuse(31394, positional_in_the_middle());
        }
        let front = level.front.unwrap_or_else(|| first_component(path));
        if !names_field(filter, front, 0) {
            let message =
                format!("Positional projection '{path}' does not match the query document.");
            return refuse(31277, message);
        }
        add_at(fields, part.before, Node::Positional)?;
        self.seen.positional = true;
        self.set_inclusion(path)
    }

    /// A value that is neither a flag nor a document: computed in `find` since 4.4.
    fn literal(&mut self, element: RawElement<'_>, fields: &mut Fields) -> Result<()> {
        let expression = self.expression(element.value())?;
        add_at(fields, element.key(), Node::Computed(Box::new(expression)))?;
        if self.seen.kind == Some(Kind::Exclusion) {
            return Err(CommandError::location(
                31310,
                format!(
                    "Cannot use an expression {} in an exclusion projection",
                    crate::render::element(element.key(), element.value())
                ),
            ));
        }
        self.seen.kind = Some(Kind::Inclusion);
        Ok(())
    }

    /// An operator, or the projection of a sub-document.
    fn sub_document(
        &mut self,
        element: RawElement<'_>,
        doc: RawDoc<'_>,
        level: &Level<'_>,
        fields: &mut Fields,
    ) -> Result<()> {
        let path = element.key();
        let Some(first) = doc.nth(0) else {
            return Err(CommandError::location(
                51270,
                "An empty sub-projection is not a valid value. Found empty object at path",
            ));
        };
        if first.key().starts_with('$') && doc.count() == 1 {
            return self.operator(path, first, element.value(), level, fields);
        }
        if level.depth >= DEPTH_MAX {
            return Err(CommandError::new(Code::Overflow, "projection is nested too deeply"));
        }
        let mut below = Fields::default();
        let front = level.front.unwrap_or_else(|| first_component(path));
        let inner = Level { front: Some(front), depth: level.depth + 1 };
        for element in doc {
            self.element(element, &inner, &mut below)?;
        }
        add_at(fields, path, Node::Nested(below))
    }

    fn operator(
        &mut self,
        path: &str,
        operator: RawElement<'_>,
        whole: RawValue<'_>,
        level: &Level<'_>,
        fields: &mut Fields,
    ) -> Result<()> {
        let node = match (operator.key(), self.mode) {
            ("$slice", Mode::Find) => match Slice::parse(operator.value()) {
                Ok(slice) => {
                    self.seen.slice = true;
                    Node::Slice(slice)
                }
                // What is no window may be the expression of that name.
                Err(refusal) => self.computed(operator, whole).map_err(|error| {
                    let text = slice_refusal(whole, &refusal, &error);
                    error.with_message(text)
                })?,
            },
            ("$elemMatch", Mode::Find) => self.elem_match(path, operator.value(), level)?,
            ("$elemMatch", Mode::Aggregate) => {
                return Err(CommandError::new(
                    Code::InvalidPipelineOperator,
                    "Cannot use $elemMatch in this context",
                ));
            }
            ("$meta", Mode::Find) => return Err(meta_refusal(operator.value())),
            _ => self.computed(operator, whole)?,
        };
        add_at(fields, path, node)
    }

    fn expression(&self, value: RawValue<'_>) -> Result<Expression> {
        match self.mode {
            Mode::Find => Expression::parse(value, self.constants),
            Mode::Aggregate => Expression::parse_in_pipeline(value, self.constants),
        }
    }

    fn computed(&mut self, operator: RawElement<'_>, whole: RawValue<'_>) -> Result<Node> {
        if self.seen.kind == Some(Kind::Exclusion) {
            return Err(CommandError::location(
                31252,
                "Cannot use expression other than $meta in exclusion projection",
            ));
        }
        let expression = self.expression(whole).map_err(|error| {
            let unknown = error.message().starts_with("Unrecognized expression");
            if unknown && error.code() == Code::InvalidPipelineOperator {
                CommandError::location(31325, format!("Unknown expression {}", operator.key()))
            } else {
                error
            }
        })?;
        self.seen.kind = Some(Kind::Inclusion);
        Ok(Node::Computed(Box::new(expression)))
    }

    fn elem_match(&mut self, path: &str, value: RawValue<'_>, level: &Level<'_>) -> Result<Node> {
        let RawValue::Document(condition) = value else {
            let found = value.type_name();
            return Err(CommandError::location(
                31274,
                format!("elemMatch: Invalid argument, object required, but got {found}"),
            ));
        };
        if self.seen.positional {
            return Err(CommandError::location(
                31255,
                "Cannot specify positional operator and $elemMatch.",
            ));
        }
        if !level.is_root() || path.contains('.') {
            return Err(CommandError::location(
                31275,
                "Cannot use $elemMatch projection on a nested field.",
            ));
        }
        let mut filter = DocBuilder::new();
        filter.append_with(path, |spec| {
            spec.append_doc("$elemMatch", condition);
        });
        let filter = Filter::parse(filter.finish().as_raw(), self.constants)?;
        self.seen.elem_match = true;
        Ok(Node::ElemMatch(Box::new(filter)))
    }
}

/// Adds a node at a dotted path, making the levels above it.
fn add_at(fields: &mut Fields, path: &str, node: Node) -> Result<()> {
    let mut level = fields;
    let mut names = field_path::components(path)?.peekable();
    let mut passed = 0;
    while let Some(name) = names.next() {
        if names.peek().is_none() {
            if level.get(name.as_bytes()).is_some() {
                return Err(CommandError::location(31250, format!("Path collision at {path}")));
            }
            level.add(name, node);
            return Ok(());
        }
        passed += name.len() + 1;
        level.add_missing_level(name);
        match level.get_mut(name.as_bytes()) {
            Some(Node::Nested(below)) => level = below,
            _ => {
                let rest = path.get(passed..).unwrap_or_default();
                return Err(CommandError::location(
                    31249,
                    format!("Path collision at {path} remaining portion {rest}"),
                ));
            }
        }
    }
    Ok(())
}

impl Fields {
    fn add_missing_level(&mut self, name: &str) {
        if self.get(name.as_bytes()).is_none() {
            self.add(name, Node::Nested(Fields::default()));
        }
    }
}

/// The truth of a number or boolean; `None` for every other type.
fn truth(value: RawValue<'_>) -> Option<bool> {
    if let RawValue::Boolean(flag) = value {
        return Some(flag);
    }
    Number::from_raw(value).map(|n| n.compare(Number::Int32(0)) != Ordering::Equal)
}

/// A path around its first `$` component.
#[derive(Clone, Copy)]
struct Positional<'p> {
    before: &'p str,
    after: &'p str,
}

fn positional_part(path: &str) -> Option<Positional<'_>> {
    if let Some((before, after)) = path.split_once(".$.") {
        return Some(Positional { before, after });
    }
    if let Some(before) = path.strip_suffix(".$") {
        return Some(Positional { before, after: "" });
    }
    (path == "$").then_some(Positional { before: "", after: "" })
}

fn positional_beside(value: RawValue<'_>) -> CommandError {
    if let RawValue::Document(_) = value {
        let message = "positional projection cannot be used with an expression or sub object";
        CommandError::location(31271, message)
    } else {
        CommandError::location(31308, "positional projection cannot be used with a literal")
    }
}

fn positional_in_the_middle() -> String {
    "As of 4.4, it's illegal to specify positional operator in the middle of a path.Positional \
     projection may only be used at the end, for example: a.b.$. If the query previously used a \
     form like a.b.$.d, remove the parts following the '$' and the results will be equivalent."
        .to_owned()
}

fn first_component(path: &str) -> &str {
    path.split('.').next().unwrap_or_default()
}

/// True when a filter has a condition on a path that starts with `front`.
fn names_field(filter: RawDoc<'_>, front: &str, depth: usize) -> bool {
    filter.iter().any(|element| match (element.key(), element.value()) {
        ("$and" | "$or" | "$nor", RawValue::Array(branches)) => {
            depth < DEPTH_MAX
                && branches
                    .iter()
                    .filter_map(|branch| branch.value().as_document())
                    .any(|branch| names_field(branch, front, depth + 1))
        }
        (path, _) => first_component(path) == front,
    })
}

fn slice_refusal(whole: RawValue<'_>, find: &CommandError, expression: &CommandError) -> String {
    format!(
        "Invalid $slice syntax. The given syntax {} did not match the find() syntax because :: \
         {}: {} :: The given syntax did not match the expression $slice syntax. :: caused by :: {}",
        crate::render::value(whole),
        find.code().name(),
        find.message(),
        expression.message()
    )
}

/// Nothing here scores text or keeps the other metadata, so `$meta` is refused with the reason.
fn meta_refusal(value: RawValue<'_>) -> CommandError {
    match value.as_str() {
        Some("textScore") => CommandError::location(
            40218,
            "query requires text score metadata, but it is not available",
        ),
        Some(
            name @ ("geoNearDistance" | "geoNearPoint" | "indexKey" | "randVal" | "recordId"
            | "searchHighlights" | "searchScore" | "sortKey" | "searchScoreDetails"
            | "vectorSearchScore"),
        ) => CommandError::new(
            Code::NotImplemented,
            format!("{{$meta: \"{name}\"}} is not supported by this server"),
        ),
        Some(name) => {
            CommandError::location(17308, format!("Unsupported argument to $meta: {name}"))
        }
        None => CommandError::location(17307, "$meta only supports string arguments"),
    }
}
