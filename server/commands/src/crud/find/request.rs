//! A find as the client wrote it.

use super::super::collation;
use crate::arguments::Arguments;
use quire_bson::{RawDoc, RawValue};
use quire_errors::{CommandError, Result};
use quire_query::ValueOrder;

/// The options of `find`.
#[derive(Debug)]
pub struct FindRequest<'a> {
    pub filter: RawDoc<'a>,
    pub projection: RawDoc<'a>,
    pub sort: RawDoc<'a>,
    pub hint: Option<RawValue<'a>>,
    pub skip: u64,
    /// `None` for all.
    pub limit: Option<u64>,
    pub batch_size: Option<u64>,
    pub single_batch: bool,
    pub min: Option<RawDoc<'a>>,
    pub max: Option<RawDoc<'a>>,
    pub return_key: bool,
    pub show_record_id: bool,
    pub tailable: bool,
    pub await_data: bool,
    pub no_cursor_timeout: bool,
    pub variables: Option<RawDoc<'a>>,
    /// The order asked for.
    pub collation: Option<ValueOrder>,
}

impl<'a> FindRequest<'a> {
    pub fn read(body: RawDoc<'a>) -> Result<FindRequest<'a>> {
        let mut arguments = Arguments::read("FindCommandRequest", body)?;
        let request = FindRequest {
            filter: arguments.optional_doc("filter")?.unwrap_or(RawDoc::EMPTY),
            projection: arguments.optional_doc("projection")?.unwrap_or(RawDoc::EMPTY),
            sort: arguments.optional_doc("sort")?.unwrap_or(RawDoc::EMPTY),
            hint: arguments.take("hint"),
            skip: arguments.optional_count("skip")?.unwrap_or(0),
            limit: arguments.optional_count("limit")?.filter(|limit| *limit > 0),
            batch_size: arguments.optional_count("batchSize")?,
            single_batch: arguments.flag("singleBatch")?,
            min: present(arguments.optional_doc("min")?),
            max: present(arguments.optional_doc("max")?),
            return_key: arguments.flag("returnKey")?,
            show_record_id: arguments.flag("showRecordId")?,
            tailable: arguments.flag("tailable")?,
            await_data: arguments.flag("awaitData")?,
            no_cursor_timeout: arguments.flag("noCursorTimeout")?,
            variables: arguments.optional_doc("let")?,
            collation: collation::take(&mut arguments)?,
        };
        // One node holds all data and every sort fits its budget or fails.
        arguments.flag("allowPartialResults")?;
        arguments.flag("allowDiskUse")?;
        arguments.flag("mirrored")?;
        arguments.ignore("oplogReplay");
        arguments.ignore("term");
        arguments.ignore("querySettings");
        arguments.finish()?;
        request.check()?;
        Ok(request)
    }

    /// Refuses options that contradict each other.
    fn check(&self) -> Result<()> {
        if self.await_data && !self.tailable {
            return Err(CommandError::failed_to_parse(
                "Cannot set 'awaitData' without also setting 'tailable'",
            ));
        }
        if self.tailable && self.single_batch {
            return Err(CommandError::failed_to_parse(
                "Cannot use tailable option with the 'singleBatch' option.",
            ));
        }
        let natural = self.sort.get("$natural");
        let forward = |value| quire_bson::compare(value, RawValue::Int32(1)).is_eq();
        if self.tailable && !self.sort.is_empty() && !natural.is_some_and(forward) {
            return Err(CommandError::failed_to_parse(
                "cannot use tailable option with a sort other than {$natural: 1}",
            ));
        }
        Ok(())
    }
}

/// An empty document is as good as none.
fn present(doc: Option<RawDoc<'_>>) -> Option<RawDoc<'_>> {
    doc.filter(|doc| !doc.is_empty())
}
