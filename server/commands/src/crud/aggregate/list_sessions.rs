//! `$listSessions`: the sessions of all members, from the collection in which they stand.
//!
//! Owns turning the stage into the filter that it stands for.

use crate::sessions::{Listing, collection_namespace};
use quire_bson::{ArrayBuilder, DocBuf, RawDoc, doc};
use quire_documents::Namespace;
use quire_errors::{Code, CommandError, Result};

const STAGE: &str = "$listSessions";

/// The pipeline with a filter in the stage's place; `None` when it does not begin with it.
pub fn as_filter(namespace: &Namespace, stages: RawDoc<'_>) -> Result<Option<DocBuf>> {
    let first = stages.nth(0).and_then(|first| first.value().as_document());
    let only = first.filter(|first| first.iter().count() == 1).and_then(|first| first.nth(0));
    let Some(stage) = only.filter(|stage| stage.key() == STAGE) else { return Ok(None) };
    let listing = Listing::parse(STAGE, stage.value())?;
    if *namespace != collection_namespace()? {
        return Err(CommandError::new(
            Code::InvalidNamespace,
            format!("{STAGE} may only be run against config.system.sessions"),
        ));
    }
    let filter = DocBuf::from(&doc! { "$match": listing.filter() });
    let mut all = ArrayBuilder::detached();
    all.push_doc(filter.as_raw());
    for stage in stages.iter().skip(1) {
        all.push(stage.value());
    }
    Ok(Some(all.finish()))
}
