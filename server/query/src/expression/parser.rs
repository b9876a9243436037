//! From a BSON value to a tree.
//!
//! Owns the rules that hold for every operator: what is a path, a variable, an operator, an object
//! literal; how many operands there may be; which names variables may have; how deep a tree may get;
//! and the folding of constant parts.

use super::field_path::{FieldPath, validate_field_name};
use super::node::{Node, Scope};
use super::table::{self, Syntax};
use super::value::Value;
use super::variables;
use crate::Constants;
use quire_bson::{Bson, Document, RawDoc, RawValue};
use quire_collation::ValueOrder;
use quire_errors::{Code, CommandError, Result};
use std::sync::Arc;

/// The slot of a variable that no evaluation fills.
const UNFILLED: usize = usize::MAX;

/// How deep expressions nest at most, which bounds the recursion of parsing and evaluating them.
pub(crate) const DEPTH_MAX: usize = 200;

pub(crate) struct Parser<'c> {
    pub(super) constants: &'c Arc<Constants>,
    /// The names of the variables in scope; the position is the slot.
    slots: Vec<String>,
    depth: usize,
    fold_context: Option<&'static str>,
    random_streams: u64,
}

impl<'c> Parser<'c> {
    pub(super) fn new(constants: &'c Arc<Constants>, variables: &[String]) -> Parser<'c> {
        Parser {
            constants,
            slots: variables.to_vec(),
            depth: 0,
            fold_context: None,
            random_streams: 0,
        }
    }

    /// The words put before an error that evaluating a constant part gives.
    pub(super) fn fold_context(&mut self, context: &'static str) {
        self.fold_context = Some(context);
    }

    /// A number that no other `$rand` of this expression has.
    pub(super) fn next_random_stream(&mut self) -> u64 {
        self.random_streams += 1;
        self.random_streams
    }

    /// The order by which values are compared.
    pub(super) fn order(&self) -> ValueOrder {
        self.constants.order.clone()
    }

    /// Parses anything that may stand as an operand.
    pub(super) fn operand(&mut self, value: RawValue<'_>) -> Result<Node> {
        if self.depth >= DEPTH_MAX {
            return Err(CommandError::new(
                Code::Overflow,
                format!("expression exceeds the maximum nesting depth of {DEPTH_MAX}"),
            ));
        }
        self.depth += 1;
        let node = match value {
            RawValue::String(text) if text.starts_with('$') => self.path(text),
            RawValue::Document(doc) => self.object(doc),
            RawValue::Array(items) => {
                let items: Result<_> = items.iter().map(|e| self.operand(e.value())).collect();
                items.and_then(|items| self.fold(Node::Array(items), true))
            }
            _ => Ok(Node::Constant(Some(value.to_bson()))),
        };
        self.depth -= 1;
        node
    }

    /// Parses an object: an operator with its operands, or an object literal.
    fn object(&mut self, doc: RawDoc<'_>) -> Result<Node> {
        let Some(first) = doc.iter().next() else {
            return Ok(Node::Constant(Some(Bson::Document(Document::new()))));
        };
        if !first.key().starts_with('$') {
            return self.object_literal(doc);
        }
        let count = doc.count();
        if count != 1 {
            return Err(CommandError::location(
                15983,
                format!(
                    "an expression specification must contain exactly one field, the name of the \
                     expression. Found {count} fields in {}, while parsing object {}",
                    show_document(doc),
                    show_document(doc),
                ),
            ));
        }
        self.operator(first.key(), first.value())
    }

    fn object_literal(&mut self, doc: RawDoc<'_>) -> Result<Node> {
        let mut fields: Vec<(String, Node)> = Vec::new();
        for element in doc {
            let name = element.key();
            validate_field_name(name)?;
            if fields.iter().any(|(other, _)| other == name) {
                return Err(CommandError::location(
                    16406,
                    format!(
                        "duplicate field name specified in object literal: {}",
                        show_document(doc)
                    ),
                ));
            }
            fields.push((name.to_owned(), self.operand(element.value())?));
        }
        self.fold(Node::Object(fields), true)
    }

    fn operator(&mut self, name: &str, operands: RawValue<'_>) -> Result<Node> {
        let Some((name, syntax)) = table::find(name) else {
            return Err(CommandError::new(
                Code::InvalidPipelineOperator,
                format!("Unrecognized expression '{name}'"),
            ));
        };
        let node = match *syntax {
            Syntax::Unary(function) => {
                let [a] = self.exactly(name, operands)?;
                Node::Unary(function, Box::new(a))
            }
            Syntax::Binary(function) => {
                Node::Binary(function, Box::new(self.exactly(name, operands)?))
            }
            Syntax::Ternary(function) => {
                Node::Ternary(function, Box::new(self.exactly(name, operands)?))
            }
            Syntax::Between(least, most, function) => {
                Node::Variadic(function, self.between(name, operands, least, most)?)
            }
            Syntax::Variadic(function) => Node::Variadic(function, self.list(operands)?),
            Syntax::BinaryBy(_) | Syntax::BetweenBy(..) | Syntax::VariadicBy(_) => {
                self.by_order(name, syntax, operands)?
            }
            Syntax::Own(parse) => return parse(self, name, operands),
        };
        self.fold(node, false)
    }

    /// An operator that compares. Out of [`Parser::operator`], whose frame is on the stack once for
    /// each level of nesting.
    fn by_order(
        &mut self,
        name: &'static str,
        syntax: &Syntax,
        operands: RawValue<'_>,
    ) -> Result<Node> {
        let order = self.constants.order.clone();
        Ok(match *syntax {
            Syntax::BinaryBy(function) => {
                Node::BinaryBy(function, order, Box::new(self.exactly(name, operands)?))
            }
            Syntax::BetweenBy(least, most, function) => {
                Node::VariadicBy(function, order, self.between(name, operands, least, most)?)
            }
            Syntax::VariadicBy(function) => Node::VariadicBy(function, order, self.list(operands)?),
            _ => return Err(CommandError::internal("an operator that does not compare")),
        })
    }

    /// The operands of an operator that takes a list: an array's elements, or the one value.
    pub(super) fn list(&mut self, operands: RawValue<'_>) -> Result<Vec<Node>> {
        match operands {
            RawValue::Array(items) => items.iter().map(|e| self.operand(e.value())).collect(),
            one => Ok(vec![self.operand(one)?]),
        }
    }

    pub(super) fn exactly<const N: usize>(
        &mut self,
        name: &str,
        operands: RawValue<'_>,
    ) -> Result<[Node; N]> {
        let list = self.list(operands)?;
        let given = list.len();
        list.try_into().map_err(|_| {
            CommandError::location(
                16020,
                format!("Expression {name} takes exactly {N} arguments. {given} were passed in."),
            )
        })
    }

    pub(super) fn between(
        &mut self,
        name: &str,
        operands: RawValue<'_>,
        least: usize,
        most: usize,
    ) -> Result<Vec<Node>> {
        let list = self.list(operands)?;
        let given = list.len();
        if (least..=most).contains(&given) {
            return Ok(list);
        }
        Err(CommandError::location(
            28667,
            format!(
                "Expression {name} takes at least {least} arguments, and at most {most}, but \
                 {given} were passed in."
            ),
        ))
    }

    /// An operand that may be left out.
    pub(super) fn optional(&mut self, operand: Option<RawValue<'_>>) -> Result<Option<Node>> {
        operand.map(|value| self.operand(value)).transpose()
    }

    /// An operand that must be there.
    pub(super) fn required(
        &mut self,
        operand: Option<RawValue<'_>>,
        missing: impl FnOnce() -> CommandError,
    ) -> Result<Node> {
        self.operand(operand.ok_or_else(missing)?)
    }

    /// Parses with more variables in scope.
    pub(super) fn with_variables<T>(
        &mut self,
        names: &[&str],
        parse: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let before = self.slots.len();
        self.slots.extend(names.iter().map(|name| (*name).to_owned()));
        let parsed = parse(self);
        self.slots.truncate(before);
        parsed
    }

    /// Parses `$path`, `$$variable` and `$$variable.path`.
    fn path(&mut self, text: &str) -> Result<Node> {
        let Some(variable) = text.strip_prefix("$$") else {
            let path = text.strip_prefix('$').unwrap_or(text);
            if path.is_empty() {
                return Err(CommandError::location(
                    16872,
                    "'$' by itself is not a valid FieldPath",
                ));
            }
            let path = FieldPath::parse(path)?;
            // `$a` means `$$CURRENT.a`, and CURRENT can be rebound.
            return Ok(match self.slot("CURRENT") {
                Some(slot) => Node::Variable(slot, path),
                None => Node::Field(path),
            });
        };
        let (name, path) = match variable.split_once('.') {
            Some((name, path)) => (name, FieldPath::parse(path)?),
            None => (variable, FieldPath::default()),
        };
        variables::validate_for_read(name)?;
        if let Some(slot) = self.slot(name) {
            return Ok(Node::Variable(slot, path));
        }
        if matches!(name, "ROOT" | "CURRENT") {
            return Ok(Node::Field(path));
        }
        if self.constants.unbound.iter().any(|unbound| unbound == name) {
            return Ok(Node::Variable(UNFILLED, path));
        }
        let value = variables::constant(name, self.constants)?;
        Ok(Node::Constant(value.and_then(|value| path.in_value(&value))))
    }

    fn slot(&self, name: &str) -> Option<usize> {
        self.slots.iter().rposition(|slot| slot == name)
    }

    /// Replaces a node whose operands are all constants by its value. `literal` nodes cannot fail.
    fn fold(&self, node: Node, literal: bool) -> Result<Node> {
        let constant = match &node {
            Node::Object(fields) => fields.iter().all(|(_, node)| node.is_constant()),
            Node::Array(items) | Node::Variadic(_, items) | Node::VariadicBy(_, _, items) => {
                items.iter().all(Node::is_constant)
            }
            Node::Unary(_, operand) => operand.is_constant(),
            Node::Binary(_, operands) | Node::BinaryBy(_, _, operands) => {
                operands.iter().all(Node::is_constant)
            }
            Node::Ternary(_, operands) => operands.iter().all(Node::is_constant),
            Node::Constant(_) | Node::Field(_) | Node::Variable(..) | Node::Operator(_) => false,
        };
        if !constant {
            return Ok(node);
        }
        let value = node.evaluate(&mut Scope::new(RawDoc::EMPTY));
        Ok(Node::Constant(if literal { value? } else { self.folded(value)? }))
    }

    /// Folds an operator of its own kind, which knows that all it uses is constant.
    pub(super) fn fold_operator(&self, node: Node, constant: bool) -> Result<Node> {
        if !constant {
            return Ok(node);
        }
        Ok(Node::Constant(self.folded(node.evaluate(&mut Scope::new(RawDoc::EMPTY)))?))
    }

    fn folded(&self, value: Result<Value>) -> Result<Value> {
        value.map_err(|error| match self.fold_context {
            Some(context) => error.context(context),
            None => error,
        })
    }
}

fn show_document(doc: RawDoc<'_>) -> String {
    super::show(Some(&Bson::Document(doc.to_document())))
}
