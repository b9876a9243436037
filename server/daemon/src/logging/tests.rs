//! The log as its readers see it: lines, files, the last lines in memory.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::component::Verbosities;
use super::queue::Queue;
use super::recent::{LINES_MAX, RecentLines};
use super::writer::{self, Output};
use super::*;

const PATIENCE: Duration = Duration::from_secs(10);

/// A log that is written to memory.
struct Paper {
    log: Logging,
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl Paper {
    fn new(verbosity: u8) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let queue = Arc::new(Queue::default());
        writer::start(Arc::clone(&queue), Output::Memory(Arc::clone(&bytes))).expect("thread");
        let verbosities = Arc::new(Verbosities::new(verbosity));
        Self {
            log: Logging { queue, verbosities, recent: Arc::new(RecentLines::default()) },
            bytes,
        }
    }

    fn lines(&self, speak: impl FnOnce()) -> Vec<Value> {
        tracing::subscriber::with_default(self.log.subscriber(), speak);
        assert!(self.log.flush(PATIENCE));
        let bytes = std::mem::take(&mut *self.bytes.lock().expect("lock"));
        let text = String::from_utf8(bytes).expect("UTF-8");
        assert!(text.is_empty() || text.ends_with('\n'));
        text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    fn line(&self, speak: impl FnOnce()) -> Value {
        match <[Value; 1]>::try_from(self.lines(speak)) {
            Ok([line]) => line,
            Err(lines) => panic!("one line, not {lines:?}"),
        }
    }
}

#[test]
fn a_line_has_the_fields_that_harnesses_wait_for() {
    let mut line = Paper::new(0).line(|| {
        tracing::info!(
            target: "NETWORK",
            id = 23016,
            ctx = "listener",
            port = 27017_u16,
            ssl = "off",
            "Waiting for connections"
        );
    });
    let time = line["t"]["$date"].take();
    let time = time.as_str().expect("text");
    assert!(time.len() == 29 && time.ends_with("+00:00"), "{time}");
    let expected = json!({
        "t": { "$date": null }, "s": "I", "c": "NETWORK", "id": 23016, "ctx": "listener",
        "msg": "Waiting for connections", "attr": { "port": 27017, "ssl": "off" },
    });
    assert_eq!(line, expected);
}

#[test]
fn the_order_of_fields_is_that_of_mongod() {
    let paper = Paper::new(0);
    paper.line(|| tracing::warn!(target: "CONTROL", tag = "startupWarnings", a = 1, "m"));
    let recent = paper.log.recent(RecentLog::Global);
    let line = &recent.lines[0];
    let places: Vec<Option<usize>> = [
        "{\"t\":",
        "\"s\":",
        "\"c\":",
        "\"id\":",
        "\"ctx\":",
        "\"msg\":",
        "\"attr\":",
        "\"tags\":",
    ]
    .iter()
    .map(|field| line.find(field))
    .collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{line}");
}

#[test]
fn every_kind_of_value_becomes_json() {
    let error = io::Error::other("gone");
    let line = Paper::new(0).line(|| {
        tracing::error!(
            target: "STORAGE",
            small = -5,
            large = u64::MAX,
            fraction = 0.5,
            nothing = f64::NAN,
            yes = true,
            shown = %"a b",
            debugged = ?Some(1),
            error = &error as &(dyn std::error::Error + 'static),
            json.nested = "{\"a\":\n[1,{}]}",
            json.broken = "{\"a\":",
            json.two = "1 2",
            fatal = true,
            "message"
        );
    });
    assert_eq!(line["s"], "F");
    assert_eq!(line["id"], 0);
    let expected = json!({
        "small": -5, "large": u64::MAX, "fraction": 0.5, "nothing": "NaN", "yes": true,
        "shown": "a b", "debugged": "Some(1)", "error": "gone", "nested": { "a": [1, {}] },
        "broken": "{\"a\":", "two": "1 2",
    });
    assert_eq!(line["attr"], expected);
}

#[test]
fn no_value_can_forge_a_line_or_a_field() {
    let evil = "\"},\"s\":\"F\"}\n{\"t\":1}\r\u{0}\u{1b}[2J\u{9b}\u{2028}\\";
    let paper = Paper::new(0);
    let line = paper.line(|| {
        tracing::info!(
            target: "ACCESS",
            user = evil,
            json.document = evil,
            ctx = evil,
            tag = evil,
            "{evil}"
        );
    });
    assert_eq!(line["s"], "I");
    assert_eq!(line["attr"], json!({ "user": evil, "document": evil }));
    assert_eq!(line["msg"], evil);
    let raw = &paper.log.recent(RecentLog::Global).lines[0];
    assert!(!raw.chars().any(char::is_control), "{raw:?}");
}

#[test]
fn long_values_are_cut_at_a_character_and_the_line_says_so() {
    let long = "é".repeat(20_000);
    let line = Paper::new(0).line(|| {
        tracing::info!(first = long, second = long, json.third = "{}", "{}", long);
    });
    assert!(line.to_string().len() < 40_000);
    let kept = line["attr"]["first"].as_str().expect("text");
    assert!(long.starts_with(kept) && kept.len() > 10_000);
    assert_eq!(line["attr"]["second"], "");
    assert_eq!(line["truncated"]["first"], json!({ "type": "string", "size": 40_000 }));
    assert_eq!(line["truncated"]["second"]["size"], 40_000);
}

#[test]
fn verbosity_decides_which_debug_lines_are_written() {
    let speak = || {
        tracing::debug!(target: "NETWORK", "D1");
        tracing::trace!(target: "NETWORK", "D2");
        tracing::trace!(target: "NETWORK", level = 5, "D5");
        tracing::debug!(target: "ASIO", "D1");
        tracing::debug!(target: "WRITE", "D1");
        tracing::debug!(target: "some_library", "never");
        tracing::info!(target: "some_library", "I");
    };
    let severities = |lines: &[Value]| -> Vec<String> {
        lines
            .iter()
            .map(|line| {
                assert_eq!(line["s"], line["msg"], "the severity is what the message says");
                format!("{} {}", line["c"], line["s"]).replace('"', "")
            })
            .collect()
    };
    let paper = Paper::new(0);
    assert_eq!(severities(&paper.lines(speak)), ["- I"]);
    paper.log.set_default_verbosity(1);
    let lines = severities(&paper.lines(speak));
    assert_eq!(lines, ["NETWORK D1", "ASIO D1", "WRITE D1", "- I"]);
    let network = Component::of_path("network").expect("known");
    paper.log.set_default_verbosity(0);
    paper.log.set_verbosity(network, Some(5));
    let lines = severities(&paper.lines(speak));
    assert_eq!(lines, ["NETWORK D1", "NETWORK D2", "NETWORK D5", "ASIO D1", "- I"]);
    paper.log.set_verbosity(Component::of_path("network.asio").expect("known"), Some(0));
    paper.log.set_verbosity(network, Some(2));
    assert_eq!(severities(&paper.lines(speak)), ["NETWORK D1", "NETWORK D2", "- I"]);
    paper.log.set_verbosity(network, None);
    assert_eq!(paper.log.verbosity(network), None);
    assert_eq!(severities(&paper.lines(speak)), ["- I"]);
}

#[test]
fn every_component_of_the_settings_is_one_of_the_log() {
    let ours: Vec<(&str, &str)> =
        component::COMPONENTS[1..].iter().map(|(name, path, _)| (*path, *name)).collect();
    assert_eq!(ours, quire_config::LOG_COMPONENTS);
    assert_eq!(Component::all().count(), ours.len());
}

#[test]
fn the_context_is_the_task_s_name_and_else_the_thread_s() {
    let paper = Paper::new(0);
    let line = paper.line(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        runtime.block_on(in_context("conn12".into(), async { tracing::info!("m") }));
    });
    assert_eq!(line["ctx"], "conn12");
    let line = paper.line(|| tracing::info!("m"));
    assert_eq!(Some(line["ctx"].as_str().expect("text")), std::thread::current().name());
}

#[test]
fn the_last_lines_and_the_startup_warnings_are_kept() {
    let paper = Paper::new(0);
    paper.lines(|| {
        for number in 0..LINES_MAX + 5 {
            tracing::info!(number, "m");
        }
        tracing::warn!(tag = "startupWarnings", "Access control is not enabled");
    });
    let global = paper.log.recent(RecentLog::Global);
    assert_eq!((global.total, global.lines.len()), (LINES_MAX as u64 + 6, LINES_MAX));
    assert!(global.lines[0].contains("\"number\":6}"), "{}", global.lines[0]);
    let warnings = paper.log.recent(RecentLog::StartupWarnings);
    assert_eq!((warnings.total, warnings.lines.len()), (1, 1));
    assert!(warnings.lines[0].contains("\"tags\":[\"startupWarnings\"]"));
}

/// A directory that goes away with the test.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("quire-log-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("directory");
        Self(path)
    }

    fn options(&self, append: bool, rotation: Rotation) -> FileOptions {
        FileOptions { path: self.0.join("log"), append, rotation }
    }

    fn files(&self) -> Vec<(String, String)> {
        let mut files: Vec<(String, String)> = fs::read_dir(&self.0)
            .expect("directory")
            .map(|entry| {
                let path = entry.expect("entry").path();
                let name = path.file_name().expect("name").to_string_lossy().into_owned();
                (name, fs::read_to_string(path).expect("text"))
            })
            .collect();
        files.sort();
        files
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn start(options: FileOptions) -> Arc<Logging> {
    Logging::start(Destination::File(options), 0).expect("log")
}

fn say(log: &Logging, text: &str) {
    tracing::subscriber::with_default(log.subscriber(), || tracing::info!("{text}"));
    assert!(log.flush(PATIENCE));
}

#[test]
fn a_log_that_is_in_the_way_is_moved_aside_unless_it_is_to_be_continued() {
    let directory = Directory::new("start");
    fs::write(directory.0.join("log"), "old\n").expect("write");
    say(&start(directory.options(true, Rotation::Rename)), "appended");
    let files = directory.files();
    assert_eq!(files.len(), 1);
    assert!(files[0].1.starts_with("old\n{") && files[0].1.contains("appended"));

    say(&start(directory.options(false, Rotation::Rename)), "fresh");
    let files = directory.files();
    assert_eq!(files.len(), 2);
    assert!(files[0].1.contains("fresh") && !files[0].1.contains("appended"));
    assert!(files[1].0.starts_with("log.20") && files[1].1.contains("appended"));
}

#[test]
fn rotation_keeps_every_line_in_the_file_of_its_time() {
    let directory = Directory::new("rename");
    let log = start(directory.options(false, Rotation::Rename));
    for text in ["first", "second", "third"] {
        say(&log, text);
        log.rotate(PATIENCE).expect("rotated");
    }
    say(&log, "fourth");
    let files = directory.files();
    assert_eq!(files.len(), 4, "rotations within one second do not overwrite each other");
    for text in ["first", "second", "third", "fourth"] {
        assert_eq!(files.iter().filter(|(_, lines)| lines.contains(text)).count(), 1, "{text}");
    }
    assert!(files[0].0 == "log" && files[0].1.contains("fourth"));
}

#[test]
fn reopening_leaves_renaming_to_others() {
    let directory = Directory::new("reopen");
    let log = start(directory.options(true, Rotation::Reopen));
    say(&log, "first");
    fs::rename(directory.0.join("log"), directory.0.join("moved")).expect("rename");
    say(&log, "second");
    log.rotate(PATIENCE).expect("reopened");
    say(&log, "third");
    let files = directory.files();
    assert_eq!(files.len(), 2);
    assert!(files[0].1.contains("third") && !files[0].1.contains("second"));
    assert!(files[1].1.contains("first") && files[1].1.contains("second"));
}

#[test]
fn a_rotation_that_fails_leaves_the_log_running() {
    let directory = Directory::new("fail");
    let log = start(directory.options(false, Rotation::Rename));
    fs::remove_file(directory.0.join("log")).expect("remove");
    fs::create_dir(directory.0.join("log")).expect("directory in the way");
    assert!(log.rotate(PATIENCE).is_err());
    say(&log, "still here");
    assert_eq!(log.dropped(), 0);
}

#[test]
fn a_log_cannot_be_a_directory_and_is_for_its_owner_alone() {
    let directory = Directory::new("mode");
    let mut options = directory.options(false, Rotation::Rename);
    say(&start(options.clone()), "m");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&options.path).expect("file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    options.path.clone_from(&directory.0);
    assert!(Logging::start(Destination::File(options), 0).is_err());
    let nowhere = Path::new("/nonexistent/directory/log").to_path_buf();
    let options = FileOptions { path: nowhere, append: true, rotation: Rotation::Rename };
    assert!(Logging::start(Destination::File(options), 0).is_err());
}
