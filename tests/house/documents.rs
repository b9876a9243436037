//! What is documented is what is there: the settings table, the sample files, the top level.

use std::ffi::OsString;
use std::{fs, io};

use quire_config::{Launch, Source};

use crate::root;

const BEGIN: &str = "<!-- settings: begin -->\n";
const END: &str = "<!-- settings: end -->";

#[test]
fn the_readme_lists_every_setting_as_it_is() {
    let path = root().join("README.md");
    let readme = fs::read_to_string(&path).expect("README.md");
    let (before, rest) = readme.split_once(BEGIN).expect("the table's beginning");
    let (table, after) = rest.split_once(END).expect("the table's end");
    let wanted = quire_config::markdown_table();
    if std::env::var_os("QUIRE_UPDATE").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{wanted}{END}{after}")).expect("written");
        return;
    }
    assert!(table == wanted, "README.md is out of date; run QUIRE_UPDATE=1 cargo test house");
}

#[test]
fn the_readme_shows_how_to_switch_every_fail_point() {
    let readme = fs::read_to_string(root().join("README.md")).expect("README.md");
    let section = readme.split("\n## ").find(|section| section.starts_with("Fail points\n"));
    let section = section.expect("a section about them");
    for known in quire_failpoints::known() {
        let example = format!("point(\"{}\",", known.name);
        assert!(section.contains(&example), "{} has no example", known.name);
    }
}

#[test]
fn the_sample_configuration_is_accepted_without_a_warning() {
    let sample = root().join("deploy/mongod.conf");
    let argv = ["quired".into(), "--config".into(), sample.into_os_string()];
    let read_file = |path: &std::path::Path| -> io::Result<String> { fs::read_to_string(path) };
    let source = Source { argv: argv.to_vec(), environment: Vec::new(), read_file: &read_file };
    match quire_config::load(source) {
        Ok(Launch::Run(settings)) => assert_eq!(settings.warnings, []),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_top_level_holds_what_was_agreed_and_nothing_else() {
    const AGREED: &[&str] = &[
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE",
        "Makefile",
        "README.md",
        "clippy.toml",
        "config",
        "deny.toml",
        "deploy",
        "rustfmt.toml",
        "server",
        "storage",
        "tests",
        "wire",
    ];
    // What building and running leave behind is not part of the house.
    const LEFT_BEHIND: &[&str] = &["data", "target"];
    let strangers: Vec<OsString> = fs::read_dir(root())
        .expect("readable")
        .map(|entry| entry.expect("readable").file_name())
        .filter(|name| {
            let name = name.to_string_lossy();
            !name.starts_with('.') && !AGREED.contains(&&*name) && !LEFT_BEHIND.contains(&&*name)
        })
        .collect();
    assert!(strangers.is_empty(), "{strangers:?}");
}
