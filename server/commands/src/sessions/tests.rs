use super::{NOBODY, SessionKey};
use crate::testing::{Rig, block_on, first_batch};
use quire_bson::{Binary, BinarySubtype, Bson, DateTime, Document, doc};
use quire_replset::set::{Notice, SessionUse, SessionUses};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

fn key(n: u8) -> SessionKey {
    SessionKey { id: [n; 16], user: NOBODY }
}

fn uuid(n: u8) -> Binary {
    Binary { subtype: BinarySubtype::Uuid, bytes: vec![n; 16] }
}

fn lsid(n: u8) -> Document {
    doc! {"id": uuid(n)}
}

fn use_session(rig: &Rig, n: u8) {
    rig.ok("admin", doc! {"ping": 1, "lsid": lsid(n)});
}

fn refresh(rig: &Rig) {
    block_on(rig.server.refresh_sessions()).unwrap();
}

/// The ids in the collection, as their first bytes.
fn stored(rig: &Rig) -> Vec<u8> {
    ids(&rig.stored("config", "system.sessions"))
}

fn ids(documents: &[Document]) -> Vec<u8> {
    let id = |doc: &Document| match doc.get_document("_id").unwrap().get("id") {
        Some(Bson::Binary(id)) => id.bytes[0],
        other => panic!("{other:?}"),
    };
    documents.iter().map(id).collect()
}

/// A cursor of a session over three documents.
fn open_cursor(rig: &Rig, n: u8, no_timeout: bool) -> i64 {
    let documents = [doc! {"_id": 1}, doc! {"_id": 2}, doc! {"_id": 3}];
    rig.run("db", doc! {"insert": "c", "documents": documents.to_vec()});
    let find = doc! {
        "find": "c", "batchSize": 1, "noCursorTimeout": no_timeout, "lsid": lsid(n),
    };
    rig.ok("db", find).get_document("cursor").unwrap().get_i64("id").unwrap()
}

fn open_cursors(rig: &Rig) -> u64 {
    rig.server.cursors.counts().open
}

#[test]
fn sessions_are_bounded() {
    let rig = Rig::new();
    let sessions = &rig.server.sessions;
    sessions.touch(&key(1), 1_000, 1).unwrap();
    let refused = sessions.touch(&key(2), 1_000, 1).unwrap_err();
    assert_eq!(refused.code().number(), 261);
    sessions.touch(&key(1), 2_000, 1).unwrap();
}

#[test]
fn a_refresh_stores_what_was_used_and_takes_out_what_ended() {
    for rig in [Rig::primary(), Rig::new()] {
        refresh(&rig);
        assert!(rig.server.documents.catalog().find_by_name("config", "system.sessions").is_none());
        use_session(&rig, 1);
        use_session(&rig, 2);
        refresh(&rig);
        assert_eq!(stored(&rig), [1, 2]);
        rig.host.advance(MINUTE);
        use_session(&rig, 2);
        rig.ok("admin", doc! {"endSessions": [lsid(1)]});
        refresh(&rig);
        let documents = rig.stored("config", "system.sessions");
        assert_eq!(ids(&documents), [2]);
        let id = documents[0].get_document("_id").unwrap();
        assert_eq!(id.keys().collect::<Vec<_>>(), ["id", "uid"]);
        let now = DateTime::from_millis(rig.server.now_millis());
        assert_eq!(documents[0].get("lastUse"), Some(&Bson::DateTime(now)));
    }
}

#[test]
fn stored_sessions_expire_by_an_index_that_follows_the_parameter() {
    let rig = Rig::primary();
    use_session(&rig, 1);
    refresh(&rig);
    let indexes = rig.ok("config", doc! {"listIndexes": "system.sessions"});
    let index = &first_batch(&indexes)[1];
    assert_eq!(index.get_str("name").unwrap(), "lsidTTLIndex");
    assert_eq!(index.get_document("key").unwrap(), &doc! {"lastUse": 1});
    assert_eq!(index.get_i32("expireAfterSeconds").unwrap(), 1800);
    let change = doc! {"name": "lsidTTLIndex", "expireAfterSeconds": 60};
    rig.ok("config", doc! {"collMod": "system.sessions", "index": change});
    use_session(&rig, 1);
    refresh(&rig);
    rig.host.advance(29 * MINUTE);
    block_on(rig.server.ttl_pass());
    assert_eq!(stored(&rig), [1]);
    rig.host.advance(2 * MINUTE);
    block_on(rig.server.ttl_pass());
    assert_eq!(stored(&rig), [] as [u8; 0]);
}

#[test]
fn a_collection_that_was_dropped_is_made_again() {
    let rig = Rig::primary();
    use_session(&rig, 1);
    refresh(&rig);
    rig.ok("config", doc! {"drop": "system.sessions"});
    use_session(&rig, 1);
    refresh(&rig);
    assert_eq!(stored(&rig), [1]);
    rig.ok("config", doc! {"dropIndexes": "system.sessions", "index": "lsidTTLIndex"});
    rig.host.advance(MINUTE);
    use_session(&rig, 1);
    refresh(&rig);
    let indexes = rig.ok("config", doc! {"listIndexes": "system.sessions"});
    assert_eq!(first_batch(&indexes).len(), 2);
}

#[test]
fn what_another_member_tells_is_stored_with_the_next_refresh() {
    let rig = Rig::primary();
    use_session(&rig, 1);
    refresh(&rig);
    let seen = rig.server.told_of_sessions_seen();
    let at_millis = rig.server.now_millis();
    let used = vec![SessionUse { session: key(2), at_millis }];
    rig.server.told(Notice::Sessions(SessionUses { used, ended: vec![key(1)] }));
    block_on(rig.server.told_of_sessions(seen));
    refresh(&rig);
    assert_eq!(stored(&rig), [2]);
    assert_eq!(rig.server.sessions.count(), 0, "the session is not one of this member's");
}

