//! Whole launches from made-up surroundings: precedence, every flag, every refusal.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Launch, Source, load};
use crate::setting::{Gives, Kind, Setting, Support};
use crate::table::{self, SETTINGS};
use crate::{
    Compressor, LogDestination, LogRotation, Oplog, ProfileMode, Refusal, Settings, StorageEngine,
    Warning,
};

/// A launch with this file (as `/etc/mongod.conf`), these variables and this command line.
fn launch(file: &str, variables: &[(&str, &str)], words: &[&str]) -> Result<Launch, Refusal> {
    let read_file = |path: &Path| {
        if path == Path::new("/etc/mongod.conf") {
            Ok(file.to_owned())
        } else {
            Err(io::Error::from(io::ErrorKind::NotFound))
        }
    };
    let mut argv = vec![OsString::from("quired")];
    if !file.is_empty() {
        argv.extend(["-f", "/etc/mongod.conf"].map(OsString::from));
    }
    argv.extend(words.iter().map(OsString::from));
    let environment = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
    load(Source { argv, environment, read_file: &read_file })
}

fn settings(file: &str, variables: &[(&str, &str)], words: &[&str]) -> Settings {
    match launch(file, variables, words) {
        Ok(Launch::Run(settings)) => *settings,
        other => panic!("{file:?} {variables:?} {words:?}: {other:?}"),
    }
}

fn flags(words: &[&str]) -> Settings {
    settings("", &[], words)
}

fn refusal(file: &str, variables: &[(&str, &str)], words: &[&str]) -> String {
    match launch(file, variables, words) {
        Err(refusal) => {
            assert_eq!(refusal.exit_code, 2, "{refusal}");
            assert!(!refusal.message.contains('\n'), "{refusal}");
            refusal.message
        }
        Ok(launch) => panic!("{file:?} {variables:?} {words:?} was accepted: {launch:?}"),
    }
}

#[test]
fn flags_win_over_environment_over_file_over_defaults() {
    let file = "net: { port: 1001 }";
    let variable = [("QUIRE_NET_PORT", "1002")];
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str], u16);
    let cases: [Case<'_>; 7] = [
        ("", &[], &[], 27017),
        (file, &[], &[], 1001),
        ("", &variable, &[], 1002),
        (file, &variable, &[], 1002),
        ("", &[], &["--port", "1003"], 1003),
        (file, &[], &["--port", "1003"], 1003),
        (file, &variable, &["--port", "1003"], 1003),
    ];
    for (file, variables, words, port) in cases {
        assert_eq!(settings(file, variables, words).net.port, port);
    }
}

