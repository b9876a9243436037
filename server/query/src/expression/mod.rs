//! Expressions: values computed from a document.
//!
//! An expression is parsed once into a tree (variables become slots, constant parts are folded) and
//! evaluated many times against raw documents. Operators live in the tables of their families: a
//! table line names the operator and its function or its parser, so adding one touches one file.
//!
//! Evaluation is pure: the clock, the `let` variables and the random seed come from [`Constants`].
//! Recursion is bounded by [`DEPTH_MAX`] when the tree is built.

pub mod accumulator;
mod arguments;
mod arithmetic;
mod array;
mod bitwise;
mod boolean;
mod comparison;
mod conditional;
mod convert;
mod data_size;
mod date;
mod evaluated;
mod field_path;
mod literal;
mod memory;
mod node;
mod numeric;
mod object;
mod parser;
mod power;
mod random;
mod rounding;
mod script;
mod set;
mod string;
mod summary;
mod table;
mod timestamp;
mod trigonometry;
mod value;
mod variables;

#[cfg(test)]
mod tests;

use crate::Constants;
use node::{Node, Scope};
use quire_bson::{Bson, RawDoc, RawValue};
use quire_errors::{CommandError, Result};
use std::sync::Arc;

pub(crate) use array::{count_of, n_and_input};
pub use evaluated::Evaluated;
pub(crate) use memory::size_of_value;
pub(crate) use object::merge_into;
pub(crate) use parser::DEPTH_MAX;
pub(crate) use random::RandomStream;
pub(crate) use script::scripts;
pub use value::{Value, compare_values, is_true, show, type_name};
pub use variables::validate_for_write as check_variable_name;

/// What stands before an error that a constant part of a pipeline's expression gives.
const FOLD_FAILURE: &str = "Failed to optimize pipeline";

/// Names the stage whose specification is refused. What a constant part gives is no fault of the
/// specification's form and is told without the stage.
pub(crate) fn invalid_stage(name: &str, error: CommandError) -> CommandError {
    if error.message().starts_with(FOLD_FAILURE) {
        return error;
    }
    error.context(&format!("Invalid {name}"))
}

/// A parsed expression.
#[derive(Clone, Debug)]
pub struct Expression {
    node: Node,
}

impl Expression {
    pub fn parse(value: RawValue<'_>, constants: &Arc<Constants>) -> Result<Expression> {
        Expression::parse_with(value, constants, &[])
    }

    /// Parses an expression that may use variables besides the command's `let`: the values of
    /// `variables` are handed to [`Expression::evaluate_with`] in the same order.
    pub fn parse_with(
        value: RawValue<'_>,
        constants: &Arc<Constants>,
        variables: &[String],
    ) -> Result<Expression> {
        let node = parser::Parser::new(constants, variables).operand(value)?;
        Ok(Expression { node })
    }

    /// Parses an expression of a pipeline: what goes wrong in a constant part is told as a failed
    /// optimisation of the pipeline, in the words clients know.
    pub fn parse_in_pipeline(
        value: RawValue<'_>,
        constants: &Arc<Constants>,
    ) -> Result<Expression> {
        let mut parser = parser::Parser::new(constants, &[]);
        parser.fold_context(FOLD_FAILURE);
        Ok(Expression { node: parser.operand(value)? })
    }

    /// An expression that always gives `value`.
    pub fn constant(value: Bson) -> Expression {
        Expression { node: Node::Constant(Some(value)) }
    }

    /// The value for one document; `None` is a missing value.
    pub fn evaluate(&self, root: RawDoc<'_>) -> Result<Option<Bson>> {
        self.node.evaluate(&mut Scope::new(root))
    }

    /// [`Expression::evaluate`] for who may only look at the value.
    pub fn look_up<'d>(&'d self, root: RawDoc<'d>) -> Result<Evaluated<'d>> {
        let at_hand = match &self.node {
            Node::Field(path) => path.stored_in(root),
            Node::Constant(value) => value.as_ref().and_then(RawValue::of_scalar),
            _ => None,
        };
        match at_hand {
            Some(value) => Ok(Evaluated::Stored(value)),
            None => self.evaluate(root).map(Evaluated::from),
        }
    }

    /// The value for one document with the variables named to [`Expression::parse_with`].
    pub fn evaluate_with(
        &self,
        root: RawDoc<'_>,
        variables: &[Option<Bson>],
    ) -> Result<Option<Bson>> {
        self.node.evaluate(&mut Scope::with_variables(root, variables))
    }

    /// The value, when it is the same for every document.
    pub fn as_constant(&self) -> Option<&Option<Bson>> {
        if let Node::Constant(value) = &self.node { Some(value) } else { None }
    }

    /// The dotted path, when the expression is nothing but a field of the document: `"$a.b"`.
    pub fn as_field_path(&self) -> Option<String> {
        if let Node::Field(path) = &self.node { Some(path.dotted()) } else { None }
    }
}

/// The integer that a value stands for, when it is a number without fraction that fits.
pub(crate) fn exact_integer(value: RawValue<'_>) -> Option<i64> {
    numeric::exact_i64(&value.to_bson())
}
