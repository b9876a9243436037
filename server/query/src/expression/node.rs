//! The tree of an expression and how it is evaluated.

use super::field_path::FieldPath;
use super::memory;
use super::value::Value;
use quire_bson::{Bson, RawDoc};
use quire_collation::ValueOrder;
use quire_errors::Result;
use std::sync::Arc;

/// What an evaluation sees: the document and the values of the variables in scope.
#[derive(Debug)]
pub(crate) struct Scope<'a> {
    root: RawDoc<'a>,
    slots: Vec<Value>,
    /// The bytes of the values that are kept while others are computed.
    held_bytes: usize,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(root: RawDoc<'a>) -> Scope<'a> {
        Scope { root, slots: Vec::new(), held_bytes: 0 }
    }

    pub(crate) fn with_variables(root: RawDoc<'a>, variables: &[Value]) -> Scope<'a> {
        Scope { root, slots: variables.to_vec(), held_bytes: 0 }
    }

    /// Counts a value that is kept until the node being evaluated is done. A few levels of lists that
    /// repeat a variable could fill any memory, so this is refused early.
    pub(crate) fn hold(&mut self, value: &Value) -> Result<()> {
        let bytes = match value {
            Some(value @ (Bson::Array(_) | Bson::Document(_) | Bson::String(_))) => {
                memory::size_of_value(value)
            }
            _ => return Ok(()),
        };
        self.held_bytes = self.held_bytes.saturating_add(bytes);
        memory::check(self.held_bytes, "the expression")
    }

    /// Evaluates `node` while `value` is kept.
    pub(crate) fn holding(&mut self, value: &Value, node: &Node) -> Result<Value> {
        self.hold(value)?;
        node.evaluate(self)
    }

    /// Evaluates `node` with more variables, in the slots that the parser gave them.
    pub(crate) fn with<const N: usize>(
        &mut self,
        values: [Value; N],
        node: &Node,
    ) -> Result<Value> {
        let depth = self.slots.len();
        self.slots.extend(values);
        let result = node.evaluate(self);
        self.slots.truncate(depth);
        result
    }

    /// Like [`Scope::with`] for a number of variables that only the parser knew.
    pub(crate) fn with_all(&mut self, values: Vec<Value>, node: &Node) -> Result<Value> {
        let depth = self.slots.len();
        self.slots.extend(values);
        let result = node.evaluate(self);
        self.slots.truncate(depth);
        result
    }
}

/// An operator that decides itself which of its operands are evaluated, and in which scope.
pub(crate) trait Operator: std::fmt::Debug + Send + Sync {
    fn evaluate(&self, scope: &mut Scope<'_>) -> Result<Value>;
}

pub(crate) type Unary = fn(Value) -> Result<Value>;
pub(crate) type Binary = fn(Value, Value) -> Result<Value>;
pub(crate) type Ternary = fn(Value, Value, Value) -> Result<Value>;
pub(crate) type Variadic = fn(Vec<Value>) -> Result<Value>;
pub(crate) type BinaryBy = fn(&ValueOrder, Value, Value) -> Result<Value>;
pub(crate) type VariadicBy = fn(&ValueOrder, Vec<Value>) -> Result<Value>;

/// One node of an expression.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Constant(Value),
    /// A path from the document; an empty one is the document itself.
    Field(FieldPath),
    /// A path from the variable in a slot.
    Variable(usize, FieldPath),
    Object(Vec<(String, Node)>),
    Array(Vec<Node>),
    Unary(Unary, Box<Node>),
    Binary(Binary, Box<[Node; 2]>),
    Ternary(Ternary, Box<[Node; 3]>),
    Variadic(Variadic, Vec<Node>),
    BinaryBy(BinaryBy, ValueOrder, Box<[Node; 2]>),
    VariadicBy(VariadicBy, ValueOrder, Vec<Node>),
    Operator(Arc<dyn Operator>),
}

impl Node {
    pub(crate) fn operator(operator: impl Operator + 'static) -> Node {
        Node::Operator(Arc::new(operator))
    }

    pub(crate) fn as_constant(&self) -> Option<&Value> {
        if let Node::Constant(value) = self { Some(value) } else { None }
    }

    pub(crate) fn is_constant(&self) -> bool {
        self.as_constant().is_some()
    }

    pub(crate) fn evaluate(&self, scope: &mut Scope<'_>) -> Result<Value> {
        let held_before = scope.held_bytes;
        let value = self.compute(scope);
        scope.held_bytes = held_before;
        value
    }

    fn compute(&self, scope: &mut Scope<'_>) -> Result<Value> {
        match self {
            Node::Constant(value) => Ok(value.clone()),
            Node::Field(path) => Ok(path.in_document(scope.root)),
            Node::Variable(slot, path) => {
                let value = scope.slots.get(*slot).and_then(Option::as_ref);
                Ok(value.and_then(|value| path.in_value(value)))
            }
            Node::Object(fields) => evaluate_object(fields, scope),
            Node::Array(items) => {
                let items = evaluate_all(items, scope)?;
                // An array has no holes: a missing element shows as null.
                let items = items.into_iter().map(|item| item.unwrap_or(Bson::Null));
                Ok(Some(Bson::Array(items.collect())))
            }
            Node::Unary(function, operand) => function(operand.evaluate(scope)?),
            Node::Binary(function, operands) => {
                let [a, b] = &**operands;
                let a = a.evaluate(scope)?;
                let b = scope.holding(&a, b)?;
                function(a, b)
            }
            Node::BinaryBy(function, order, operands) => {
                evaluate_by(*function, order, operands, scope)
            }
            Node::VariadicBy(function, order, operands) => {
                evaluate_all_by(*function, order, operands, scope)
            }
            Node::Ternary(function, operands) => {
                let [a, b, c] = &**operands;
                let a = a.evaluate(scope)?;
                let b = scope.holding(&a, b)?;
                let c = scope.holding(&b, c)?;
                function(a, b, c)
            }
            Node::Variadic(function, operands) => function(evaluate_all(operands, scope)?),
            Node::Operator(operator) => operator.evaluate(scope),
        }
    }
}

/// Out of [`Node::compute`], whose frame is on the stack once for each level of nesting.
fn evaluate_by(
    function: BinaryBy,
    order: &ValueOrder,
    [a, b]: &[Node; 2],
    scope: &mut Scope<'_>,
) -> Result<Value> {
    let a = a.evaluate(scope)?;
    let b = scope.holding(&a, b)?;
    function(order, a, b)
}

fn evaluate_all_by(
    function: VariadicBy,
    order: &ValueOrder,
    operands: &[Node],
    scope: &mut Scope<'_>,
) -> Result<Value> {
    function(order, evaluate_all(operands, scope)?)
}

/// The values of all operands, held until the node that has them is done.
pub(crate) fn evaluate_all(nodes: &[Node], scope: &mut Scope<'_>) -> Result<Vec<Value>> {
    let mut values = Vec::with_capacity(nodes.len());
    for node in nodes {
        let value = node.evaluate(scope)?;
        scope.hold(&value)?;
        values.push(value);
    }
    Ok(values)
}

fn evaluate_object(fields: &[(String, Node)], scope: &mut Scope<'_>) -> Result<Value> {
    let mut doc = quire_bson::Document::new();
    for (name, node) in fields {
        let value = node.evaluate(scope)?;
        scope.hold(&value)?;
        if let Some(value) = value {
            doc.insert(name.clone(), value);
        }
    }
    Ok(Some(Bson::Document(doc)))
}
