use crate::Persona;
use crate::stable_api::usage::Usage;
use crate::stable_api::{Declared, check_pipeline};
use crate::testing::Rig;
use crate::{Client, Parameters, Server};
use quire_bson::{Bson, DocBuf, DocBuilder, Document, RawValue, doc};
use std::sync::Arc;

/// A server for tests that was started with these parameters.
fn rig(given: &[(&str, &str)]) -> Rig {
    let Rig { server, client, host } = Rig::new();
    let Ok(mut server) = Arc::try_unwrap(server) else { panic!("nobody else has the server") };
    let all = [("enableTestCommands", "1")].into_iter().chain(given.iter().copied());
    let all = all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    server = Server { parameters: Parameters::new(Persona::default(), &all).unwrap(), ..server };
    Rig { server: Arc::new(server), client, host }
}

fn with(mut command: Document, declared: &Document) -> Document {
    command.extend(declared.clone());
    command
}

#[test]
fn a_declaration_that_makes_no_sense_is_refused() {
    let table = [
        (doc! {"apiVersion": "3"}, 322, "API version must be \"1\""),
        (doc! {"apiVersion": "2"}, 322, "Cannot accept API version 2"),
        (doc! {"apiStrict": false}, 4_886_600, "without passing apiVersion"),
        (doc! {"apiDeprecationErrors": true}, 4_886_600, "without passing apiVersion"),
        (doc! {"apiVersion": 1}, 14, "BSON field 'apiVersion' is the wrong type 'int'"),
        (doc! {"apiVersion": "1", "apiStrict": 1}, 14, "expected type 'bool'"),
    ];
    let rig = rig(&[]);
    for (declared, code, words) in table {
        let refused = rig.refused("test", with(doc! {"ping": 1}, &declared));
        assert_eq!(refused.0, code, "{declared}");
        assert!(refused.1.contains(words), "{declared}: {}", refused.1);
    }
    let second = self::rig(&[("acceptApiVersion2", "true")]);
    second.ok("test", doc! {"ping": 1, "apiVersion": "2"});
    let refused = second.refused("test", doc! {"ping": 1, "apiVersion": "x"});
    assert_eq!(refused, (322, "API version must be \"1\"".to_owned()));
}

#[test]
fn a_strict_client_gets_what_is_in_its_version() {
    let rig = rig(&[("acceptApiVersion2", "1")]);
    let table = [
        ("testVersion2", 323, 0),
        ("testVersions1And2", 0, 0),
        ("testDeprecation", 0, 323),
        ("testDeprecationInVersion2", 0, 0),
        ("testRemoval", 0, 323),
        ("isMaster", 323, 323),
        ("hello", 0, 323),
        ("buildInfo", 323, 323),
    ];
    for (name, in_first, in_second) in table {
        for (version, wanted) in [("1", in_first), ("2", in_second)] {
            let reply =
                rig.run("admin", doc! { name: 1, "apiVersion": version, "apiStrict": true });
            assert_eq!(reply.get_i32("code").unwrap_or(0), wanted, "{name} in {version}: {reply}");
            rig.ok("admin", doc! { name: 1, "apiVersion": version, "apiStrict": false });
        }
    }
    let (_, words) =
        rig.refused("db", doc! {"distinct": "c", "key": "x", "apiVersion": "1", "apiStrict": true});
    assert!(words.contains("command distinct is not in API Version 1"), "{words}");
}

#[test]
fn deprecation_is_an_error_only_for_who_asks_and_only_in_its_version() {
    let rig = rig(&[("acceptApiVersion2", "1")]);
    let table = [
        ("testDeprecation", "1", true),
        ("testDeprecation", "2", false),
        ("testDeprecationInVersion2", "1", false),
        ("testDeprecationInVersion2", "2", true),
    ];
    for (name, version, refused) in table {
        let command = doc! { name: 1, "apiVersion": version, "apiDeprecationErrors": true };
        if refused {
            let (code, words) = rig.refused("db", command);
            let expected = format!("command {name} is deprecated in API Version {version}");
            assert!(code == 324 && words.contains(&expected), "{code} {words}");
        } else {
            rig.ok("db", command);
        }
        rig.ok("db", doc! { name: 1, "apiVersion": version });
    }
}

#[test]
fn a_strict_client_is_refused_what_is_not_stable_inside_of_a_command() {
    let rig = rig(&[]);
    let text = vec![doc! {"key": {"a": "text"}, "name": "a"}];
    let sparse = vec![doc! {"key": {"a": 1}, "name": "a", "sparse": true}];
    let stage = |stage: Document| Bson::Array(vec![stage.into()]);
    let refused = [
        (doc! {"find": "c", "tailable": false}, "BSON field 'find.tailable'"),
        (doc! {"aggregate": "c", "pipeline": [], "cursor": {}, "explain": true}, "explain"),
        (
            doc! {"aggregate": 1, "pipeline": stage(doc! {"$listLocalSessions": {}}), "cursor": {}},
            "$listLocalSessions is not allowed with 'apiStrict: true' in API Version 1",
        ),
        (
            doc! {"create": "v", "viewOn": "c", "pipeline": stage(doc! {"$indexStats": {}})},
            "$indexStats",
        ),
        (doc! {"create": "v", "capped": true, "size": 4096}, "create.capped"),
        (doc! {"createIndexes": "c", "indexes": text}, "text"),
        (doc! {"createIndexes": "c", "indexes": sparse}, "sparse"),
        (doc! {"explain": {"find": "c", "returnKey": true}}, "find.returnKey"),
    ];
    let strict = doc! {"apiVersion": "1", "apiStrict": true};
    for (command, words) in refused {
        let (code, message) = rig.refused("db", with(command.clone(), &strict));
        assert!(code == 323 && message.contains(words), "{command}: {code} {message}");
    }
    rig.ok("db", with(doc! {"find": "c", "filter": {}, "batchSize": 1}, &strict));
    let count = stage(doc! {"$count": "n"});
    rig.ok("db", with(doc! {"aggregate": "c", "pipeline": count, "cursor": {}}, &strict));
}

