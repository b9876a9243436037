//! How source files look: each says what it owns, none is too long, none has what was left for later.

use std::fs;
use std::path::Path;

use crate::root;

/// Longer files are hard to hold in one's head; most should stay below 500 lines.
const LINES_MAX: usize = 900;

/// Directories that hold nothing of ours.
const SKIPPED: &[&str] = &["target", "node_modules", "data", "corpus", "artifacts"];

/// Every file of ours with this extension: path from the root, and text.
pub(crate) fn files(extension: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(&root(), extension, &mut found);
    found.sort();
    assert!(!found.is_empty(), "no .{extension} file was found");
    found
}

fn collect(directory: &Path, extension: &str, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(directory).expect("readable") {
        let path = entry.expect("readable").path();
        let name = path.file_name().expect("a name").to_string_lossy();
        if path.is_dir() {
            if !SKIPPED.contains(&&*name) && (!name.starts_with('.') || name == ".ci") {
                collect(&path, extension, found);
            }
        } else if path.extension().is_some_and(|own| own == extension) {
            let text = fs::read_to_string(&path).expect("UTF-8");
            let within = path.strip_prefix(root()).expect("within").to_string_lossy().into_owned();
            found.push((within, text));
        }
    }
}

#[test]
fn every_module_opens_with_what_it_owns() {
    let silent: Vec<String> = files("rs")
        .into_iter()
        // The name says it all for those.
        .filter(|(path, _)| !path.ends_with("/tests.rs"))
        .filter(|(_, text)| {
            let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
            // A crate's name alone says nothing.
            !first.starts_with("//! ") || first.starts_with("//! quire")
        })
        .map(|(path, _)| path)
        .collect();
    assert!(silent.is_empty(), "no opening `//!` sentence: {silent:#?}");
}

#[test]
fn no_file_is_longer_than_one_can_hold_in_mind() {
    let long: Vec<String> = files("rs")
        .into_iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn nothing_is_left_for_later() {
    // Put together here so that this file does not contain what it looks for.
    let banned: Vec<String> = ["todo", "unimplemented", "dbg"]
        .iter()
        .map(|name| format!("{name}!("))
        .chain([format!("#[{}]", "ignore"), format!("#[{} ", "ignore")])
        .collect();
    let mut found = Vec::new();
    for (path, text) in files("rs") {
        for (number, line) in text.lines().enumerate() {
            // A mention in a comment is not a use.
            let code = line.split("//").next().unwrap_or_default();
            if banned.iter().any(|word| code.contains(word.as_str())) {
                found.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn nothing_names_the_machine_it_was_written_on() {
    let places: Vec<String> = [["/wo", "rk/"], ["/tmp/", "wt-"], ["/ho", "me/"], ["/ro", "ot/"]]
        .map(|halves| halves.concat())
        .into();
    let mut found = Vec::new();
    for extension in ["rs", "toml", "md", "py", "js", "conf", "service", "json"] {
        for (path, text) in files(extension) {
            for (number, line) in text.lines().enumerate() {
                if places.iter().any(|place| line.contains(place.as_str())) {
                    found.push(format!("{path}:{}: {}", number + 1, line.trim()));
                }
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn module_names_say_what_they_hold() {
    let empty = ["utils", "util", "common", "helpers", "helper", "manager", "misc"];
    for (path, _) in files("rs") {
        let stem = Path::new(&path).file_stem().expect("a name").to_string_lossy().into_owned();
        assert!(!empty.contains(&stem.as_str()), "{path}");
    }
}

#[test]
fn deploy_and_wire_keep_to_their_own() {
    for (path, _) in files("rs") {
        assert!(!path.starts_with("deploy/"), "{path}: deploy holds no Rust");
    }
}
