//! `$out`: a collection of what comes out of a pipeline, in place of the one that was there.

use super::{Asked, Documents, Sink, refuse_special, refuse_view, target};
use crate::arguments::Arguments;
use quire_bson::{DocBuf, RawDoc, RawValue};
use quire_documents::{Collection, Namespace};
use quire_errors::{Code, CommandError, Result};
use quire_execution::wait::Waiting;
use quire_execution::{Replacement, Watch};

const STAGE: &str = "$out";

struct Out {
    target: Namespace,
}

pub(super) fn parse(asked: &Asked<'_>, options: RawValue<'_>) -> Result<Box<dyn Sink>> {
    let names = match options {
        RawValue::String(collection) => (None, collection),
        RawValue::Document(options) => read(options)?,
        other => {
            return Err(CommandError::location(
                16990,
                format!(
                    "{STAGE} only supports a string or object argument, but found {}",
                    other.type_name()
                ),
            ));
        }
    };
    let target = target(STAGE, asked.context, names)?;
    refuse_special(STAGE, &target, (17385, 31321))?;
    Ok(Box::new(Out { target }))
}

fn read(options: RawDoc<'_>) -> Result<(Option<&str>, &str)> {
    let mut arguments = Arguments::nested(STAGE, options)?;
    let (database, collection) = (arguments.str("db")?, arguments.str("coll")?);
    if arguments.optional_doc("timeseries")?.is_some() {
        return Err(CommandError::new(
            Code::CommandNotSupported,
            "time series collections are not supported by this server yet",
        ));
    }
    arguments.finish()?;
    Ok((Some(database), collection))
}

impl Sink for Out {
    fn fill<'a>(
        &'a self,
        asked: &'a Asked<'a>,
        documents: Documents<'a>,
    ) -> Waiting<'a, Result<()>> {
        Box::pin(self.replace(asked, documents))
    }
}

impl Out {
    async fn replace(&self, asked: &Asked<'_>, mut documents: Documents<'_>) -> Result<()> {
        let server = asked.context.server.as_ref();
        let (sequencer, temporaries) = (&server.sequencer, &server.temporaries);
        let replacement =
            Replacement::begin(sequencer, server, temporaries, &self.target, check).await?;
        Watch::wrote(asked.context.operation.as_ref());
        let filled = async {
            loop {
                let batch = documents.next_batch().await?;
                if batch.is_empty() {
                    return replacement.complete(sequencer).await;
                }
                let batch: Vec<RawDoc<'_>> = batch.iter().map(DocBuf::as_raw).collect();
                let (constants, bypass) = (asked.constants, asked.bypass_validation);
                let writer = asked.context.writer(&self.target, constants, bypass);
                replacement.insert(writer, &batch).await?;
            }
        };
        let filled = filled.await;
        if filled.is_err() {
            // If it cannot be dropped now, it is dropped as an orphan.
            let _ = replacement.abandon(sequencer).await;
        }
        filled
    }
}

/// Refuses to replace what must stay what it is.
fn check(collection: &Collection) -> Result<()> {
    refuse_view(collection)?;
    if collection.capped().is_some() {
        return Err(CommandError::location(
            17152,
            format!("namespace '{}' is capped so it can't be used for $out", collection.namespace),
        ));
    }
    Ok(())
}
