//! `$merge`: what comes out of a pipeline, into a collection beside what is there.
//!
//! Every document is a statement of its own: what was written before one fails stays, as it does with
//! MongoDB.

use super::on::with_id_first;
use super::spec::{Spec, WhenMatched, WhenNotMatched};
use super::{Asked, Documents, Sink, refuse_view};
use quire_bson::{Bson, DocBuf, DocBuilder, RawDoc, RawValue};
use quire_errors::{Code, CommandError, Result};
use quire_execution::Slice;
use quire_execution::wait::{Waiting, give_way};
use quire_execution::writes::{
    self, Backlog, InsertOptions, Selection, UpdateStatement, Updated, Writer,
};
use quire_query::Constants;
use quire_query::update::{Options, Update};
use std::sync::Arc;

/// How often a document is tried again whose counterpart came or went meanwhile.
const ATTEMPTS_MAX: u32 = 10;

struct Merge(Spec);

pub(super) fn parse(asked: &Asked<'_>, options: RawValue<'_>) -> Result<Box<dyn Sink>> {
    let merge = Merge(Spec::parse(asked, options)?);
    if let Some(stages) = merge.0.stages() {
        // The stages hold for every document or for none.
        let mut constants = Constants::clone(asked.constants);
        constants.unbound = merge.0.variables.iter().map(|(name, _)| name.clone()).collect();
        Update::parse(stages, &Arc::new(constants), Options::default())?;
    }
    Ok(Box::new(merge))
}

impl Sink for Merge {
    fn fill<'a>(
        &'a self,
        asked: &'a Asked<'a>,
        documents: Documents<'a>,
    ) -> Waiting<'a, Result<()>> {
        Box::pin(self.write_all(asked, documents))
    }
}

impl Merge {
    async fn write_all(&self, asked: &Asked<'_>, mut documents: Documents<'_>) -> Result<()> {
        let Spec { target, on, .. } = &self.0;
        let sequencer = &asked.context.server.sequencer;
        let patience = asked.context.concerns.patience();
        let catalog = sequencer.documents().catalog();
        catalog.find(target).map_or(Ok(()), |there| refuse_view(there))?;
        on.check_unique(&catalog, target, &asked.constants.order)?;
        let backlog = Backlog::default();
        let writer = asked.context.writer(target, asked.constants, asked.bypass_validation);
        // Who finds documents by other fields looks at the applied state between them.
        let writer = Writer { backlog: Some(&backlog), more_follows: on.is_id_alone(), ..writer };
        let written = async {
            loop {
                let batch = documents.next_batch().await?;
                if batch.is_empty() {
                    return Ok(());
                }
                self.write(&writer, batch).await?;
                backlog.settle_within(sequencer, patience).await?;
            }
        };
        let written = written.await;
        backlog.settle_within(sequencer, patience).await?;
        written
    }

    async fn write(&self, writer: &Writer<'_>, batch: Vec<DocBuf>) -> Result<()> {
        if self.0.when_matched == WhenMatched::Fail {
            let batch: Vec<RawDoc<'_>> = batch.iter().map(DocBuf::as_raw).collect();
            return insert(writer, &batch).await;
        }
        let mut slice = Slice::begin();
        for doc in batch {
            writer.watch.check()?;
            self.write_one(writer, doc).await.map_err(explained)?;
            if slice.is_over() {
                give_way().await;
                slice = Slice::begin();
            }
        }
        Ok(())
    }

    async fn write_one(&self, writer: &Writer<'_>, doc: DocBuf) -> Result<()> {
        let Spec { on, when_not_matched, .. } = &self.0;
        let doc = match on.has_id() {
            true => with_id_first(&doc, || writer.identities.object_id()),
            false => doc,
        };
        let filter = on.filter(doc.as_raw())?;
        let mut attempts = 0;
        loop {
            let statement = self.statement(writer, filter.as_raw(), doc.as_raw())?;
            let Updated { matched, upserted, .. } = writes::update(writer, &statement).await?;
            if matched > 0 || upserted.is_some() {
                return Ok(());
            }
            match when_not_matched {
                WhenNotMatched::Discard => return Ok(()),
                WhenNotMatched::Fail => return Err(Spec::no_counterpart()),
                WhenNotMatched::Insert => {}
            }
            attempts += 1;
            match insert(writer, &[doc.as_raw()]).await {
                // Its counterpart has come in between.
                Err(error) if attempts < ATTEMPTS_MAX && is_taken(&self.0, &error) => {
                    writer.sequencer.caught_up().await;
                }
                done => return done,
            }
        }
    }