#[test]
fn what_could_not_be_stored_is_kept_for_the_next_time() {
    let rig = Rig::secondary();
    use_session(&rig, 1);
    assert!(block_on(rig.server.refresh_sessions()).is_err());
    assert_eq!(rig.server.sessions.take_changes().used.len(), 1);
}

#[test]
fn many_sessions_that_were_stored_make_room_unless_they_have_cursors() {
    let rig = Rig::primary();
    open_cursor(&rig, 1, false);
    let most = rig.server.parameters.sessions_max() / 2;
    let now = rig.server.now_millis();
    refresh(&rig);
    for n in 0..most {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&(n as u64).to_be_bytes());
        let key = SessionKey { id, user: NOBODY };
        rig.server.sessions.touch(&key, now, usize::MAX).unwrap();
    }
    rig.server.sessions.take_changes();
    refresh(&rig);
    assert_eq!(rig.server.sessions.count(), 1);
    assert_eq!(open_cursors(&rig), 1);
}

#[test]
fn sessions_of_all_members_are_listed_from_their_collection() {
    let rig = Rig::primary();
    let other = Binary { subtype: BinarySubtype::Generic, bytes: vec![7; 32] };
    use_session(&rig, 1);
    rig.ok("admin", doc! {"ping": 1, "lsid": {"id": uuid(2), "uid": other}});
    refresh(&rig);
    let list = |options: Document| {
        let pipeline = vec![doc! {"$listSessions": options}, doc! {"$sort": {"_id.id": 1}}];
        doc! {"aggregate": "system.sessions", "pipeline": pipeline, "cursor": {}}
    };
    let local = |options: Document| {
        let pipeline = vec![doc! {"$listLocalSessions": options}];
        doc! {"aggregate": 1, "pipeline": pipeline, "cursor": {}}
    };
    let somebody = vec![doc! {"user": "u", "db": "admin"}];
    for (options, shown) in [
        (doc! {}, vec![1]),
        (doc! {"users": []}, vec![1]),
        (doc! {"allUsers": true}, vec![1, 2]),
        (doc! {"users": somebody.clone()}, vec![]),
    ] {
        let listed = first_batch(&rig.ok("config", list(options.clone())));
        assert_eq!(ids(&listed), shown, "{options}");
        let listed = first_batch(&rig.ok("admin", local(options.clone())));
        assert_eq!(ids(&listed), shown, "{options}");
    }
    for (options, code) in [
        (doc! {"allUsers": true, "users": somebody}, 12),
        (doc! {"users": [{"user": "u"}]}, 40414),
        (doc! {"users": [1]}, 14),
        (doc! {"allUsers": 1}, 14),
        (doc! {"foo": 1}, 40415),
    ] {
        assert_eq!(rig.refused("config", list(options.clone())).0, code, "{options}");
    }
    let pipeline = vec![doc! {"$listSessions": {}}];
    let elsewhere = doc! {"aggregate": "c", "pipeline": pipeline, "cursor": {}};
    assert_eq!(rig.refused("db", elsewhere).0, 73);
}

#[test]
fn a_session_that_nobody_used_is_over_with_its_cursors() {
    let rig = Rig::new();
    open_cursor(&rig, 1, true);
    open_cursor(&rig, 2, true);
    rig.host.advance(29 * MINUTE);
    use_session(&rig, 2);
    rig.host.advance(2 * MINUTE);
    rig.server.expire_idle();
    assert_eq!((open_cursors(&rig), rig.server.sessions.count()), (1, 1));
}

#[test]
fn a_session_that_another_member_used_keeps_its_cursors() {
    let rig = Rig::primary();
    open_cursor(&rig, 1, false);
    open_cursor(&rig, 2, false);
    rig.host.advance(29 * MINUTE);
    let at_millis = rig.server.now_millis();
    let used = vec![SessionUse { session: key(1), at_millis }];
    rig.server.told(Notice::Sessions(SessionUses { used, ended: Vec::new() }));
    refresh(&rig);
    rig.host.advance(2 * MINUTE);
    rig.server.expire_idle();
    assert_eq!(open_cursors(&rig), 1);
    assert!(rig.server.sessions.is_known(&key(1)));
}

#[test]
fn cursors_of_sessions_time_out_only_where_they_shall() {
    let rig = Rig::new();
    rig.ok("admin", doc! {"setParameter": 1, "cursorTimeoutMillis": 1_i64});
    open_cursor(&rig, 1, false);
    std::thread::sleep(Duration::from_millis(5));
    rig.server.expire_idle();
    assert_eq!(open_cursors(&rig), 1);
    rig.ok("admin", doc! {"setParameter": 1, "enableTimeoutOfInactiveSessionCursors": true});
    open_cursor(&rig, 1, true);
    rig.server.expire_idle();
    assert_eq!(open_cursors(&rig), 1);
}

#[test]
fn the_jobs_around_sessions_are_counted() {
    let rig = Rig::primary();
    use_session(&rig, 1);
    refresh(&rig);
    let status = rig.ok("admin", doc! {"serverStatus": 1});
    let cache = status.get_document("logicalSessionRecordCache").unwrap();
    assert_eq!(cache.get_i32("activeSessionsCount").unwrap(), 1);
    assert_eq!(cache.get_i32("sessionsCollectionJobCount").unwrap(), 1);
    assert_eq!(cache.get_i32("lastSessionsCollectionJobEntriesRefreshed").unwrap(), 1);
}
