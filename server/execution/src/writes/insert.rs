//! Inserting documents.
//!
//! Owns what a document must be to be stored, and the batches: as many documents as one entry of the
//! log should carry go there together.

use super::submit::{Put, ends_command, put};
use super::{Backlog, Writer};
use crate::{Change, Rules, Verdict};
use quire_bson::validate::{STORED_LEVELS_MAX, USER_BYTES_MAX, is_nested_deeper_than};
use quire_bson::{DocBuf, DocBuilder, RawDoc, RawElement, RawValue};
use quire_documents::Collection;
use quire_errors::{Code, CommandError, Result};
use quire_query::update::{check_id, fill_timestamps};
use std::sync::Arc;

/// Documents and bytes that one entry of the log carries at most.
const BATCH_DOCUMENTS_MAX: usize = 1000;
const BATCH_BYTES_MAX: usize = 4 << 20;

/// How documents are inserted.
#[derive(Clone, Copy, Debug)]
pub struct InsertOptions {
    /// Stops at the first document that cannot be inserted.
    pub ordered: bool,
    /// Empty timestamps are stored as they are.
    pub keep_empty_timestamps: bool,
    /// Says what else a document must not be.
    pub refuse: Option<fn(RawDoc<'_>) -> Result<()>>,
}

/// What an insert did.
#[derive(Debug, Default)]
pub struct Inserted {
    pub count: u64,
    /// What failed, by the position of the document.
    pub errors: Vec<(usize, CommandError)>,
    /// The positions of documents that an earlier attempt has inserted; they are not counted.
    pub retried: Vec<usize>,
}

/// Inserts documents. A failure that is no document's fault is the result's `Err`; what was inserted
/// before it stays. Positions count from the first of them.
pub async fn insert(
    writer: &Writer<'_>,
    documents: &[RawDoc<'_>],
    options: InsertOptions,
) -> Result<Inserted> {
    let own = Backlog::default();
    let backlog = writer.backlog.unwrap_or(&own);
    let bytes = documents.iter().map(|doc| doc.as_bytes().len()).fold(0, usize::saturating_add);
    let is_one_entry = documents.len() <= BATCH_DOCUMENTS_MAX && bytes <= BATCH_BYTES_MAX;
    let more_follows = writer.more_follows || !is_one_entry;
    let done = {
        let writer = Writer { backlog: Some(backlog), more_follows, ..*writer };
        insert_all(&writer, documents, options).await?
    };
    if writer.backlog.is_none() {
        own.settle_within(writer.sequencer, writer.patience).await?;
    }
    Ok(done)
}

async fn insert_all(
    writer: &Writer<'_>,
    documents: &[RawDoc<'_>],
    options: InsertOptions,
) -> Result<Inserted> {
    let (batch, done) = (Batch::default(), Inserted::default());
    let mut inserting = Inserting { writer, options, batch, goes_on: false, done };
    for (position, doc) in documents.iter().enumerate() {
        if inserting.was_inserted(position)? {
            inserting.done.retried.push(position);
            continue;
        }
        match storable(*doc, writer, options) {
            Ok(doc) => inserting.batch.add(position, doc),
            Err(error) => {
                if options.ordered {
                    inserting.flush().await?;
                }
                if !inserting.is_over() {
                    inserting.done.errors.push((position, error));
                }
            }
        }
        if inserting.batch.is_full() {
            // How many documents an entry takes is nobody's business but ours: it is one commit.
            let goes_on = inserting.batch.bytes < BATCH_BYTES_MAX;
            inserting.flush().await?;
            inserting.goes_on = goes_on;
            writer.watch.check()?;
        }
        if inserting.is_over() {
            break;
        }
    }
    inserting.flush().await?;
    let mut done = inserting.done;
    done.errors.sort_by_key(|(position, _)| *position);
    Ok(done)
}

/// Documents that go into one entry of the log, with their positions.
#[derive(Default)]
struct Batch {
    documents: Vec<(usize, Arc<DocBuf>)>,
    bytes: usize,
}

impl Batch {
    fn add(&mut self, position: usize, doc: DocBuf) {
        self.bytes = self.bytes.saturating_add(doc.as_bytes().len());
        self.documents.push((position, Arc::new(doc)));
    }

    fn is_full(&self) -> bool {
        self.documents.len() >= BATCH_DOCUMENTS_MAX || self.bytes >= BATCH_BYTES_MAX
    }
}

/// An insert on its way.
struct Inserting<'a, 'w> {
    writer: &'a Writer<'w>,
    options: InsertOptions,
    batch: Batch,
    /// The batch belongs to the commit of the one before it.
    goes_on: bool,
    done: Inserted,
}

impl Inserting<'_, '_> {
    /// True when an ordered insert has failed.
    fn is_over(&self) -> bool {
        self.options.ordered && !self.done.errors.is_empty()
    }

    /// True when an earlier attempt of the same command has inserted the document.
    fn was_inserted(&self, position: usize) -> Result<bool> {
        match &self.writer.numbering {
            Some(numbering) => numbering.was_carried_out(position),
            None => Ok(false),
        }
    }

    /// Inserts what is collected.
    async fn flush(&mut self) -> Result<()> {
        let documents = std::mem::take(&mut self.batch).documents;
        if documents.is_empty() || self.is_over() {
            return Ok(());
        }
        match self.put(&documents).await {
            Ok(()) => Ok(()),
            Err(error) if ends_command(&error) => Err(error),
            Err(error) => {
                // It would be the same for each of them.
                let failed = if self.options.ordered { 1 } else { documents.len() };
                let errors = documents.iter().take(failed);
                self.done.errors.extend(errors.map(|(position, _)| (*position, error.clone())));
                Ok(())
            }
        }
    }

    async fn put(&mut self, documents: &[(usize, Arc<DocBuf>)]) -> Result<()> {
        loop {
            let collection = self.writer.ensured_collection().await?;
            let rules = self.writer.sequencer.rules(&collection)?;
            let mut positions = Vec::with_capacity(documents.len());
            let mut changes = Vec::with_capacity(documents.len());
            let mut errors = Vec::new();
            for (position, doc) in documents {
                match self.change(&collection, &rules, doc) {
                    Ok(change) => {
                        positions.push(*position);
                        changes.push(change);
                    }
                    Err(error) => {
                        errors.push((*position, error));
                        if self.options.ordered {
                            break;
                        }
                    }
                }
            }
            let ordered = self.options.ordered;
            let numbering = self.writer.numbering;
            let recording = numbering.map(|numbering| numbering.inserts(&positions, self.goes_on));
            match put(self.writer, &collection, changes, ordered, recording).await? {
                Put::Replan => self.writer.watch.check()?,
                Put::Done(verdicts) => {
                    self.note(positions, verdicts);
                    if !self.is_over() {
                        self.done.errors.extend(errors);
                    }
                    return Ok(());
                }
            }
        }
    }

    fn change(&self, collection: &Collection, rules: &Rules, doc: &Arc<DocBuf>) -> Result<Change> {
        check_capped(collection, doc)?;
        if !self.writer.bypass_validation {
            rules.validate(collection, None, doc.as_raw(), self.writer.constants)?;
        }
        let partial = rules.partial_of(doc.as_raw())?;
        Ok(Change::Insert { doc: doc.clone(), partial })
    }

    fn note(&mut self, positions: Vec<usize>, verdicts: Vec<Verdict>) {
        for (position, verdict) in positions.into_iter().zip(verdicts) {
            match verdict {
                Verdict::Accepted => self.done.count += 1,
                Verdict::Duplicate(error) | Verdict::Unindexable(error) => {
                    self.done.errors.push((position, error));
                }
                // An insert saw no row that could be stale; what is skipped follows an error.
                Verdict::Stale | Verdict::Skipped => {}
            }
        }
    }
}

/// Refuses a document that no capped collection of this size can hold.
pub(super) fn check_capped(collection: &Collection, doc: &DocBuf) -> Result<()> {
    let Some(capped) = collection.capped() else { return Ok(()) };
    let bytes_max = usize::try_from(capped.bytes_max).unwrap_or(0);
    if doc.as_bytes().len() <= bytes_max {
        return Ok(());
    }
    Err(CommandError::bad_value("object to insert exceeds cappedMaxSize"))
}

/// The document as it is stored: with an `_id` in first place.
fn storable(doc: RawDoc<'_>, writer: &Writer<'_>, options: InsertOptions) -> Result<DocBuf> {
    let bytes = doc.as_bytes().len();
    if bytes > USER_BYTES_MAX {
        return Err(CommandError::bad_value(format!(
            "object to insert too large. size in bytes: {bytes}, max size: {USER_BYTES_MAX}"
        )));
    }
    if let Some(refuse) = options.refuse {
        refuse(doc)?;
    }
    let seen = Seen::in_one_walk(doc);
    if seen.nests && is_nested_deeper_than(doc, STORED_LEVELS_MAX) {
        return Err(CommandError::new(
            Code::Overflow,
            format!(
                "cannot insert document because it exceeds {STORED_LEVELS_MAX} levels of nesting"
            ),
        ));
    }
    let id = seen.only_id()?;
    let fills = seen.has_timestamp && !options.keep_empty_timestamps;
    let filled = if fills { fill_timestamps(doc, writer.constants) } else { None };
    let current = filled.as_ref().map_or(doc, DocBuf::as_raw);
    Ok(match id {
        Some((0, _)) => filled.unwrap_or_else(|| doc.into()),
        Some((_, id)) => with_id(current, id.value()),
        None => with_id(current, RawValue::ObjectId(writer.identities.object_id())),
    })
}

/// What has to be known of a document before it is stored, most of whose fields are nothing special.
#[derive(Default)]
struct Seen<'a> {
    /// The first `_id`, and its position.
    id: Option<(usize, RawElement<'a>)>,
    has_second_id: bool,
    nests: bool,
    has_timestamp: bool,
}

impl<'a> Seen<'a> {
    fn in_one_walk(doc: RawDoc<'a>) -> Seen<'a> {
        let mut seen = Seen::default();
        for (position, element) in doc.iter().enumerate() {
            match element.tag() {
                0x03 | 0x04 => seen.nests = true,
                0x11 => seen.has_timestamp = true,
                _ => {}
            }
            if element.key_bytes() == b"_id" {
                match seen.id {
                    None => seen.id = Some((position, element)),
                    Some(_) => seen.has_second_id = true,
                }
            }
        }
        seen
    }

    /// The `_id`, if there is one, which is fit to be one then.
    fn only_id(&self) -> Result<Option<(usize, RawElement<'a>)>> {
        let Some((position, id)) = self.id else { return Ok(None) };
        if self.has_second_id {
            return Err(CommandError::bad_value("can't have multiple _id fields in one document"));
        }
        match id.value() {
            RawValue::Array(_) => Err(CommandError::bad_value("can't use an array for _id")),
            RawValue::Regex { .. } => Err(CommandError::bad_value("can't use a regex for _id")),
            RawValue::Undefined => Err(CommandError::bad_value("can't use a undefined for _id")),
            value => check_id(value).map(|()| Some((position, id))),
        }
    }
}

/// The document with this `_id` in first place.
pub(super) fn with_id(doc: RawDoc<'_>, id: RawValue<'_>) -> DocBuf {
    let mut out = DocBuilder::in_buffer(Vec::with_capacity(doc.as_bytes().len() + 17));
    out.append("_id", id);
    for element in doc.iter().filter(|element| element.key_bytes() != b"_id") {
        out.append_element(element);
    }
    out.finish()
}
