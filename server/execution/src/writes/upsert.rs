//! Inserting the document that an update did not find.

use super::insert::with_id;
use super::selection::Selection;
use super::submit::{Put, put};
use super::{Found, Writer};
use crate::{Change, Verdict};
use quire_bson::{Bson, DocBuf, RawDoc, RawValue};
use quire_errors::{CommandError, Result};
use quire_query::filter::Filter;
use quire_query::update::Update;
use std::sync::Arc;

/// How often an upsert looks again for the document that was in its way.
const ATTEMPTS_MAX: u32 = 10;

/// What came of an upsert.
pub(super) enum Upserted {
    Inserted {
        id: Bson,
        doc: Arc<DocBuf>,
    },
    /// Somebody inserted the document first: it can be found now.
    Overtaken,
}

/// Inserts what the update makes of nothing. `attempt` counts from one.
pub(super) async fn upsert(
    writer: &Writer<'_>,
    selection: &Selection,
    update: &Update,
    attempt: u32,
) -> Result<Upserted> {
    let made = update.upsert(&selection.filter)?;
    let doc = Arc::new(match made.as_raw().get("_id") {
        Some(_) => made,
        None => with_id(made.as_raw(), RawValue::ObjectId(writer.identities.object_id())),
    });
    loop {
        let collection = writer.ensured_collection().await?;
        let rules = writer.sequencer.rules(&collection)?;
        if !writer.bypass_validation {
            rules.validate(&collection, None, doc.as_raw(), writer.constants)?;
        }
        super::insert::check_capped(&collection, &doc)?;
        let partial = rules.partial_of(doc.as_raw())?;
        let change = Change::Insert { doc: doc.clone(), partial };
        let id = doc.as_raw().get("_id").map_or(Bson::Null, RawValue::to_bson);
        let recording = match &writer.numbering {
            Some(numbering) => {
                let (after, upserted) = (Some(doc.clone()), Some(id.clone()));
                Some(numbering.change(&Found { after, upserted, ..Found::default() })?)
            }
            None => None,
        };
        let put = put(writer, &collection, vec![change], true, recording).await?;
        writer.watch.check()?;
        let Put::Done(verdicts) = put else { continue };
        match verdicts.into_iter().next() {
            Some(Verdict::Accepted) => {
                return Ok(Upserted::Inserted { id, doc });
            }
            Some(Verdict::Duplicate(error))
                if attempt < ATTEMPTS_MAX && is_pinned(&selection.filter, &error) =>
            {
                writer.sequencer.caught_up().await;
                return Ok(Upserted::Overtaken);
            }
            Some(Verdict::Duplicate(error) | Verdict::Unindexable(error)) => return Err(error),
            Some(Verdict::Stale | Verdict::Skipped) | None => {}
        }
    }
}

/// True when the filter asks for exactly the values that are taken, so that whoever has them is the
/// document the update meant.
fn is_pinned(filter: &Filter, duplicate: &CommandError) -> bool {
    let extra = RawDoc::from_validated(duplicate.extra());
    let Some(RawValue::Document(taken)) = extra.get("keyValue") else { return false };
    let asked = filter.equalities();
    asked.len() == taken.count()
        && taken.iter().all(|element| {
            let value = element.value().to_bson();
            asked.iter().any(|(path, asked)| {
                path == element.key() && filter.order().compare_bson(asked, &value).is_eq()
            })
        })
}
