//! The table of all operators: the families' tables, searched by name.

use super::node::{Binary, BinaryBy, Node, Ternary, Unary, Variadic, VariadicBy};
use super::parser::Parser;
use quire_bson::RawValue;
use quire_errors::Result;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Parses the operands of an operator that has a form of its own.
pub(crate) type Parse = fn(&mut Parser<'_>, &'static str, RawValue<'_>) -> Result<Node>;

/// How an operator takes its operands. All but `Own` are pure functions of evaluated operands.
pub(crate) enum Syntax {
    Unary(Unary),
    Binary(Binary),
    Ternary(Ternary),
    /// At least and at most so many operands.
    Between(usize, usize, Variadic),
    Variadic(Variadic),
    /// Two operands that are compared in the order of the query.
    BinaryBy(BinaryBy),
    /// At least and at most so many that are.
    BetweenBy(usize, usize, VariadicBy),
    VariadicBy(VariadicBy),
    Own(Parse),
}

pub(crate) type Family = &'static [(&'static str, Syntax)];

const FAMILIES: &[Family] = &[
    super::arithmetic::TABLE,
    super::array::ACCESS,
    super::array::CONVERSION,
    super::array::ITERATION,
    super::array::SELECTION,
    super::bitwise::TABLE,
    super::boolean::TABLE,
    super::comparison::TABLE,
    super::conditional::TABLE,
    super::convert::TABLE,
    super::data_size::TABLE,
    super::date::ARITHMETIC,
    super::date::CONSTRUCTION,
    super::date::PARTS,
    super::date::TEXT,
    super::date::TRUNCATION,
    super::literal::TABLE,
    super::object::TABLE,
    super::power::TABLE,
    super::random::TABLE,
    super::rounding::TABLE,
    super::script::TABLE,
    super::set::TABLE,
    super::string::REGEX,
    super::string::SEARCH,
    super::string::SUBSTRING,
    super::string::TRIM,
    super::string::WHOLE,
    super::summary::TABLE,
    super::timestamp::TABLE,
    super::trigonometry::TABLE,
];

static OPERATORS: LazyLock<HashMap<&'static str, &'static (&'static str, Syntax)>> =
    LazyLock::new(|| FAMILIES.iter().copied().flatten().map(|entry| (entry.0, entry)).collect());

pub(crate) fn find(name: &str) -> Option<&'static (&'static str, Syntax)> {
    OPERATORS.get(name).copied()
}

#[cfg(test)]
mod tests {
    use super::{FAMILIES, OPERATORS};

    #[test]
    fn no_operator_stands_in_two_tables() {
        let lines: usize = FAMILIES.iter().map(|family| family.len()).sum();
        assert_eq!(lines, OPERATORS.len());
    }
}
