//! How the server is started, and every way it declines: exit codes and one line that says why.

use crate::{Fresh, directory, listing};
use quire_tests::{Finished, Launch, SmallDisk};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const BAD_OPTIONS: Option<i32> = Some(2);
const NET_ERROR: Option<i32> = Some(48);
const UNCAUGHT: Option<i32> = Some(100);

/// Ends at once with this code and says why in one line on its standard error.
fn assert_declines(launch: &Launch, code: Option<i32>, says: &str) -> Finished {
    let finished = launch.finish();
    assert_eq!(finished.code, code, "{launch:?}: {finished:#?}");
    assert!(finished.stderr.contains(says), "{launch:?}: {finished:#?}");
    assert_eq!(finished.stderr.lines().count(), 1, "{launch:?}: {finished:#?}");
    finished
}

#[test]
fn the_version_is_told_as_mongod_tells_it() {
    let finished = Launch::bare(&["--version"]).finish();
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
    let first = finished.stdout.lines().next().unwrap_or_default();
    assert!(first.starts_with("db version v8.0."), "{first}");
    let (_, build) = finished.stdout.split_once("Build Info: ").expect("build information");
    let build: serde_json::Value = serde_json::from_str(build).expect("as JSON");
    assert_eq!(format!("db version v{}", build["version"].as_str().expect("a version")), first);
}

#[test]
fn the_help_lists_the_flags_and_starts_nothing() {
    let finished = Launch::bare(&["--help"]).finish();
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
    for flag in ["--port", "--dbpath", "--replSet", "--setParameter", "--fork"] {
        assert!(finished.stdout.contains(flag), "{flag}: {}", finished.stdout);
    }
}

#[test]
fn what_cannot_be_honoured_is_declined_in_one_line() {
    let cases: &[(&[&str], &str)] = &[
        (&["--unheardOf"], "--unheardOf"),
        (&["--port"], "--port"),
        (&["--port", "many"], "--port"),
        (&["--port", "65536"], "--port"),
        (&["--port", "1", "--port", "2"], "more than once"),
        (&["--maxConns", "4"], "--maxConns"),
        (&["--storageEngine", "mmapv1"], "--storageEngine"),
        (&["--networkMessageCompressors", "brotli"], "brotli"),
        (&["--bind_ip", "::1"], "--ipv6"),
        (&["--fork"], "--logpath"),
        (&["--logRotate", "reopen"], "logAppend"),
        (&["--setParameter", "alone"], "alone"),
        (&["--setParameter", "unheardOf=1"], "unheardOf"),
        (&["--tlsMode", "requireTLS"], "not encrypted"),
        (&["--sslMode", "requireSSL"], "not encrypted"),
        (&["--replSet", "rs0/a,a"], "given twice"),
        (&["--rest", "--port", "65000"], "--httpPort"),
        (&["--config", "/nonexistent/quire.conf"], "/nonexistent/quire.conf"),
        (&["leftover"], "leftover"),
    ];
    let data = directory();
    for (words, says) in cases {
        // A dbpath and the port come last, so that cases may give their own first.
        let launch = Launch::bare(words).with(&["--nounixsocket", "--dbpath"]).with(&[data.path()]);
        assert_declines(&launch, BAD_OPTIONS, says);
    }
    assert_eq!(listing(data.path()), [""; 0]);
}

#[test]
fn a_configuration_file_with_an_unknown_key_or_bad_text_is_declined() {
    let cases = [
        ("net: { prot: 1 }", "prot"),
        ("net: { port: much }", "net.port"),
        ("net: [", "YAML"),
        ("storage: { engine: mmapv1 }", "storage.engine"),
    ];
    for (text, says) in cases {
        let directory = directory();
        let file = directory.path().join("quire.conf");
        std::fs::write(&file, text).expect("written");
        let launch = Launch::bare(&["--config"]).with(&[&file]);
        assert_declines(&launch, BAD_OPTIONS, says);
    }
}

#[test]
fn a_misspelled_variable_of_ours_is_declined() {
    let launch = Launch::bare(&["--port", "0"]).variable("QUIRE_NET_PROT", "1");
    assert_declines(&launch, BAD_OPTIONS, "QUIRE_NET_PROT");
}

#[test]
fn a_taken_port_is_told_and_no_data_is_touched() {
    let holder = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = holder.local_addr().expect("bound").port().to_string();
    let data = directory();
    let launch = Launch::bare(&["--bind_ip", "127.0.0.1", "--nounixsocket", "--port", &port])
        .with(&["--dbpath"])
        .with(&[data.path()]);
    let finished = assert_declines(&launch, NET_ERROR, "Address already in use");
    assert!(finished.stdout.contains("\"id\":22856,"), "{finished:#?}");
    assert_eq!(listing(data.path()), [""; 0]);
}

