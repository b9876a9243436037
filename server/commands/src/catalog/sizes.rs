//! How large collections and their indexes are.
//!
//! Owns the figures behind `collStats`, `dbStats`, `dataSize` and `$collStats`. Counts and bytes of
//! documents are exact; what is stored is the engine's estimate of the compressed bytes.

use crate::arguments::Arguments;
use crate::computed::oplog;
use crate::server::Server;
use quire_bson::DocBuilder;
use quire_documents::{Collection, IndexState, ReadView};
use quire_errors::{CommandError, Result};
use quire_execution::local_failure;

/// The size of one collection, in bytes.
#[derive(Clone, Debug, Default)]
pub struct Sizes {
    pub documents: u64,
    pub bytes: u64,
    pub stored: u64,
    /// What each index takes where it is stored.
    pub indexes: Vec<(String, u64)>,
    pub building: Vec<String>,
}

impl Sizes {
    pub fn of(server: &Server, view: &ReadView, collection: &Collection) -> Result<Sizes> {
        let counts = view.counts(collection.id).map_err(local_failure)?;
        let stored = |index: &quire_documents::Index| {
            (index.spec.name.clone(), server.documents.stored_index_bytes(index.id))
        };
        let building = collection.indexes.iter().filter(|i| i.state == IndexState::Building);
        Ok(Sizes {
            documents: counts.documents,
            bytes: counts.bytes,
            stored: server.documents.stored_row_bytes(collection.id),
            indexes: collection.indexes.iter().map(|index| stored(index)).collect(),
            building: building.map(|index| index.spec.name.clone()).collect(),
        })
    }

    pub fn index_bytes(&self) -> u64 {
        self.indexes.iter().fold(0, |sum, (_, bytes)| sum.saturating_add(*bytes))
    }

    /// The bytes of an average document; `None` without documents.
    pub fn average(&self) -> Option<u64> {
        self.bytes.checked_div(self.documents)
    }
}

/// Reads `scale`: by what sizes are divided.
pub fn scale(arguments: &mut Arguments<'_>) -> Result<u64> {
    let Some(scale) = arguments.optional_i64("scale")? else { return Ok(1) };
    u64::try_from(scale).ok().filter(|scale| *scale >= 1).ok_or_else(|| {
        CommandError::bad_value(format!(
            "BSON field 'scale' value must be >= 1, actual value '{scale}'"
        ))
    })
}

/// Appends a count as int32 where it fits, as MongoDB shows it.
pub fn append_count(b: &mut DocBuilder, name: &str, count: u64) {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    super::create::append_whole(b, name, count);
}

/// Appends the same fields of the oplog. Its documents are counted as the entries that hold them.
pub fn append_oplog(b: &mut DocBuilder, figures: &oplog::Figures, scale: u64) {
    let scaled = |bytes: u64| bytes / scale.max(1);
    append_count(b, "size", scaled(figures.bytes));
    append_count(b, "count", figures.entries);
    if let Some(average) = figures.bytes.checked_div(figures.entries) {
        append_count(b, "avgObjSize", average);
    }
    append_count(b, "numOrphanDocs", 0);
    append_count(b, "storageSize", scaled(figures.bytes));
    b.append_bool("capped", true);
    append_count(b, "maxSize", scaled(figures.bytes_max));
    append_count(b, "nindexes", 0);
    b.append_array("indexBuilds", |_| {});
    append_count(b, "totalIndexSize", 0);
    append_count(b, "totalSize", scaled(figures.bytes));
    b.append_with("indexSizes", |_| {});
    append_count(b, "scaleFactor", scale);
}

/// Appends the fields of `collStats` behind `ns`, which `$collStats` shows as `storageStats`.
pub fn append(b: &mut DocBuilder, collection: Option<&Collection>, sizes: &Sizes, scale: u64) {
    let scaled = |bytes: u64| bytes / scale.max(1);
    append_count(b, "size", scaled(sizes.bytes));
    append_count(b, "count", sizes.documents);
    if let Some(average) = sizes.average() {
        append_count(b, "avgObjSize", average);
    }
    append_count(b, "numOrphanDocs", 0);
    append_count(b, "storageSize", scaled(sizes.stored));
    let capped = collection.and_then(Collection::capped);
    b.append_bool("capped", capped.is_some());
    if let Some(capped) = capped {
        if let Some(max) = capped.documents_max {
            append_count(b, "max", u64::try_from(max).unwrap_or(0));
        }
        append_count(b, "maxSize", scaled(u64::try_from(capped.bytes_max).unwrap_or(0)));
    }
    append_count(b, "nindexes", sizes.indexes.len() as u64);
    b.append_array("indexBuilds", |builds| {
        for name in &sizes.building {
            builds.push(quire_bson::RawValue::String(name));
        }
    });
    append_count(b, "totalIndexSize", scaled(sizes.index_bytes()));
    append_count(b, "totalSize", scaled(sizes.stored.saturating_add(sizes.index_bytes())));
    b.append_with("indexSizes", |b| {
        for (name, bytes) in &sizes.indexes {
            append_count(b, name, scaled(*bytes));
        }
    });
    append_count(b, "scaleFactor", scale);
}
