use super::{Applied, Options, Update};
use crate::Constants;
use quire_bson::{Bson, DocBuf, Document, RawValue};
use quire_errors::Result;
use std::sync::Arc;

mod filters;
mod forms;
mod operators;
mod paths;
mod pipelines;
mod random;

fn constants() -> Arc<Constants> {
    Arc::new(Constants {
        now_millis: 1_700_000_000_123,
        cluster_time: Some((1_700_000_000, 5)),
        ..Constants::default()
    })
}

fn parse(update: impl Into<Bson>, filters: &[Document]) -> Result<Update> {
    let update = DocBuf::of_value(&update.into());
    let value = update.as_raw().nth(0).map_or(RawValue::Null, |element| element.value());
    let filters: Vec<Bson> = filters.iter().cloned().map(Bson::Document).collect();
    let filters = DocBuf::of_value(&Bson::Array(filters));
    let array_filters = filters.as_raw().nth(0).and_then(|element| element.value().as_array());
    let array_filters = array_filters.filter(|filters| !filters.is_empty());
    Update::parse(value, &constants(), Options { array_filters, multi: false })
}

/// The document after the update, or the number and text of the error.
type Outcome = std::result::Result<Document, (i32, String)>;

fn outcome(result: Result<Applied>, before: &Document) -> Outcome {
    match result {
        Ok(Applied::NoChange) => Ok(before.clone()),
        Ok(Applied::Changed(after)) => Ok(after.as_raw().to_document()),
        Err(error) => Err((error.code().number(), error.message().to_owned())),
    }
}

fn update_at(
    doc: &Document,
    update: impl Into<Bson>,
    filters: &[Document],
    position: Option<usize>,
) -> Outcome {
    let result = parse(update, filters)
        .and_then(|update| update.apply(DocBuf::from(doc).as_raw(), position));
    outcome(result, doc)
}

fn update(doc: Document, update: impl Into<Bson>) -> Outcome {
    update_at(&doc, update, &[], None)
}

fn is_no_change(doc: Document, update: impl Into<Bson>) -> bool {
    let update = parse(update, &[]).unwrap();
    update.apply(DocBuf::from(&doc).as_raw(), None).unwrap() == Applied::NoChange
}

fn error(code: i32, message: &str) -> Outcome {
    Err((code, message.to_owned()))
}
