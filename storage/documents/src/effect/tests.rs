use super::{CollectionName, Effect, Effects, Malformed, Names};
use crate::{
    CollectionId, IndexId, Layout, Namespace, SessionKey, ShownChange, StatementResult, Statements,
};
use proptest::prelude::*;
use quire_bson::{DocBuf, doc};
use quire_log::Timestamp;

fn document() -> impl Strategy<Value = DocBuf> {
    (any::<i64>(), ".{0,8}", proptest::collection::vec(any::<i32>(), 0..4)).prop_map(
        |(id, text, items)| DocBuf::from(&doc! { "_id": id, "text": text, "items": items }),
    )
}

fn spec() -> impl Strategy<Value = DocBuf> {
    ("[a-z]{1,6}", any::<bool>()).prop_map(|(field, unique)| {
        let name = format!("{field}_1");
        DocBuf::from(&doc! { "v": 2, "key": { field: 1 }, "name": name, "unique": unique })
    })
}

fn namespace() -> impl Strategy<Value = Namespace> {
    ("[a-z]{1,8}", "[a-z]{1,8}").prop_map(|(db, name)| Namespace::new(&db, &name).unwrap())
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..200)
}

fn collection() -> impl Strategy<Value = CollectionId> {
    any::<u32>().prop_map(CollectionId)
}

fn index() -> impl Strategy<Value = IndexId> {
    any::<u32>().prop_map(IndexId)
}

fn revision() -> impl Strategy<Value = Timestamp> {
    any::<u64>().prop_map(Timestamp)
}

fn partial() -> impl Strategy<Value = Vec<IndexId>> {
    proptest::collection::vec(index(), 0..3)
}

fn row_effect() -> impl Strategy<Value = Effect> {
    let rows = proptest::collection::vec((bytes(), revision()), 0..4);
    prop_oneof![
        (collection(), revision(), document(), partial()).prop_map(
            |(collection, revision, doc, partial)| {
                Effect::InsertRow { collection, revision, doc, partial }
            }
        ),
        (collection(), bytes(), revision(), document(), partial()).prop_map(
            |(collection, row_key, revision, doc, partial)| {
                Effect::ReplaceRow { collection, row_key, revision, doc, partial }
            }
        ),
        (collection(), bytes(), revision(), proptest::option::of(document())).prop_map(
            |(collection, row_key, revision, id)| {
                Effect::DeleteRow { collection, row_key, revision, id }
            }
        ),
        (collection(), index(), rows).prop_map(|(collection, index, rows)| Effect::IndexRows {
            collection,
            index,
            rows
        }),
    ]
}

fn catalog_effect() -> impl Strategy<Value = Effect> {
    let layout = prop_oneof![Just(Layout::ById), Just(Layout::ByRevision), Just(Layout::View)];
    prop_oneof![
        (collection(), namespace(), any::<[u8; 16]>(), document(), layout, index()).prop_map(
            |(id, namespace, uuid, options, layout, id_index)| Effect::CreateCollection {
                id,
                namespace,
                uuid,
                options,
                layout,
                id_index
            }
        ),
        collection().prop_map(|id| Effect::DropCollection { id }),
        (collection(), namespace(), proptest::option::of(collection()))
            .prop_map(|(id, to, drop_target)| Effect::RenameCollection { id, to, drop_target }),
        (collection(), document())
            .prop_map(|(id, options)| Effect::ModifyCollection { id, options }),
        (collection(), index(), spec()).prop_map(|(collection, id, spec)| Effect::CreateIndex {
            collection,
            id,
            spec
        }),
        (collection(), index())
            .prop_map(|(collection, index)| Effect::IndexReady { collection, index }),
        (collection(), index())
            .prop_map(|(collection, index)| Effect::DropIndex { collection, index }),
        (collection(), index(), spec()).prop_map(|(collection, index, spec)| Effect::ModifyIndex {
            collection,
            index,
            spec
        }),
    ]
}

fn session() -> impl Strategy<Value = SessionKey> {
    (any::<[u8; 16]>(), any::<[u8; 32]>()).prop_map(|(id, user)| SessionKey { id, user })
}

fn result() -> impl Strategy<Value = StatementResult> {
    let change = prop_oneof![
        Just(ShownChange::Updated),
        Just(ShownChange::Upserted),
        Just(ShownChange::Deleted)
    ];
    prop_oneof![
        Just(StatementResult::Inserted),
        Just(StatementResult::Updated),
        document().prop_map(StatementResult::Upserted),
        Just(StatementResult::Deleted),
        (change, any::<bool>(), document())
            .prop_map(|(change, after, reply)| { StatementResult::Shown { change, after, reply } }),
    ]
}

fn session_effect() -> impl Strategy<Value = Effect> {
    let one = (any::<i32>(), any::<u32>(), result())
        .prop_map(|(first, count, result)| Statements { first, count, result });
    let statements = proptest::collection::vec(one, 0..4);
    prop_oneof![
        (session(), any::<i64>(), revision(), statements).prop_map(
            |(session, number, revision, statements)| {
                Effect::RecordStatements { session, number, revision, statements }
            }
        ),
        (session(), revision())
            .prop_map(|(session, revision)| Effect::ForgetSession { session, revision }),
    ]
}

