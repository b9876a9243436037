use super::{Catalog, Collection, IndexPlace, IndexSpec, IndexState, Layout, Refused, SpecError};
use crate::{CollectionId, Effect, FieldOrder, IndexId, Namespace};
use quire_bson::{DocBuf, doc};

fn namespace(full: &str) -> Namespace {
    Namespace::parse(full).unwrap()
}

fn create(id: u32, full: &str, layout: Layout) -> Effect {
    Effect::CreateCollection {
        id: CollectionId(id),
        namespace: namespace(full),
        uuid: [id as u8; 16],
        options: DocBuf::new(),
        layout,
        id_index: IndexId(id * 10),
    }
}

fn create_index(collection: u32, id: u32, name: &str) -> Effect {
    let spec = DocBuf::from(&doc! { "v": 2, "key": { "a": 1 }, "name": name });
    Effect::CreateIndex { collection: CollectionId(collection), id: IndexId(id), spec }
}

fn catalog(effects: &[Effect]) -> Catalog {
    let mut catalog = Catalog::default();
    for effect in effects {
        catalog.change(effect).unwrap_or_else(|e| panic!("{effect:?}: {e}"));
    }
    catalog
}

#[test]
fn databases_exist_while_they_hold_a_collection() {
    let mut catalog = catalog(&[create(1, "b.x", Layout::ById), create(2, "a.y", Layout::View)]);
    assert_eq!(catalog.databases().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(catalog.database_in_other_case("A"), Some("a"));
    assert_eq!(catalog.database_in_other_case("a"), None);
    catalog.change(&Effect::DropCollection { id: CollectionId(2) }).unwrap();
    assert_eq!(catalog.databases().collect::<Vec<_>>(), ["b"]);
}

#[test]
fn a_collection_starts_with_the_index_on_id_and_a_view_without() {
    let catalog = catalog(&[
        create(1, "a.rows", Layout::ById),
        create(2, "a.capped", Layout::ByRevision),
        create(3, "a.view", Layout::View),
    ]);
    let place = |name: &str| {
        let collection = catalog.find(&namespace(name)).unwrap();
        collection.id_index().map(|index| (index.place, index.state, index.spec.unique))
    };
    assert_eq!(place("a.rows"), Some((IndexPlace::Rows, IndexState::Ready, true)));
    assert_eq!(place("a.capped"), Some((IndexPlace::Entries, IndexState::Ready, true)));
    assert_eq!(place("a.view"), None);
}

#[test]
fn ids_grow_beyond_every_one_that_was_ever_used() {
    let mut catalog = catalog(&[create(4, "a.b", Layout::ById), create_index(4, 50, "i")]);
    assert_eq!(catalog.next_ids().collection, CollectionId(5));
    assert_eq!(catalog.next_ids().index, IndexId(51));
    catalog.change(&Effect::DropCollection { id: CollectionId(4) }).unwrap();
    assert_eq!(catalog.next_ids().collection, CollectionId(5));
    assert_eq!(catalog.next_ids().index, IndexId(51));
}

#[test]
fn a_renamed_collection_is_found_under_its_new_name_only() {
    let mut catalog = catalog(&[create(1, "a.b", Layout::ById), create(2, "c.d", Layout::ById)]);
    let rename = |to, drop_target| Effect::RenameCollection {
        id: CollectionId(1),
        to: namespace(to),
        drop_target,
    };
    assert_eq!(catalog.change(&rename("c.d", None)), Err(Refused::Taken));
    catalog.change(&rename("c.d", Some(CollectionId(2)))).unwrap();
    assert!(!catalog.has_database("a"));
    assert_eq!(catalog.find(&namespace("c.d")).unwrap().id, CollectionId(1));
    assert!(catalog.collection(CollectionId(2)).is_none());
    assert_eq!(catalog.collection(CollectionId(1)).unwrap().namespace, namespace("c.d"));
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let before = catalog(&[create(1, "a.b", Layout::ById), create_index(1, 20, "i")]);
    let on_id = before.collection(CollectionId(1)).unwrap().id_index().unwrap().id;
    let collection = CollectionId(1);
    let other_key = DocBuf::from(&doc! { "key": { "z": 1 }, "name": "i" });
    for (effect, why) in [
        (create(1, "a.c", Layout::ById), Refused::Taken),
        (create(2, "a.b", Layout::ById), Refused::Taken),
        // the keys of the last id have no end and could not be dropped
        (create_index(1, u32::MAX, "j"), Refused::Taken),
        (create_index(9, 21, "j"), Refused::NoCollection),
        (create_index(1, 21, "i"), Refused::Taken),
        (create_index(1, 20, "j"), Refused::Taken),
        (Effect::IndexReady { collection, index: IndexId(99) }, Refused::NoIndex),
        (Effect::DropIndex { collection, index: on_id }, Refused::NoIndex),
        (Effect::ModifyIndex { collection, index: IndexId(20), spec: other_key }, Refused::Spec),
        (Effect::DropCollection { id: CollectionId(9) }, Refused::NoCollection),
    ] {
        let mut changed = before.clone();
        assert_eq!(changed.change(&effect), Err(why), "{effect:?}");
        assert_eq!(changed, before);
    }
}

#[test]
fn every_change_of_a_collection_gives_it_a_new_version() {
    let mut catalog = catalog(&[create(1, "a.b", Layout::ById)]);
    let collection = CollectionId(1);
    let hidden = DocBuf::from(&doc! { "key": { "a": 1 }, "name": "i", "hidden": true });
    let mut last = catalog.collection(collection).unwrap().version;
    for effect in [
        create_index(1, 20, "i"),
        Effect::IndexReady { collection, index: IndexId(20) },
        Effect::ModifyIndex { collection, index: IndexId(20), spec: hidden },
        Effect::ModifyCollection { id: collection, options: DocBuf::from(&doc! { "a": 1 }) },
        Effect::RenameCollection { id: collection, to: namespace("a.c"), drop_target: None },
        Effect::DropIndex { collection, index: IndexId(20) },
    ] {
        catalog.change(&effect).unwrap();
        let version = catalog.collection(collection).unwrap().version;
        assert!(version > last, "{effect:?}");
        last = version;
    }
}

#[test]
fn a_copy_keeps_what_it_showed() {
    let before = catalog(&[create(1, "a.b", Layout::ById)]);
    let mut after = before.clone();
    after.change(&create_index(1, 20, "i")).unwrap();
    after.add_multikey(CollectionId(1), IndexId(20), 0b10);
    assert_eq!(before.collection(CollectionId(1)).unwrap().indexes.len(), 1);
    let index = after.collection(CollectionId(1)).unwrap().index(IndexId(20)).unwrap();
    assert!(index.is_field_multikey(1) && !index.is_field_multikey(0));
    assert!(!index.is_usable());
}

#[test]
fn a_record_comes_back_as_it_was_written() {
    let mut catalog = catalog(&[
        create(1, "a.b", Layout::ByRevision),
        create_index(1, 20, "i"),
        Effect::IndexReady { collection: CollectionId(1), index: IndexId(20) },
        create_index(1, 21, "j"),
    ]);
    catalog.add_multikey(CollectionId(1), IndexId(20), 1);
    let collection = catalog.collection(CollectionId(1)).unwrap();
    let bytes = collection.encode();
    assert_eq!(Collection::decode(&bytes).as_ref(), Ok(collection.as_ref()));
    for cut in 0..bytes.len() {
        assert!(Collection::decode(&bytes[..cut]).is_err(), "cut at {cut}");
    }
}

#[test]
fn specifications_are_read_for_what_storage_needs() {
    let spec = IndexSpec::parse(DocBuf::from(&doc! {
        "v": 2, "name": "n", "key": { "a": 1, "b": -1.0, "c": "hashed", "d.$**": 1 },
        "unique": 1, "sparse": true, "hidden": false, "expireAfterSeconds": 3600.0,
        "partialFilterExpression": { "a": 1 }, "collation": { "locale": "simple" },
    }))
    .unwrap();
    let orders: Vec<_> = spec.fields.iter().map(|field| field.order).collect();
    assert_eq!(
        orders,
        [FieldOrder::Ascending, FieldOrder::Descending, FieldOrder::Hashed, FieldOrder::Special]
    );
    assert!(spec.unique && spec.sparse && !spec.hidden && spec.order.collation().is_none());
    assert_eq!(spec.expire_after_seconds, Some(3600));
    assert_eq!(spec.partial_filter, Some(DocBuf::from(&doc! { "a": 1 })));
    for (document, error) in [
        (doc! { "key": { "a": 1 } }, SpecError::Name),
        (doc! { "name": "n" }, SpecError::Key),
        (doc! { "name": "n", "key": {} }, SpecError::Key),
    ] {
        assert_eq!(IndexSpec::parse(DocBuf::from(&document)), Err(error));
    }
}
