//! Protection that is asked for: what is not in force is said where it is seen, and a secret that
//! cannot be used stops the server.

use crate::{Fresh, directory, listing};
use quire_bson::doc;
use quire_tests::{Daemon, Launch};
use std::fs;
use std::os::unix::fs::PermissionsExt;

const WAITING_FOR_CONNECTIONS: &str = "\"id\":23016,";
const NO_EFFECT: &str = "\"id\":7100030,";
const NOT_IN_FORCE: &str = "\"id\":7100035,";

/// What a shell shows its user.
fn startup_warnings(daemon: &Daemon) -> Vec<String> {
    let reply = daemon.connect().ok("admin", doc! { "getLog": "startupWarnings" });
    let lines = reply.get_array("log").expect("lines");
    lines.iter().filter_map(|line| line.as_str().map(str::to_owned)).collect()
}

fn lines_before_clients(daemon: &Daemon, id: &str) -> Vec<String> {
    let said = daemon.log().lines();
    let end = said.iter().position(|line| line.contains(WAITING_FOR_CONNECTIONS));
    let said = &said[..end.expect("it waits")];
    said.iter().filter(|line| line.contains(id)).cloned().collect()
}

#[test]
fn missing_protection_is_told_once_in_the_log_and_in_every_shell() {
    let cases: [(&[&str], &str); 5] = [
        (&["--auth"], "(--auth): access control is not enforced"),
        (&["--tlsMode", "preferTLS"], "(--tlsMode): connections are not encrypted"),
        (&["--sslMode", "allowSSL"], "(--tlsMode): connections are not encrypted"),
        (&["--tlsCAFile", "/ca.pem"], "(--tlsCAFile): connections are not encrypted"),
        (&["--clusterAuthMode", "x509"], "(--clusterAuthMode): members never prove"),
    ];
    for (words, says) in cases {
        let fresh = Fresh::with(words);
        let logged = lines_before_clients(&fresh.daemon, NOT_IN_FORCE);
        assert_eq!(logged.len(), 1, "{words:?}: {logged:#?}");
        assert!(logged[0].contains(says), "{words:?}: {logged:#?}");
        let shown = startup_warnings(&fresh.daemon);
        assert_eq!(shown.iter().filter(|line| line.contains(says)).count(), 1, "{shown:#?}");
    }
}

#[test]
fn a_setting_that_changes_nothing_is_told_in_the_log_and_bothers_no_shell() {
    for words in [&["--shardsvr"][..], &["--configsvr"]] {
        let fresh = Fresh::with(words);
        let logged = lines_before_clients(&fresh.daemon, NO_EFFECT);
        assert_eq!(logged.len(), 1, "{words:?}: {logged:#?}");
        assert!(logged[0].contains(words[0]), "{words:?}: {logged:#?}");
        let shown = startup_warnings(&fresh.daemon);
        assert!(!shown.iter().any(|line| line.contains(words[0])), "{shown:#?}");
    }
}

#[test]
fn a_key_file_that_cannot_be_used_stops_the_server_before_anything_is_touched() {
    let cases: [(&str, u32, &str); 4] = [
        ("secret", 0o644, "too open"),
        ("short", 0o600, "has length 5"),
        ("not base64!", 0o600, "invalid char"),
        ("", 0o600, "has 0 keys"),
    ];
    let (data, keys) = (directory(), directory());
    let declines = |file: &std::path::Path, says: &str| {
        let launch = Launch::on(data.path()).with(&["--replSet", "rs0", "--keyFile"]).with(&[file]);
        let finished = launch.finish();
        assert_eq!(finished.code, Some(1), "{says}: {finished:#?}");
        assert!(finished.stderr.contains(says), "{says}: {finished:#?}");
        assert_eq!(finished.stderr.lines().count(), 1, "{finished:#?}");
        assert!(finished.stdout.contains("\"id\":20254,"), "{finished:#?}");
    };
    let file = keys.path().join("key");
    for (text, mode, says) in cases {
        fs::write(&file, text).expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("ours");
        declines(&file, says);
    }
    declines(&keys.path().join("missing"), "Error reading file");
    assert_eq!(listing(data.path()), [""; 0]);
}

#[test]
fn a_good_key_file_is_read_and_never_shown() {
    let (data, keys) = (directory(), directory());
    let file = keys.path().join("key");
    fs::write(&file, "c2VjcmV0\nc2VjcmV0\n").expect("written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).expect("ours");
    let words = ["--replSet", "rs0", "--keyFile"];
    let daemon = Launch::on(data.path()).with(&words).with(&[&file]).start();
    let shown = startup_warnings(&daemon);
    assert!(shown.iter().any(|line| line.contains("--keyFile")), "{shown:#?}");
    assert!(!daemon.log().lines().iter().any(|line| line.contains("c2Vj")));
}