#[test]
fn server_parameters_of_all_layers_come_together_name_by_name() {
    let settings = settings(
        "setParameter: { a: 1, b: true, c: { mode: alwaysOn }, failpoint.x: 0.5 }",
        &[("QUIRE_SET_PARAMETER_b", "from environment")],
        &["--setParameter", "d={\"k\": [1]}", "--setParameter=e=x=y"],
    );
    let found: Vec<(&str, &str)> =
        settings.parameters.iter().map(|(name, value)| (&**name, &**value)).collect();
    let expected = [
        ("a", "1"),
        ("b", "from environment"),
        ("c", "{\"mode\":\"alwaysOn\"}"),
        ("d", "{\"k\": [1]}"),
        ("e", "x=y"),
        ("failpoint.x", "0.5"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn nothing_said_gives_the_defaults_of_mongod() {
    let settings = flags(&[]);
    assert_eq!(settings.net.addresses, ["127.0.0.1"]);
    assert_eq!(settings.net.max_incoming_connections, 1_000_000);
    assert_eq!(settings.net.compressors, [Compressor::Snappy, Compressor::Zstd, Compressor::Zlib]);
    assert_eq!(settings.net.admin, None);
    let sockets = settings.net.unix_sockets.expect("on by default");
    assert_eq!(sockets.path(27017), PathBuf::from("/tmp/mongodb-27017.sock"));
    assert_eq!(sockets.permissions, 0o700);
    assert_eq!(settings.storage.db_path, PathBuf::from("/data/db"));
    assert_eq!(settings.storage.engine, StorageEngine::WiredTiger);
    assert_eq!(settings.storage.cache_bytes, None);
    assert_eq!(settings.log.destination, LogDestination::Stdout);
    assert_eq!(settings.log.verbosity, 0);
    assert_eq!(settings.profiling.slow_operation_ms, 100);
    assert_eq!(settings.profiling.mode, ProfileMode::Off);
    assert_eq!(settings.security.key_file, None);
    assert_eq!(settings.replica_set, None);
    assert!(!settings.storage.repair);
    assert_eq!(settings.parsed, json!({}));
    assert_eq!(settings.warnings, []);
}

#[test]
fn bind_addresses_are_spelled_out() {
    let cases: [(&[&str], &[&str]); 7] = [
        (&["--ipv6"], &["127.0.0.1", "::1"]),
        (&["--bind_ip", "127.0.0.1, example.org"], &["127.0.0.1", "example.org"]),
        (&["--bind_ip", "localhost,127.0.0.1"], &["127.0.0.1"]),
        (&["--bind_ip_all"], &["0.0.0.0"]),
        (&["--bind_ip_all", "--ipv6"], &["0.0.0.0", "::"]),
        (&["--bind_ip", "*"], &["0.0.0.0"]),
        (&["--bind_ip", "::1", "--ipv6"], &["::1"]),
    ];
    for (words, addresses) in cases {
        assert_eq!(flags(words).net.addresses, addresses, "{words:?}");
    }
    let all = settings("net: { bindIpAll: true }", &[], &[]);
    assert_eq!(all.net.addresses, ["0.0.0.0"]);
    let one = settings("net: { bindIpAll: false, bindIp: 10.0.0.1 }", &[], &[]);
    assert_eq!(one.net.addresses, ["10.0.0.1"]);
    let socket = flags(&["--bind_ip", "127.0.0.1,/run/quire.sock"]).net;
    assert_eq!(socket.addresses, ["127.0.0.1"]);
    assert_eq!(socket.unix_sockets.expect("on").paths, [PathBuf::from("/run/quire.sock")]);
}

#[test]
fn effective_flags_reach_their_fields() {
    let settings = flags(&[
        "-vvv",
        "--quiet",
        "--dbpath=/d",
        "--storageEngine",
        "inMemory",
        "--wiredTigerCacheSizeGB",
        "0.5",
        "-port",
        "0",
        "--maxConns",
        "99",
        "--listenBacklog",
        "7",
        "--unixSocketPrefix",
        "/run",
        "--filePermissions",
        "0770",
        "--networkMessageCompressors",
        "zlib",
        "--httpPort",
        "9216",
        "--logpath",
        "/l",
        "--logappend",
        "--logRotate",
        "reopen",
        "--fork",
        "--pidfilepath",
        "/p",
        "--slowms",
        "-1",
        "--slowOpSampleRate",
        "0.25",
        "--profile",
        "2",
    ]);
    assert_eq!(settings.log.verbosity, 3);
    assert!(settings.log.quiet);
    assert_eq!(
        settings.log.destination,
        LogDestination::File { path: "/l".into(), append: true, rotation: LogRotation::Reopen }
    );
    assert_eq!(settings.storage.db_path, PathBuf::from("/d"));
    assert_eq!(settings.storage.engine, StorageEngine::InMemory);
    assert!(!settings.storage.engine.is_durable());
    assert_eq!(settings.storage.engine.name(), "inMemory");
    assert_eq!(settings.storage.cache_bytes, Some(512 << 20));
    assert_eq!(settings.net.port, 0);
    assert_eq!(settings.net.max_incoming_connections, 99);
    assert_eq!(settings.net.listen_backlog, Some(7));
    let sockets = settings.net.unix_sockets.expect("on");
    assert_eq!((sockets.path(5), sockets.permissions), ("/run/mongodb-5.sock".into(), 0o770));
    assert_eq!(settings.net.compressors, [Compressor::Zlib]);
    assert_eq!(settings.net.admin, Some(([127, 0, 0, 1], 9216).into()));
    assert!(settings.process.fork);
    assert_eq!(settings.process.pid_file, Some("/p".into()));
    assert_eq!(settings.profiling.slow_operation_ms, -1);
    assert!((settings.profiling.sample_rate - 0.25).abs() < f64::EPSILON);
    assert_eq!(settings.profiling.mode, ProfileMode::All);
    assert_eq!(settings.warnings, []);
}

#[test]
fn compressors_can_be_disabled_and_unix_sockets_too() {
    let net = flags(&["--networkMessageCompressors", "disabled", "--nounixsocket"]).net;
    assert_eq!(net.compressors, []);
    assert_eq!(net.unix_sockets, None);
}

#[test]
fn verbosity_has_many_spellings() {
    let cases: [(&[&str], u8); 6] = [
        (&["-v"], 1),
        (&["-vvvvv"], 5),
        (&["--verbose"], 1),
        (&["--verbose", "--quiet"], 1),
        (&["--verbose=vv"], 2),
        (&["--verbose", "vvv"], 3),
    ];
    for (words, level) in cases {
        assert_eq!(flags(words).log.verbosity, level, "{words:?}");
    }
}

#[test]
fn components_of_the_log_have_their_own_verbosity() {
    let settings = settings(
        "systemLog: { component: { network: { verbosity: 2, asio: { verbosity: 3 } } } }\n\
         systemLog.component.write.verbosity: 1",
        &[("QUIRE_SYSTEM_LOG_COMPONENT_ACCESS_CONTROL_VERBOSITY", "4")],
        &[],
    );
    let found: Vec<(&str, u8)> =
        settings.log.components.iter().map(|(name, level)| (&**name, *level)).collect();
    let expected = [("accessControl", 4), ("network", 2), ("network.asio", 3), ("write", 1)];
    assert_eq!(found, expected);
}

/// A value that a setting of this kind takes.
fn sample(setting: &Setting) -> &'static str {
    if let Support::Refused { harmless: [first, ..], .. } = setting.support {
        return first;
    }
    match setting.kind {
        Kind::Bool => "true",
        Kind::Float { .. } => "1",
        Kind::Int { .. } | Kind::Verbosity => "5",
        Kind::Choice(words) => words[0],
        Kind::List if setting.key == "net.compression.compressors" => "snappy",
        Kind::Text if setting.key.ends_with("filePermissions") => "0700",
        Kind::Text if setting.key == "net.http.bindIp" => "127.0.0.1",
        Kind::Parameters => "a=1",
        _ => "word",
    }
}

/// What a setting is refused without.
fn company(setting: &Setting) -> &'static [&'static str] {
    match setting.key {
        "processManagement.fork" | "systemLog.destination" | "systemLog.logRotate" => {
            &["--logpath", "/l"]
        }
        "replication.initiate" => &["--replSet", "rs0"],
        _ => &[],
    }
}

fn warnings_of(launched: Result<Launch, Refusal>, name: &str) -> Vec<Warning> {
    match launched {
        Ok(Launch::Run(settings)) => settings.warnings,
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn every_flag_is_read_and_does_what_its_row_says() {
    for setting in SETTINGS {
        for flag in setting.flags {
            let name = format!("--{}", flag.name);
            let (words, value) = match flag.gives {
                Gives::Value | Gives::Optional(_) => {
                    let value = sample(setting);
                    (vec![format!("{name}={value}")], value)
                }
                Gives::Mapped(pairs) => (vec![name.clone(), pairs[0].0.to_owned()], pairs[0].1),
                Gives::Constant(value) => (vec![name.clone()], value),
            };
            let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
            words.extend(company(setting));
            let launched = launch("", &[], &words);
            match setting.support {
                Support::Refused { harmless, because } if !harmless.contains(&value) => {
                    let refusal = launched.expect_err(&name);
                    assert!(refusal.message.ends_with(because), "{name}: {refusal}");
                    assert!(refusal.message.contains(setting.key), "{name}: {refusal}");
                }
                Support::Effective | Support::Refused { .. } => {
                    assert_eq!(warnings_of(launched, &name), []);
                }
                Support::Unprotected { refused, because, .. } if refused.contains(&value) => {
                    let refusal = launched.expect_err(&name);
                    assert!(refusal.message.contains(value), "{name}: {refusal}");
                    assert!(refusal.message.ends_with(because), "{name}: {refusal}");
                }
                Support::Unprotected { harmless, .. } if harmless.contains(&value) => {
                    assert_eq!(warnings_of(launched, &name), []);
                }
                Support::Unprotected { because, .. } => {
                    let warnings = warnings_of(launched, &name);
                    assert_eq!(warnings.len(), 1, "{name}");
                    assert!(warnings[0].text.ends_with(because), "{name}: {warnings:?}");
                    assert!(warnings[0].text.contains(setting.key), "{name}: {warnings:?}");
                    assert!(warnings[0].about_protection, "{name}");
                }
                Support::Ignored(why) => {
                    let warnings = warnings_of(launched, &name);
                    assert_eq!(warnings.len(), 1, "{name}");
                    assert!(warnings[0].text.ends_with(why), "{name}");
                    assert!(!warnings[0].about_protection, "{name}");
                }
            }
        }
    }
}

#[test]
fn every_key_is_read_from_the_file_and_from_the_environment() {
    for setting in SETTINGS {
        if matches!(setting.kind, Kind::Parameters | Kind::Components) {
            continue;
        }
        let value = sample(setting);
        let words = company(setting);
        let refused = matches!(setting.support, Support::Refused { harmless: [], .. });
        let mut files = vec![format!("{}: {value}", setting.key)];
        files.extend(setting.aliases.iter().map(|alias| {
            let word = alias.values.iter().find(|(_, means)| *means == value);
            format!("{}: {}", alias.key, word.map_or(value, |(word, _)| word))
        }));
        for file in files.iter().filter(|file| !file.starts_with("net.bindIpAll")) {
            assert_eq!(launch(file, &[], words).is_err(), refused, "{file}");
        }
        let name = setting.environment_name();
        assert_eq!(launch("", &[(&name, value)], words).is_err(), refused, "{name}");
    }
}

#[test]
fn no_two_settings_share_a_spelling() {
    let mut seen = std::collections::BTreeSet::new();
    for setting in SETTINGS {
        assert!(seen.insert(setting.key.to_owned()), "{}", setting.key);
        assert!(seen.insert(setting.environment_name()), "{}", setting.environment_name());
        for alias in setting.aliases {
            assert!(seen.insert(alias.key.to_owned()), "{}", alias.key);
        }
        for flag in setting.flags {
            assert!(seen.insert(format!("--{}", flag.name)), "--{}", flag.name);
        }
    }
}

#[test]
fn environment_names_split_words_and_keep_abbreviations() {
    let cases = [
        ("net.port", "QUIRE_NET_PORT"),
        ("net.bindIp", "QUIRE_NET_BIND_IP"),
        ("net.ipv6", "QUIRE_NET_IPV6"),
        ("storage.dbPath", "QUIRE_STORAGE_DB_PATH"),
        ("net.tls.CAFile", "QUIRE_NET_TLS_CAFILE"),
        (
            "storage.wiredTiger.engineConfig.cacheSizeGB",
            "QUIRE_STORAGE_WIRED_TIGER_ENGINE_CONFIG_CACHE_SIZE_GB",
        ),
    ];
    for (key, name) in cases {
        assert_eq!(table::by_key(key).map(Setting::environment_name).as_deref(), Some(name));
    }
}

#[test]
fn variables_that_only_look_like_ours_are_left_alone() {
    let variables = [
        ("QUIRE_SERVICE_HOST", "10.0.0.1"),
        ("QUIRE_PORT_27017_TCP", "tcp://10.0.0.1:27017"),
        ("QUIRE_CACHE", "/cache"),
        ("PATH", "/bin"),
    ];
    assert_eq!(settings("", &variables, &[]), flags(&[]));
}

#[test]
fn parsed_shows_what_was_set_and_nothing_else() {
    let settings = settings(
        "storage: { dbPath: /d }\nsetParameter: { a: 1 }",
        &[("QUIRE_OPERATION_PROFILING_SLOW_OP_THRESHOLD_MS", "7")],
        &["--port", "5", "--bind_ip_all", "--noauth", "--logpath", "/l", "--setParameter", "b.c=x"],
    );
    let expected = json!({
        "config": "/etc/mongod.conf",
        "net": { "port": 5, "bindIp": "*" },
        "operationProfiling": { "slowOpThresholdMs": 7 },
        "security": { "authorization": "disabled" },
        "setParameter": { "a": "1", "b.c": "x" },
        "storage": { "dbPath": "/d" },
        "systemLog": { "destination": "file", "path": "/l" },
    });
    assert_eq!(settings.parsed, expected);
    assert_eq!(settings.argv[..4], ["quired", "-f", "/etc/mongod.conf", "--port"]);
}

#[test]
fn passwords_are_never_shown() {
    for words in [
        &["--tlsMode=disabled", "--sslPEMKeyPassword", "hunter2"][..],
        &["--tlsMode=disabled", "--tlsCertificateKeyFilePassword=hunter2"][..],
    ] {
        let settings = flags(words);
        assert!(!format!("{settings:?}").contains("hunter2"), "{settings:?}");
        assert!(format!("{settings:?}").contains("<password>"), "{settings:?}");
    }
}

#[test]
fn help_and_version_come_before_everything_else() {
    assert_eq!(launch("", &[], &["--help"]), Ok(Launch::Help));
    assert_eq!(launch("", &[], &["-h"]), Ok(Launch::Help));
    assert_eq!(launch("", &[("QUIRE_NET_NONSENSE", "1")], &["--version"]), Ok(Launch::Version));
}

#[test]
fn protection_that_is_not_there_is_accepted_with_a_warning_that_says_so() {
    let cases: &[(&[&str], &str)] = &[
        (&["--auth"], "access control is not enforced"),
        (&["--keyFile", "/k"], "access control is not enforced"),
        (&["--keyFile", "/k", "--replSet", "rs0"], "access control is not enforced"),
        (&["--tlsMode", "allowTLS"], "not encrypted"),
        (&["--tlsMode", "preferTLS"], "not encrypted"),
        (&["--sslMode", "preferSSL"], "not encrypted"),
        (&["--tlsCertificateKeyFile", "/c"], "not encrypted"),
        (&["--tlsAllowInvalidCertificates"], "not encrypted"),
        (&["--transitionToAuth"], "access control is not enforced"),
        (&["--clusterAuthMode", "x509"], "by certificate"),
        (&["--clusterIpSourceAllowlist", "10.0.0.0/8"], "from every address"),
    ];
    for (words, says) in cases {
        let warnings = flags(words).warnings;
        assert_eq!(warnings.len(), 1, "{words:?}: {warnings:?}");
        assert!(warnings[0].about_protection, "{words:?}");
        assert!(warnings[0].text.contains(says), "{words:?}: {warnings:?}");
    }
    let in_file = settings("security: { authorization: enabled }", &[], &[]);
    assert!(in_file.warnings[0].text.contains("--auth"));
    let in_variable = settings("", &[("QUIRE_SECURITY_KEY_FILE", "/k")], &[]);
    assert_eq!(in_variable.security.key_file, Some("/k".into()));
    assert!(in_variable.warnings[0].about_protection);
    let quiet = ["--noauth", "--tlsMode", "disabled", "--clusterAuthMode", "keyFile"];
    assert_eq!(flags(&quiet).warnings, []);
    let idle = flags(&["--tlsMode", "disabled", "--tlsCAFile", "/c"]).warnings;
    assert_eq!(idle.len(), 1);
    assert!(!idle[0].about_protection, "TLS was not asked for: {idle:?}");
}

#[test]
fn encryption_that_clients_are_promised_is_refused() {
    for words in [
        &["--tlsMode", "requireTLS"][..],
        &["--sslMode", "requireSSL"],
        &["--tlsOnNormalPorts"],
        &["--sslOnNormalPorts"],
    ] {
        let message = refusal("", &[], words);
        assert_eq!(
            message,
            "Cannot start with net.tls.mode (--tlsMode): requireTLS: connections are not encrypted \
             by this version"
        );
    }
    assert!(refusal("net: { ssl: { mode: requireSSL } }", &[], &[]).contains("--tlsMode"));
}

#[test]
fn a_replica_set_has_a_name_and_perhaps_seeds() {
    let set = |settings: Settings| settings.replica_set.expect("a replica set");
    let named = set(flags(&["--replSet", "rs0"]));
    assert_eq!((named.name.as_str(), named.seeds.len()), ("rs0", 0));
    let seeded = set(settings("", &[], &["--replSet", "rs0/host:27018,[::1]"]));
    let seeds: Vec<String> = seeded.seeds.iter().map(ToString::to_string).collect();
    assert_eq!(seeds, ["host:27018", "[::1]:27017"]);
    assert_eq!(set(settings("replication: { replSetName: rs0 }", &[], &[])), named);
    assert_eq!(set(settings("replication: { replSet: rs0 }", &[], &[])), named);
    assert_eq!(set(settings("replSet = rs0\n", &[], &[])), named);
    assert_eq!(set(settings("", &[("QUIRE_REPLICATION_REPL_SET_NAME", "rs0")], &[])), named);
    assert_eq!(flags(&["--replSet", "rs0"]).warnings, []);
    assert_eq!(named.initiate, []);
    let variable = [("QUIRE_REPLICATION_INITIATE", "a,b:1, [::1]:2")];
    for given in [
        flags(&["--replSet", "rs0", "--replSetInitiate", "a,b:1, [::1]:2"]),
        settings("replication: { replSetName: rs0, initiate: 'a,b:1, [::1]:2' }", &[], &[]),
        settings("replication: { replSetName: rs0 }", &variable, &[]),
    ] {
        let members: Vec<String> = set(given).initiate.iter().map(ToString::to_string).collect();
        assert_eq!(members, ["a:27017", "b:1", "[::1]:2"]);
    }
}

#[test]
fn what_harnesses_say_about_shards_and_majorities_is_accepted_with_a_warning() {
    let cases: &[(&[&str], &str)] = &[
        (&["--shardsvr"], "(--shardsvr) has no effect: there is no sharding"),
        (&["--configsvr"], "(--configsvr) has no effect: there is no sharding"),
        (&["--enableMajorityReadConcern"], "always allowed"),
        (&["--enableMajorityReadConcern", "false"], "always allowed"),
    ];
    for (words, says) in cases {
        let warnings = flags(words).warnings;
        assert_eq!(warnings.len(), 1, "{words:?}");
        assert!(warnings[0].text.contains(says), "{words:?}: {warnings:?}");
        assert!(!warnings[0].about_protection, "{words:?}");
    }
}

#[test]
fn the_size_of_the_oplog_is_read_by_either_spelling() {
    let given = [
        flags(&["--oplogSize", "40", "--oplogMinRetentionHours", "0.5"]),
        settings(
            "replication: { oplogSizeMB: 40 }\nstorage: { oplogMinRetentionHours: 0.5 }",
            &[],
            &[],
        ),
    ];
    for settings in given {
        let expected = Oplog { size_mb: Some(40), min_retention_seconds: Some(1800) };
        assert_eq!(settings.oplog, expected);
        assert!(settings.warnings.is_empty(), "{:?}", settings.warnings);
    }
    assert_eq!(flags(&[]).oplog, Oplog::default());
}

#[test]
fn rest_serves_a_thousand_above_the_port_unless_another_one_is_named() {
    let cases: [(&[&str], Option<&str>); 6] = [
        (&[], None),
        (&["--rest"], Some("127.0.0.1:28017")),
        (&["--rest", "--port", "64535"], Some("127.0.0.1:65535")),
        (&["--rest", "--port", "0"], Some("127.0.0.1:0")),
        (&["--rest", "--port", "65000", "--httpPort", "9216"], Some("127.0.0.1:9216")),
        (&["--rest", "--httpBindIp", "0.0.0.0"], Some("0.0.0.0:28017")),
    ];
    for (words, address) in cases {
        let expected = address.map(|address| address.parse().expect("an address"));
        assert_eq!(flags(words).net.admin, expected, "{words:?}");
    }
}

#[test]
fn a_bad_command_line_is_refused_in_one_line() {
    let cases: [(&[&str], &str); 37] = [
        (&["--nonsense"], "unrecognised option '--nonsense'"),
        (&["--prot", "1"], "unrecognised option '--prot'"),
        (&["-x"], "unrecognised option '--x'"),
        (&["stray"], "'stray' is not an option"),
        (&["-"], "'-' is not an option"),
        (&["--"], "unrecognised option '--'"),
        (&["--port"], "the required argument for option '--port' is missing"),
        (&["--port", "--quiet"], "the required argument for option '--port' is missing"),
        (&["--port", "1", "--port", "2"], "option '--port' cannot be specified more than once"),
        (&["--auth", "--noauth"], "'--noauth' conflicts with '--auth'"),
        (&["--quiet=yes"], "option '--quiet' does not take any arguments"),
        (&["--port", "abc"], "Bad value for --port: 'abc': expected a whole number"),
        (&["--port", "65536"], "Bad value for --port: '65536': expected a number from 0 to 65535"),
        (&["--port=-1"], "expected a number from 0 to 65535"),
        (&["--port=99999999999999999999"], "expected a whole number"),
        (&["--maxConns", "4"], "expected a number from 5"),
        (&["--storageEngine", "mmapv1"], "expected one of wiredTiger, inMemory, ephemeralForTest"),
        (&["--profile", "3"], "expected one of 0, 1, 2"),
        (&["--slowOpSampleRate", "1.5"], "expected a number from 0 to 1"),
        (&["--slowOpSampleRate", "NaN"], "expected a number from 0 to 1"),
        (&["--setParameter", "a"], "expected name=value"),
        (&["--setParameter", "=1"], "no name"),
        (
            &["--replSet="],
            "Bad value for replication.replSetName (--replSet): '': expected the name",
        ),
        (&["--replSet", "/a:1"], "expected the name of a replica set"),
        (&["--replSet", "rs0/a,a:27017"], "the host a:27017 is given twice"),
        (&["--replSetInitiate", "a"], "needs the name of the set"),
        (
            &["--replSet=rs0", "--replSetInitiate="],
            "Bad value for replication.initiate (--replSetInitiate): '': expected a host",
        ),
        (&["--replSet=rs0", "--replSetInitiate=a,"], "expected a host"),
        (&["--replSet=rs0", "--replSetInitiate=a:0"], "expected a port"),
        (&["--replSet=rs0", "--replSetInitiate=a b"], "not the name of a host"),
        (&["--replSet=rs0", "--replSetInitiate=a,A:27017"], "a:27017 is given twice"),
        (&["--rest", "--port", "64536"], "1000 above 64536"),
        (&["--verbose=6"], "expected a number from 0 to 5"),
        (&["--dbpath="], "expected a path"),
        (&["--bind_ip", "::1"], "is an IPv6 address; add --ipv6"),
        (&["--bind_ip", ","], "no address to listen on"),
        (&["--networkMessageCompressors", "lz4"], "invalid network message compressor 'lz4'"),
    ];
    for (words, expected) in cases {
        let message = refusal("", &[], words);
        assert!(message.contains(expected), "{words:?}: {message}");
    }
    assert!(refusal("", &[], &["--fork"]).contains("--logpath"));
    assert!(refusal("", &[], &["--logpath", "/l", "--logRotate", "reopen"]).contains("logAppend"));
    assert!(refusal("", &[], &["--filePermissions", "9"]).contains("octal"));
    assert!(refusal("", &[], &["--httpBindIp", "nowhere"]).contains("expected an address"));
    assert!(refusal("", &[], &["-f", "/none"]).contains("Error opening config file '/none'"));
    assert!(refusal("", &[], &["--configExpand", "exec"]).contains("configExpand"));
    assert!(refusal("", &[], &["--port", "1\n2"]).contains("'1 2'"));
}

#[test]
fn a_bad_file_is_refused_in_one_line() {
    let cases = [
        ("nonsense: 1", "Unrecognized option: nonsense"),
        ("net: { prot: 1 }", "Unrecognized option: net.prot"),
        ("net: { port: { a: 1 } }", "Bad value for net.port: expected a single value"),
        ("net: { port: [1] }", "Bad value for net.port: expected a single value"),
        ("net: { port: }", "Bad value for net.port: expected a single value"),
        ("net: { port: x }", "Bad value for net.port: 'x'"),
        ("net: 5", "Unrecognized option: net"),
        ("net: { ipv6: yes }", "Bad value for net.ipv6: 'yes': expected true or false"),
        ("net: { port: 1, port: 2 }", "Error parsing YAML config file: "),
        ("net: { port: 1", "Error parsing YAML config file: "),
        ("net:\n\tport: 1", "Error parsing YAML config file: "),
        ("just text", "Error parsing YAML config file: "),
        ("---\na: 1\n---\nb: 1", "Error parsing YAML config file: "),
        ("security: { clusterIpSourceAllowlist: a, clusterIpSourceWhitelist: b }", "given twice"),
        ("net: { ssl: { mode: requireTLS } }", "Bad value for net.ssl.mode: 'requireTLS'"),
        ("setParameter: 1", "Bad value for setParameter: expected names with values"),
        ("systemLog: { destination: file }", "systemLog.path is required"),
        ("systemLog: { destination: syslog }", "Cannot start with systemLog.destination"),
        ("systemLog: { component: { nonsense: { verbosity: 1 } } }", "Unrecognized option"),
        ("systemLog: { component: { network: { verbosity: 9 } } }", "from 0 to 5"),
        ("systemLog: { component: 1 }", "Unrecognized option: systemLog.component"),
        ("replication: { replSetName: rs0/a:b }", "expected a port from 1 to 65535 in 'a:b'"),
    ];
    for (file, expected) in cases {
        let message = refusal(file, &[], &[]);
        assert!(message.contains(expected), "{file:?}: {message}");
    }
}

#[test]
fn a_bad_variable_is_refused_in_one_line() {
    let cases = [
        ("QUIRE_NET_PROT", "1", "Unrecognized environment variable: QUIRE_NET_PROT"),
        ("QUIRE_SYSTEM_LOG_COMPONENT_X_VERBOSITY", "1", "Unrecognized environment variable"),
        ("QUIRE_NET_PORT", "x", "Bad value for QUIRE_NET_PORT: 'x': expected a whole number"),
        ("QUIRE_CONFIG", "/none", "Error opening config file '/none'"),
        ("QUIRE_SET_PARAMETER_", "1", "no name"),
    ];
    for (name, value, expected) in cases {
        let message = refusal("", &[(name, value)], &[]);
        assert!(message.contains(expected), "{name}: {message}");
    }
}

#[test]
fn files_of_the_time_before_yaml_are_read() {
    let file = "# written by a harness\n\nport = 1025\ndbpath=/d\nnoauth = true\nipv6 = false\n\
                vv = true\nsetParameter = a=1\nsetParameter=b=2\n";
    let settings = settings(file, &[], &["--dbpath", "/e"]);
    assert_eq!((settings.net.port, settings.net.ipv6, settings.log.verbosity), (1025, false, 2));
    assert_eq!(settings.storage.db_path, PathBuf::from("/e"));
    assert_eq!(settings.parameters.len(), 2);

    let cases = [
        ("port = 1\nnonsense = 1", "Error parsing INI config file: unrecognised option"),
        ("port = 1\nstray", "Error parsing INI config file: line 2: expected name = value"),
        ("port = 1\nport = 2", "cannot be specified more than once"),
        ("port = 1\nquiet = yes", "Bad value for quiet: 'yes': expected true or false"),
        ("port = 1\nconfig = /other", "are for the command line"),
        ("sslMode = requireSSL", "Cannot start with net.tls.mode"),
        ("replSet = rs0/a:0", "expected a port from 1 to 65535"),
        ("nonsense = 1", "Error parsing YAML config file: "),
    ];
    for (file, expected) in cases {
        let message = refusal(file, &[], &[]);
        assert!(message.contains(expected), "{file:?}: {message}");
    }
}

#[test]
fn sections_left_empty_say_nothing() {
    assert_eq!(settings("net:\nsecurity:\nsetParameter:\n", &[], &[]).net, flags(&[]).net);
    assert_eq!(settings("# nothing\n", &[], &[]).net, flags(&[]).net);
}

#[cfg(unix)]
#[test]
fn text_that_is_not_utf8_is_refused_only_where_it_is_ours() {
    use std::os::unix::ffi::OsStringExt as _;
    let bad = || OsString::from_vec(vec![0xFF]);
    let load = |argv: Vec<OsString>, environment: Vec<(OsString, OsString)>| {
        let read_file = |_: &Path| Err(io::Error::from(io::ErrorKind::NotFound));
        load(Source { argv, environment, read_file: &read_file })
    };
    assert!(load(vec!["quired".into(), bad()], vec![]).is_err());
    assert!(load(vec!["quired".into()], vec![("QUIRE_NET_PORT".into(), bad())]).is_err());
    assert!(load(vec!["quired".into()], vec![("OTHER".into(), bad()), (bad(), bad())]).is_ok());
}

#[test]
fn help_and_readme_name_every_flag() {
    let help = crate::help();
    let readme = crate::markdown_table();
    for flag in SETTINGS.iter().flat_map(|setting| setting.flags) {
        assert!(help.contains(&format!("  --{} ", flag.name)), "{}", flag.name);
        assert!(readme.contains(&format!("`--{}`", flag.name)), "{}", flag.name);
    }
}

#[test]
fn version_begins_as_harnesses_parse_it_and_goes_on_as_json() {
    let text = crate::version("8.0.4", "abc");
    let (first, rest) = text.split_once('\n').expect("two parts");
    assert_eq!(first, "db version v8.0.4");
    let json = rest.strip_prefix("Build Info: ").expect("build info");
    let tree: serde_json::Value = serde_json::from_str(json).expect("JSON");
    assert_eq!(tree["version"], "8.0.4");
}