#[test]
fn a_missing_data_directory_is_told_and_not_made() {
    let parent = directory();
    let missing = parent.path().join("not here");
    let finished = assert_declines(&Launch::on(&missing), UNCAUGHT, "NonExistentPath");
    assert!(finished.stderr.contains("exception in initAndListen"), "{finished:#?}");
    assert!(finished.stderr.ends_with("terminating"), "{finished:#?}");
    assert!(finished.stdout.contains("\"id\":20557,"), "{finished:#?}");
    assert!(!missing.exists());
}

#[test]
fn a_file_in_place_of_the_data_directory_is_told_and_kept() {
    let parent = directory();
    let file = parent.path().join("file");
    std::fs::write(&file, "precious").expect("written");
    assert_declines(&Launch::on(&file), UNCAUGHT, "NonExistentPath");
    assert_eq!(std::fs::read_to_string(&file).expect("still there"), "precious");
}

#[test]
fn a_data_directory_in_use_is_left_to_who_has_it() {
    let mut first = Fresh::start();
    assert_declines(&Launch::on(first.path()), UNCAUGHT, "DBPathInUse");
    first.daemon.assert_well("a second server on its data");
    let lock = first.path().join("mongod.lock");
    let noted = std::fs::read_to_string(lock).expect("the lock file");
    assert_eq!(noted.trim(), first.daemon.process_id().to_string());
    assert_eq!(first.daemon.stop(), Some(0));
}

#[test]
fn a_data_directory_that_cannot_be_written_is_told() {
    if rustix::process::geteuid().is_root() {
        // Permissions do not hold root back; a read-only file system does.
        let disk = match SmallDisk::mount(8) {
            Ok(disk) => disk,
            Err(error) => {
                return eprintln!("SKIPPED: no file system can be mounted here: {error}");
            }
        };
        disk.make_read_only().expect("mounted by us");
        assert_unwritable(disk.path());
    } else {
        let data = directory();
        let mode = |bits| std::fs::Permissions::from_mode(bits);
        std::fs::set_permissions(data.path(), mode(0o555)).expect("ours");
        assert_unwritable(data.path());
        std::fs::set_permissions(data.path(), mode(0o755)).expect("ours");
    }
}

fn assert_unwritable(data: &Path) {
    assert_declines(&Launch::on(data), UNCAUGHT, "read-only directory");
    assert_eq!(listing(data), [""; 0]);
}

#[test]
fn a_stranger_s_files_are_not_taken_for_a_store() {
    let data = directory();
    let inner = data.path().join("data");
    std::fs::create_dir(&inner).expect("made");
    std::fs::write(inner.join("CURRENT"), "not a manifest\n").expect("written");
    assert_declines(&Launch::on(data.path()), UNCAUGHT, "exception in initAndListen");
    let kept = std::fs::read_to_string(inner.join("CURRENT")).expect("still there");
    assert_eq!(kept, "not a manifest\n");
}

#[test]
fn two_servers_asked_for_any_port_get_different_ones() {
    let (one, other) = (Fresh::start(), Fresh::start());
    assert_ne!(one.daemon.port(), other.daemon.port());
    assert_ne!(one.daemon.port(), 0);
}

#[test]
fn a_unix_socket_is_served_and_its_leftover_replaced_and_removed() {
    let sockets = directory();
    let data = directory();
    let launch = Launch::bare(&["--port", "0", "--bind_ip", "127.0.0.1", "--unixSocketPrefix"])
        .with(&[sockets.path()])
        .with(&["--dbpath"])
        .with(&[data.path()]);
    let daemon = launch.start();
    let path = sockets.path().join(format!("mongodb-{}.sock", daemon.port()));
    let mode = std::fs::metadata(&path).expect("the socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    std::os::unix::net::UnixStream::connect(&path).expect("it accepts");
    let port = daemon.port().to_string();
    daemon.kill();
    assert!(path.exists(), "a crash leaves it behind");
    let launch = Launch::bare(&["--bind_ip", "127.0.0.1", "--port", &port, "--unixSocketPrefix"])
        .with(&[sockets.path()])
        .with(&["--dbpath"])
        .with(&[data.path()]);
    let daemon = launch.start();
    std::os::unix::net::UnixStream::connect(&path).expect("it accepts again");
    assert_eq!(daemon.stop(), Some(0));
    assert!(!path.exists(), "a clean end takes it away");
}