    /// What is done to the counterpart. Where there is none, stages are not run: the document goes
    /// in as it is.
    fn statement(
        &self,
        writer: &Writer<'_>,
        filter: RawDoc<'_>,
        doc: RawDoc<'_>,
    ) -> Result<UpdateStatement> {
        let Spec { when_matched, when_not_matched, .. } = &self.0;
        let options = Options::default();
        let constants = writer.constants;
        let update = match when_matched {
            WhenMatched::Replace | WhenMatched::Fail => {
                refuse_operators(doc)?;
                Update::parse(RawValue::Document(doc), constants, options)?
            }
            WhenMatched::Merge => operator("$set", doc, constants)?,
            WhenMatched::KeepExisting => operator("$setOnInsert", doc, constants)?,
            WhenMatched::Pipeline(_) => {
                let constants = &with_variables(constants, self.variables(doc)?);
                let stages = self.0.stages().unwrap_or(RawValue::Null);
                Update::parse(stages, constants, options)?
            }
        };
        let has_stages = matches!(when_matched, WhenMatched::Pipeline(_));
        Ok(UpdateStatement {
            selection: Selection::parse(filter, None, None, constants)?,
            update,
            multi: false,
            upsert: !has_stages && *when_not_matched == WhenNotMatched::Insert,
        })
    }

    fn variables(&self, doc: RawDoc<'_>) -> Result<Vec<(String, Bson)>> {
        let value = |(name, expression): &(String, quire_query::expression::Expression)| {
            Ok((name.clone(), expression.evaluate(doc)?.unwrap_or(Bson::Undefined)))
        };
        self.0.variables.iter().map(value).collect()
    }
}

fn is_taken(spec: &Spec, error: &CommandError) -> bool {
    error.code() == Code::DuplicateKey && spec.on.is_taken(error)
}

fn with_variables(constants: &Arc<Constants>, own: Vec<(String, Bson)>) -> Arc<Constants> {
    let mut all = Constants::clone(constants);
    all.variables.extend(own);
    Arc::new(all)
}

fn operator(name: &str, doc: RawDoc<'_>, constants: &Arc<Constants>) -> Result<Update> {
    let mut update = DocBuilder::new();
    update.append_doc(name, doc);
    let update = update.finish();
    Update::parse(RawValue::Document(update.as_raw()), constants, Options::default())
}

/// A document whose first field looks like an operator must not be taken for an update.
fn refuse_operators(doc: RawDoc<'_>) -> Result<()> {
    match doc.nth(0).filter(|first| first.key_bytes().starts_with(b"$")) {
        None => Ok(()),
        Some(first) => Err(CommandError::new(
            Code::DollarPrefixedFieldName,
            format!(
                "The dollar ($) prefixed field '{0}' in '{0}' is not allowed in the context of an \
                 update's replacement document. Consider using an aggregation pipeline with \
                 $replaceWith.",
                first.key()
            ),
        )),
    }
}

/// Inserts documents; one that cannot be inserted does not keep out those behind it.
async fn insert(writer: &Writer<'_>, documents: &[RawDoc<'_>]) -> Result<()> {
    let options = InsertOptions { ordered: false, keep_empty_timestamps: false, refuse: None };
    let inserted = writes::insert(writer, documents, options).await?;
    inserted.errors.into_iter().next().map_or(Ok(()), |(_, error)| Err(error))
}

/// Says why a counterpart could not be changed, in words that fit the stage.
fn explained(error: CommandError) -> CommandError {
    if error.code() != Code::ImmutableField {
        return error;
    }
    error.context(
        "$merge failed to update the matching document, did you attempt to modify the _id or the \
         shard key?",
    )
}
