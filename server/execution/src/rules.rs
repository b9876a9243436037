//! What the catalogue's filters say of a document: partial indexes and validators.
//!
//! Owns parsing those filters once for each version of a collection, and asking them. They are
//! evaluated here, above the log: an effect names the partial indexes a document belongs to.

use parking_lot::Mutex;
use quire_bson::{DocBuf, DocBuilder, RawDoc, RawValue};
use quire_documents::{Collection, CollectionId, IndexId, IndexPlace};
use quire_errors::{Code, CommandError, Result};
use quire_query::filter::Filter;
use quire_query::{Constants, ValueOrder};
use std::collections::HashMap;
use std::sync::Arc;

/// What a new or changed document must be checked against.
#[derive(Debug, Default)]
pub struct Rules {
    partial: Vec<(IndexId, Filter)>,
    validator: Option<Validator>,
}

#[derive(Debug)]
struct Validator {
    source: DocBuf,
    filter: Filter,
    /// It speaks of the time, so it is parsed anew for each command.
    timed: bool,
    /// Documents that did not comply before may be updated as they are.
    moderate: bool,
    /// Failures are logged instead of refused.
    warns: bool,
}

impl Rules {
    /// The partial indexes a document belongs to.
    pub fn partial_of(&self, doc: RawDoc<'_>) -> Result<Vec<IndexId>> {
        let mut members = Vec::new();
        for (index, filter) in &self.partial {
            if filter.matches(doc)? {
                members.push(*index);
            }
        }
        Ok(members)
    }

    /// Refuses a document that the collection's validator does not accept. `before` is the version
    /// that an update changes.
    pub fn validate(
        &self,
        collection: &Collection,
        before: Option<RawDoc<'_>>,
        after: RawDoc<'_>,
        constants: &Arc<Constants>,
    ) -> Result<()> {
        let Some(validator) = &self.validator else { return Ok(()) };
        let parsed;
        let filter = if validator.timed {
            // The validator compares as its collection does, whatever the statement asks for.
            let own = Constants { order: collection.order(), ..constants.for_catalog() };
            parsed = Filter::parse(validator.source.as_raw(), &Arc::new(own))?;
            &parsed
        } else {
            &validator.filter
        };
        if filter.matches(after)? {
            return Ok(());
        }
        if let Some(before) = before.filter(|_| validator.moderate)
            && !filter.matches(before)?
        {
            return Ok(());
        }
        let details = filter.failed_details(after)?;
        if validator.warns {
            tracing::warn!(
                target: "STORAGE",
                id = 20294,
                namespace = %collection.namespace,
                errInfo = quire_bson::shell_text(details.as_raw()),
                "Document would fail validation"
            );
            return Ok(());
        }
        let mut extra = DocBuilder::new();
        extra.append_doc("errInfo", details.as_raw());
        Err(CommandError::new(Code::DocumentValidationFailure, "Document failed validation")
            .with_extra(extra.finish().into_bytes()))
    }

    fn parse(collection: &Collection) -> Result<Rules> {
        let constants = |order: ValueOrder| Arc::new(Constants { order, ..Constants::default() });
        let mut rules = Rules::default();
        for index in &collection.indexes {
            if index.place == IndexPlace::Entries
                && let Some(filter) = &index.spec.partial_filter
            {
                let constants = constants(index.spec.order.clone());
                rules.partial.push((index.id, Filter::parse(filter.as_raw(), &constants)?));
            }
        }
        rules.validator = validator(collection, &constants(collection.order()))?;
        Ok(rules)
    }
}

fn validator(collection: &Collection, constants: &Arc<Constants>) -> Result<Option<Validator>> {
    let text = |name: &str| collection.option(name).and_then(RawValue::as_str);
    let source = collection.option("validator").and_then(RawValue::as_document);
    let Some(source) = source.filter(|source| !source.is_empty()) else { return Ok(None) };
    if text("validationLevel") == Some("off") {
        return Ok(None);
    }
    let mentions = |name: &[u8]| source.as_bytes().windows(name.len()).any(|bytes| bytes == name);
    Ok(Some(Validator {
        filter: Filter::parse(source, constants)?,
        timed: mentions(b"$$NOW") || mentions(b"$$CLUSTER_TIME"),
        moderate: text("validationLevel") == Some("moderate"),
        warns: text("validationAction") == Some("warn"),
        source: source.into(),
    }))
}

/// The parsed rules of the collections that have any.
#[derive(Debug, Default)]
pub(crate) struct KnownRules {
    none: Arc<Rules>,
    parsed: Mutex<HashMap<CollectionId, (u64, Arc<Rules>)>>,
}

/// Collections whose rules are remembered; beyond that all are forgotten and parsed again.
const KNOWN_MAX: usize = 10_000;

impl KnownRules {
    pub(crate) fn of(&self, collection: &Collection) -> Result<Arc<Rules>> {
        let partial = collection.indexes.iter().any(|index| index.spec.partial_filter.is_some());
        if !partial && collection.option("validator").is_none() {
            return Ok(self.none.clone());
        }
        if let Some((version, rules)) = self.parsed.lock().get(&collection.id)
            && *version == collection.version
        {
            return Ok(rules.clone());
        }
        let rules = Arc::new(Rules::parse(collection)?);
        let mut parsed = self.parsed.lock();
        if parsed.len() >= KNOWN_MAX {
            parsed.clear();
        }
        parsed.insert(collection.id, (collection.version, rules.clone()));
        Ok(rules)
    }
}
