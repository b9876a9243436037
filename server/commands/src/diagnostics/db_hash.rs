//! `dbHash`: digests of the documents of a database, to compare members with.
//!
//! All collections are read from one view, on a thread of its own because that can take minutes. The
//! thread ends early when nobody waits for it any more.

use crate::arguments::Arguments;
use crate::aside::on_a_thread;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use md5::{Digest, Md5};
use quire_bson::RawValue;
use quire_documents::{Collection, EngineError, ReadView};
use quire_errors::{Code, CommandError, Result};
use quire_execution::local_failure;
use quire_replset::read_preference::Where;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub const COMMAND: Command = Command {
    place: Where::DataBearing,
    ..Command::new(
        "dbHash",
        "compares databases by digests of their documents",
        Run::Later(|context| Box::pin(run(context))),
    )
};

/// Collections of the server that members share, so that they have to agree.
const SHARED_SYSTEM: [&str; 7] = [
    "system.backup_users",
    "system.js",
    "system.new_users",
    "system.roles",
    "system.users",
    "system.version",
    "system.views",
];

async fn run(context: &Context<'_>) -> Result<Reply> {
    let wanted = wanted(context.arguments()?)?;
    let view = context.server.documents.view();
    let of_database = view.catalog().collections_of(context.database());
    let collections: Vec<_> =
        of_database.filter(|found| is_hashed(found, &wanted)).map(Arc::clone).collect();
    let (hashed, caller) = (collections.clone(), Caller::default());
    let waits = Arc::clone(&caller.waits);
    let digests = on_a_thread("dbHash", move || digests(&view, &hashed, &waits)).await?;
    let digests = digests.map_err(local_failure)?;
    // Nobody but a caller that is gone makes the thread stop early.
    let digests = digests.ok_or_else(|| CommandError::internal("dbHash was stopped"))?;
    Ok(reply(context, &collections, &digests))
}

/// The names asked for; none asks for all.
fn wanted(mut arguments: Arguments<'_>) -> Result<BTreeSet<String>> {
    let mut wanted = BTreeSet::new();
    for element in arguments.optional_array("collections")?.into_iter().flatten() {
        let RawValue::String(name) = element.value() else {
            let message = "collections entries have to be strings";
            return Err(CommandError::new(Code::BadValue, message));
        };
        wanted.insert(name.to_owned());
    }
    arguments.finish()?;
    Ok(wanted)
}

fn is_hashed(collection: &Collection, wanted: &BTreeSet<String>) -> bool {
    let namespace = &collection.namespace;
    let name = namespace.collection();
    !collection.is_view()
        && (!namespace.is_system() || SHARED_SYSTEM.contains(&name))
        && (wanted.is_empty() || wanted.contains(name))
}

/// Says that somebody waits for as long as it lives.
struct Caller {
    waits: Arc<AtomicBool>,
}

impl Default for Caller {
    fn default() -> Caller {
        Caller { waits: Arc::new(AtomicBool::new(true)) }
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.waits.store(false, Ordering::Relaxed);
    }
}

/// The digest of each collection, in words; nothing when nobody waits for them.
fn digests(
    view: &ReadView,
    collections: &[Arc<Collection>],
    waits: &AtomicBool,
) -> Result<Option<Vec<String>>, EngineError> {
    let mut digests = Vec::with_capacity(collections.len());
    for collection in collections {
        let mut go_on = || waits.load(Ordering::Relaxed);
        match view.documents_hash(collection, &mut go_on)? {
            Some(digest) => digests.push(in_words(&digest)),
            None => return Ok(None),
        }
    }
    Ok(Some(digests))
}