#[test]
fn of_the_figures_of_a_collection_only_its_count_is_stable() {
    for (options, stable) in [(doc! {"count": {}}, true), (doc! {"storageStats": {}}, false)] {
        let stages = DocBuf::from(&doc! {"0": {"$collStats": options}});
        assert_eq!(check_pipeline(stages.as_raw()).is_ok(), stable);
    }
}

#[test]
fn a_cursor_is_read_under_the_api_under_which_it_was_opened() {
    let rig = rig(&[]);
    rig.ok("db", doc! {"insert": "c", "documents": [{}, {}, {}]});
    let declared = doc! {"apiVersion": "1", "apiStrict": true};
    let open = || {
        let found = rig.ok("db", with(doc! {"find": "c", "batchSize": 1}, &declared));
        found.get_document("cursor").unwrap().get_i64("id").unwrap()
    };
    rig.ok("db", with(doc! {"getMore": open(), "collection": "c"}, &declared));
    let refused = rig.refused("db", doc! {"getMore": open(), "collection": "c"});
    let words = "API parameter mismatch: getMore used params {}, the cursor-creating command used \
                 { apiVersion: \"1\", apiStrict: true }";
    assert_eq!(refused, (347, words.to_owned()));
}

#[test]
fn a_server_may_require_that_clients_declare_a_version() {
    let rig = rig(&[("requireApiVersion", "true")]);
    let (code, words) = rig.refused("admin", doc! {"hello": 1});
    assert!(code == 498_870 && words.contains("apiVersion parameter is required"), "{words}");
    rig.ok("admin", doc! {"setParameter": 1, "requireApiVersion": false, "apiVersion": "1"});
    rig.ok("admin", doc! {"ping": 1});
    rig.ok("admin", doc! {"setParameter": 1, "requireApiVersion": true});
    assert_eq!(rig.refused("admin", doc! {"ping": 1}).0, 498_870);
    rig.ok("admin", doc! {"ping": 1, "apiVersion": "1"});
}

fn named(name: &str) -> Client {
    let metadata = DocBuf::from(&doc! {
        "application": {"name": name},
        "driver": {"name": "d", "version": "1"},
        "os": {"type": "Linux"},
    });
    let client = Client::new(1, None);
    client.describe(RawValue::Document(metadata.as_raw())).unwrap();
    client
}

fn shown(usage: &Usage, now: i64) -> Document {
    let mut b = DocBuilder::new();
    usage.append(&mut b, now);
    b.finish().as_raw().to_document()
}

fn first_version() -> Declared {
    let mut declared = Declared::default();
    declared.read("apiVersion", RawValue::String("1")).unwrap();
    declared
}

#[test]
fn what_applications_declare_is_shown_for_a_day() {
    const HOUR: i64 = 3_600_000;
    let usage = Usage::default();
    usage.note(&named("a"), &first_version(), HOUR);
    usage.note(&named("a"), &Declared::default(), 3 * HOUR);
    usage.note(&named("zero\0byte"), &Declared::default(), 3 * HOUR);
    assert_eq!(shown(&usage, 4 * HOUR), doc! {"a": ["default", "1"]});
    assert_eq!(shown(&usage, 26 * HOUR), doc! {"a": ["default"]});
    assert_eq!(shown(&usage, 28 * HOUR), doc! {});
}

#[test]
fn more_applications_than_there_is_room_for_wait_until_others_are_forgotten() {
    let usage = Usage::default();
    for n in 0..1_001 {
        usage.note(&named(&format!("app{n}")), &first_version(), 1);
    }
    assert_eq!(shown(&usage, 2).len(), 1_000);
    let tomorrow = 25 * 3_600_000;
    usage.note(&named("late"), &first_version(), tomorrow);
    assert_eq!(shown(&usage, tomorrow), doc! {"late": ["1"]});
}

#[test]
fn the_figures_tell_what_each_application_declares() {
    let rig = rig(&[]);
    let client = doc! {
        "application": {"name": "shop"},
        "driver": {"name": "d", "version": "1"},
        "os": {"type": "Linux"},
    };
    rig.ok("admin", doc! {"hello": 1, "client": client});
    rig.ok("admin", doc! {"ping": 1, "apiVersion": "1"});
    let status = rig.ok("admin", doc! {"serverStatus": 1});
    let versions = status.get_document("metrics").unwrap().get_document("apiVersions").unwrap();
    assert_eq!(versions, &doc! {"shop": ["default", "1"]});
}
