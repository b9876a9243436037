//! `listDatabases`: which databases there are and how much they take.

use crate::registry::{Command, Run, Scope};
use crate::reply::Reply;
use crate::server::{Context, Server};
use crate::stable_api::Api;
use quire_bson::{DocBuf, DocBuilder};
use quire_documents::Catalog;
use quire_errors::Result;
use quire_query::filter::Filter;
use quire_replset::read_preference::Where;
use std::collections::BTreeSet;

pub const COMMAND: Command = Command {
    scope: Scope::Admin,
    place: Where::SecondaryIfAllowed,
    api: Api::V1,
    ..Command::new("listDatabases", "lists the databases", Run::Now(run))
};

/// Databases that clients expect on every server, whether or not they hold something yet.
const ALWAYS_THERE: [&str; 3] = ["admin", "config", "local"];

fn run(context: &Context<'_>) -> Result<Reply> {
    let mut arguments = context.arguments()?;
    let filter = arguments.optional_doc("filter")?;
    let name_only = arguments.flag("nameOnly")?;
    // Everybody may see everything while there are no users.
    arguments.flag("authorizedDatabases")?;
    arguments.finish()?;
    let filter = match filter {
        Some(filter) => {
            Filter::parse(filter, &context.constants(None, quire_query::ValueOrder::BYTES)?)?
        }
        None => Filter::everything(),
    };
    let catalog = context.server.documents.catalog();
    let mut total = 0i64;
    let mut shown = Vec::new();
    let names: BTreeSet<&str> = catalog.databases().chain(ALWAYS_THERE).collect();
    for name in names {
        let size =
            if name_only { None } else { Some(size_on_disk(context.server, &catalog, name)) };
        let document = describe(name, size, !catalog.has_database(name));
        if filter.matches(document.as_raw())? {
            total = total.saturating_add(size.unwrap_or(0));
            shown.push(document);
        }
    }
    Ok(Reply::with(|reply| {
        reply.append_array("databases", |databases| {
            for document in &shown {
                databases.push_doc(document.as_raw());
            }
        });
        if !name_only {
            reply.append_i64("totalSize", total);
            reply.append_i64("totalSizeMb", total / (1024 * 1024));
        }
    }))
}

fn describe(name: &str, size: Option<i64>, empty: bool) -> DocBuf {
    let mut b = DocBuilder::new();
    b.append_str("name", name);
    if let Some(size) = size {
        b.append_i64("sizeOnDisk", size);
        b.append_bool("empty", empty);
    }
    b.finish()
}

/// About how many bytes a database takes where it is stored.
fn size_on_disk(server: &Server, catalog: &Catalog, database: &str) -> i64 {
    let mut bytes = 0u64;
    for collection in catalog.collections_of(database) {
        bytes = bytes.saturating_add(server.documents.stored_row_bytes(collection.id));
        for index in &collection.indexes {
            bytes = bytes.saturating_add(server.documents.stored_index_bytes(index.id));
        }
    }
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
