//! `$redact`: keeps, prunes or descends into each level of a document.

use super::stage::{Definition, Kind, StageSpec};
use super::{Flow, Output, Stage};
use crate::Constants;
use crate::expression::{Expression, show};
use quire_bson::{Bson, DocBuf, Document, RawDoc, RawValue};
use quire_errors::{CommandError, Result};
use std::sync::Arc;

#[derive(Clone, Debug)]
struct Redact {
    decision: Arc<Expression>,
}

impl Definition for Redact {
    fn start(&self) -> Box<dyn Stage> {
        Box::new(self.clone())
    }
}

impl Stage for Redact {
    fn take(&mut self, doc: RawDoc<'_>, output: &mut dyn Output) -> Result<Flow> {
        match self.level(doc, doc.to_document())? {
            Some(kept) => output.take(DocBuf::from(&kept).as_raw()),
            None => Ok(Flow::More),
        }
    }

    fn needs(&self, wanted: u64) -> u64 {
        wanted
    }
}

impl Redact {
    /// Decides about one level, which is `$$CURRENT` for the expression. The recursion goes as deep
    /// as the document, whose depth is bounded.
    fn level(&self, root: RawDoc<'_>, level: Document) -> Result<Option<Document>> {
        let current = [Some(Bson::Document(level))];
        let decision = self.decision.evaluate_with(root, &current)?;
        let [Some(Bson::Document(level))] = current else { return Ok(None) };
        match decision.as_ref().and_then(Bson::as_str) {
            Some("keep") => Ok(Some(level)),
            Some("prune") => Ok(None),
            Some("descend") => {
                let mut kept = Document::new();
                for (key, value) in level {
                    if let Some(value) = self.value(root, value)? {
                        kept.insert(key, value);
                    }
                }
                Ok(Some(kept))
            }
            _ => Err(CommandError::location(
                17053,
                format!(
                    "$redact's expression should not return anything aside from the variables \
                     $$KEEP, $$DESCEND, and $$PRUNE, but returned {}",
                    show(decision.as_ref())
                ),
            )),
        }
    }

    fn value(&self, root: RawDoc<'_>, value: Bson) -> Result<Option<Bson>> {
        match value {
            Bson::Document(doc) => Ok(self.level(root, doc)?.map(Bson::Document)),
            Bson::Array(items) => {
                let mut kept = Vec::with_capacity(items.len());
                for item in items {
                    kept.extend(self.value(root, item)?);
                }
                Ok(Some(Bson::Array(kept)))
            }
            scalar => Ok(Some(scalar)),
        }
    }
}

pub(super) fn parse(
    name: &'static str,
    spec: RawValue<'_>,
    constants: &Arc<Constants>,
) -> Result<Vec<StageSpec>> {
    let variables = ["CURRENT".to_owned()];
    let decision = Arc::new(Expression::parse_with(spec, constants, &variables)?);
    Ok(vec![StageSpec::new(name, spec, Kind::other(Redact { decision }))])
}