fn in_words(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn reply(context: &Context<'_>, collections: &[Arc<Collection>], digests: &[String]) -> Reply {
    let all = digests.iter().fold(Md5::new(), |all, digest| all.chain_update(digest));
    let took = context.operation.started.elapsed().as_millis();
    let name = |collection: &Arc<Collection>| collection.namespace.collection().to_owned();
    Reply::with(|reply| {
        reply.append_str("host", &context.server.facts.address());
        reply.append_with("collections", |b| {
            for (collection, digest) in collections.iter().zip(digests) {
                b.append_str(&name(collection), digest);
            }
        });
        reply.append_array("capped", |capped| {
            for collection in collections.iter().filter(|found| found.capped().is_some()) {
                capped.push(RawValue::String(&name(collection)));
            }
        });
        reply.append_with("uuids", |b| {
            for collection in collections {
                b.append(
                    &name(collection),
                    RawValue::Binary { subtype: 4, bytes: &collection.uuid },
                );
            }
        });
        reply.append_str("md5", &in_words(&all.finalize()));
        reply.append_i64("timeMillis", i64::try_from(took).unwrap_or(i64::MAX));
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::Rig;
    use quire_bson::{Bson, Document, doc};

    /// Computed elsewhere, over the documents' bytes in the order of their `_id`.
    const OF_ONE_TO_THREE: &str = "a22bb8df9a87aaaee6399cf424b21c38";
    const OF_SEVEN_AND_EIGHT: &str = "8af89aec6618000a980823b0b044bff7";
    const OF_NOTHING: &str = "d41d8cd98f00b204e9800998ecf8427e";
    const OF_ALL: &str = "1f9bf7351079acc3ed45f4cf0f1467a8";

    fn insert(rig: &Rig, collection: &str, ids: &[i32]) {
        let documents: Vec<Document> =
            ids.iter().map(|id| doc! {"_id": id, "n": id * 10}).collect();
        rig.ok("db", doc! {"insert": collection, "documents": documents});
    }

    fn rig() -> Rig {
        let rig = Rig::new();
        insert(&rig, "a", &[3, 1, 2]);
        rig.create("db", "b", doc! {});
        rig.create("db", "capped", doc! {"capped": true, "size": 4096});
        insert(&rig, "capped", &[8, 7]);
        rig.ok("db", doc! {"create": "view", "viewOn": "a", "pipeline": []});
        insert(&rig, "system.js", &[1]);
        rig
    }

    #[test]
    fn the_digests_are_those_of_the_documents_in_the_order_of_their_ids() {
        let rig = rig();
        let names = ["a", "b", "capped"];
        let reply = rig.ok("db", doc! {"dbHash": 1, "collections": names.to_vec()});
        let expected = doc! {"a": OF_ONE_TO_THREE, "b": OF_NOTHING, "capped": OF_SEVEN_AND_EIGHT};
        assert_eq!(reply.get_document("collections").unwrap(), &expected);
        assert_eq!(reply.get_str("md5").ok(), Some(OF_ALL));
        assert_eq!(reply.get_array("capped").unwrap(), &[Bson::from("capped")]);
        let uuids = reply.get_document("uuids").unwrap();
        assert_eq!(uuids.keys().collect::<Vec<_>>(), names);
        assert!(reply.contains_key("host") && reply.contains_key("timeMillis"));
    }

    #[test]
    fn views_and_what_the_server_keeps_for_itself_are_left_out() {
        let reply = rig().ok("db", doc! {"dbHash": 1});
        let collections = reply.get_document("collections").unwrap();
        assert_eq!(collections.keys().collect::<Vec<_>>(), ["a", "b", "capped", "system.js"]);
    }

    #[test]
    fn a_database_that_does_not_exist_has_the_digest_of_nothing() {
        let reply = Rig::new().ok("nowhere", doc! {"dbHash": 1});
        assert_eq!(reply.get_str("md5").ok(), Some(OF_NOTHING));
        assert_eq!(reply.get_document("collections").unwrap(), &doc! {});
    }

    #[test]
    fn a_change_of_one_document_changes_its_collection_and_the_whole() {
        let rig = rig();
        let before = rig.ok("db", doc! {"dbHash": 1});
        let update = doc! {"q": {"_id": 2}, "u": {"$set": {"n": 21}}};
        rig.ok("db", doc! {"update": "a", "updates": [update]});
        let after = rig.ok("db", doc! {"dbHash": 1});
        let of = |reply: &Document, name: &str| {
            reply.get_document("collections").unwrap().get_str(name).unwrap().to_owned()
        };
        assert_ne!(of(&before, "a"), of(&after, "a"));
        assert_eq!(of(&before, "capped"), of(&after, "capped"));
        assert_ne!(before.get("md5"), after.get("md5"));
    }

    #[test]
    fn names_have_to_be_strings() {
        let refused = Rig::new().refused("db", doc! {"dbHash": 1, "collections": [1]});
        assert_eq!(refused, (2, "collections entries have to be strings".to_owned()));
    }
}