fn effect() -> impl Strategy<Value = Effect> {
    prop_oneof![
        row_effect(),
        catalog_effect(),
        session_effect(),
        document().prop_map(|note| Effect::Noop { note }),
    ]
}

fn names() -> impl Strategy<Value = Names> {
    let name = (collection(), any::<[u8; 16]>(), namespace())
        .prop_map(|(id, uuid, namespace)| CollectionName { id, uuid, namespace });
    let collections = proptest::collection::vec(name, 0..3);
    let indexes = proptest::collection::vec((index(), document()), 0..2);
    (collections, indexes).prop_map(|(collections, indexes)| Names { collections, indexes })
}

fn effects() -> impl Strategy<Value = Effects> {
    let list = proptest::collection::vec(effect(), 0..6);
    (any::<i64>(), names(), list).prop_map(|(wall_millis, names, effects)| Effects {
        wall_millis,
        names,
        effects,
    })
}

proptest! {
    #[test]
    fn effects_come_back_as_they_were_written(effects in effects()) {
        prop_assert_eq!(Effects::decode(&effects.encode()), Ok(effects));
    }

    #[test]
    fn cut_effects_are_refused(effects in effects(), part in 0.0..1.0_f64) {
        let bytes = effects.encode();
        let cut = (bytes.len() as f64 * part) as usize;
        prop_assert!(Effects::decode(&bytes[..cut]).is_err());
    }

    /// What a damaged payload decodes to has that payload as its only encoding.
    #[test]
    fn damaged_effects_are_refused_or_mean_something_else(
        effects in effects(), at in any::<prop::sample::Index>(), bit in 0..8_u8,
    ) {
        let mut bytes = effects.encode();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(other) = Effects::decode(&bytes) {
            prop_assert_ne!(&other, &effects);
            prop_assert_eq!(other.encode(), bytes);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(mut bytes in bytes()) {
        let _ = Effects::decode(&bytes);
        // past the version, so that the rest is reached
        for version in 1..=2 {
            bytes.insert(0, version);
            let _ = Effects::decode(&bytes);
        }
    }
}

#[test]
fn an_unknown_version_is_named() {
    let mut bytes = Effects::default().encode();
    bytes[0] = 9;
    assert_eq!(Effects::decode(&bytes), Err(Malformed::Format(9)));
}

#[test]
fn a_length_beyond_the_payload_allocates_nothing() {
    const MANY: &[u8] = &[0xFF, 0xFF, 0xFF, 0xFF, 0x0F];
    // version, wall clock, no names of collections or indexes, then four thousand million effects
    for before in [&[][..], &[0], &[0, 0]] {
        let bytes = [&[2][..], &[0; 8], before, MANY].concat();
        assert_eq!(Effects::decode(&bytes), Err(Malformed::Short));
    }
}

fn deletion(id: Option<DocBuf>) -> Effect {
    let (row_key, revision) = (vec![0xAA], Timestamp::new(3, 4));
    Effect::DeleteRow { collection: CollectionId(2), row_key, revision, id }
}

#[test]
fn the_bytes_of_an_effect_are_those_of_the_table() {
    let collection = CollectionName {
        id: CollectionId(2),
        uuid: [7; 16],
        namespace: Namespace::new("d", "cc").unwrap(),
    };
    let effects = Effects {
        wall_millis: 1,
        names: Names { collections: vec![collection], indexes: Vec::new() },
        effects: vec![deletion(Some(DocBuf::from(&doc! { "_id": 5_i32 })))],
    };
    let expected = [
        &[2][..],
        &[1, 0, 0, 0, 0, 0, 0, 0],
        &[1, 2, 0, 0, 0],
        &[7; 16],
        &[1, b'd', 2, b'c', b'c'],
        &[0],
        &[1],
        &[3, 2, 0, 0, 0, 1, 0xAA, 4, 0, 0, 0, 3, 0, 0, 0],
        &[1, 14, 0, 0, 0, 0x10, b'_', b'i', b'd', 0, 5, 0, 0, 0, 0],
    ]
    .concat();
    assert_eq!(effects.encode(), expected);
    assert!(effects.names.encoded_bytes() >= 26);
}

#[test]
fn entries_of_the_first_version_are_read() {
    let written = [
        &[1][..],
        &[1, 0, 0, 0, 0, 0, 0, 0],
        &[0],
        &[1],
        &[3, 2, 0, 0, 0, 1, 0xAA, 4, 0, 0, 0, 3, 0, 0, 0],
    ]
    .concat();
    let effects = vec![deletion(None)];
    let expected = Effects { wall_millis: 1, effects, ..Effects::default() };
    assert_eq!(Effects::decode(&written), Ok(expected));
}
