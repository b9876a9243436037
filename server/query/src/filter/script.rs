//! `$where`: a function that says whether a document matches.
//!
//! Owns where it may stand, and the form of its operand. It is a part of the questions that clients
//! ask; what a collection keeps, what a pipeline filters, and what looks at a part of a document is
//! refused.

use super::node::Node;
use super::parse::Context;
use crate::scripts::{HOW_TO_ENABLE, Script, Scripting};
use quire_bson::{RawDoc, RawElement, RawValue};
use quire_errors::{CommandError, Result};
use std::sync::Arc;

/// A compiled condition.
#[derive(Clone, Debug)]
pub(crate) struct Where {
    script: Arc<dyn Script>,
    source: Box<str>,
}

impl Where {
    pub(super) fn matches(&self, doc: RawDoc<'_>) -> Result<bool> {
        self.script.holds(doc)
    }

    /// The function as it was written.
    pub(super) fn source(&self) -> &str {
        &self.source
    }
}

pub(super) fn parse(element: RawElement<'_>, context: &Context<'_>) -> Result<Option<Node>> {
    if !context.scripts_allowed {
        return Err(CommandError::bad_value("$where is not allowed in this context"));
    }
    if context.in_elem_match {
        return Err(CommandError::bad_value(
            "$where can only be applied to the top-level document",
        ));
    }
    let source = match element.value() {
        RawValue::String(source) | RawValue::Code(source) => source,
        RawValue::CodeWithScope { .. } => {
            return Err(CommandError::location(
                4_649_201,
                "$where no longer supports deprecated BSON type CodeWScope",
            ));
        }
        _ => return Err(CommandError::bad_value("$where got bad type")),
    };
    if source.is_empty() {
        return Err(CommandError::bad_value("code for $where cannot be empty"));
    }
    let Scripting::On(scripts) = &context.constants.scripting else {
        return Err(CommandError::location(
            6_108_304,
            format!("no globalScriptEngine in $where parsing; {HOW_TO_ENABLE}"),
        ));
    };
    let script = scripts.clone().compile(source)?;
    Ok(Some(Node::Where(Where { script, source: source.into() })))
}
