//! Counts instructions and compares them with the numbers in `instructions.txt`: a rise of more than a
//! tenth fails. Seconds differ from machine to machine and from hour to hour; this does not.
//!
//! Owns the comparison. The numbers are those of the release profile, which is what CI tests; in
//! another profile nothing is compared, and that is said. `QUIRE_UPDATE=1` writes what is counted into the file.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Each case, and how often it is done in the shorter of its two runs.
const CASES: &[(&str, u32)] =
    &[("find", 500), ("insert", 500), ("update", 500), ("scan-10000", 4), ("apply-1000", 4)];

/// Has glibc copy long memory as it copies short. Otherwise it uses one instruction from 4 KiB on that
/// valgrind counts once for each byte, and a byte more of something could seem a rise by half.
const COPY_BY_VECTORS: &str = "glibc.cpu.x86_rep_movsb_threshold=1073741824:\
                               glibc.cpu.x86_rep_stosb_threshold=1073741824";

/// How much more than the recorded number may be counted.
const RISE_MAX: f64 = 0.10;

#[test]
fn nothing_takes_a_tenth_more_instructions_than_is_recorded() {
    if cfg!(debug_assertions) {
        say("NOT COUNTED: the numbers are those of the release profile");
        return;
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        say("NOT COUNTED: no valgrind here; deploy/prepare test installs it where it may");
        return;
    }
    let counted: BTreeMap<&str, u64> =
        CASES.iter().map(|(name, times)| (*name, instructions(name, *times))).collect();
    if std::env::var_os("QUIRE_UPDATE").is_some() {
        fs::write(recorded_path(), written(&counted)).expect("written");
        return;
    }
    let recorded = fs::read_to_string(recorded_path()).expect("the recorded numbers");
    let recorded = read(&recorded);
    let mut risen = Vec::new();
    for (name, now) in &counted {
        let before = recorded.get(*name).unwrap_or_else(|| panic!("{name} has no number"));
        let rise = *now as f64 / *before as f64 - 1.0;
        let percent = rise * 100.0;
        say(&format!("{name:<12} {now:>10} instructions, recorded {before}: {percent:+.1} %"));
        if rise > RISE_MAX {
            risen.push(format!("{name}: {now} instead of {before}"));
        }
    }
    assert!(
        risen.is_empty(),
        "{risen:#?}; if that is what it takes, QUIRE_UPDATE=1 cargo test --release -p quire-counts \
         records it"
    );
}

#[test]
fn every_case_has_a_recorded_number_and_no_number_is_left_over() {
    let recorded = fs::read_to_string(recorded_path()).expect("the recorded numbers");
    let recorded: Vec<String> = read(&recorded).into_keys().collect();
    let mut names: Vec<&str> = CASES.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    assert_eq!(recorded, names);
}

/// For whoever reads the test's output; nothing depends on it.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// The instructions of one time: what twice as many times take more, shared by them.
fn instructions(name: &str, times: u32) -> u64 {
    let (fewer, more) = (of_process(name, times), of_process(name, 2 * times));
    more.checked_sub(fewer).expect("more work takes more instructions") / u64::from(times)
}

fn of_process(name: &str, times: u32) -> u64 {
    let output = Command::new("valgrind")
        .env("GLIBC_TUNABLES", COPY_BY_VECTORS)
        .args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"])
        .arg(env!("CARGO_BIN_EXE_quire-counts"))
        .args([name, &times.to_string()])
        .output()
        .expect("valgrind starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {said}");
    parse(&said).unwrap_or_else(|| panic!("no count in {said}"))
}

/// `==123== I refs:        12,345`, with more spaces in some versions.
fn parse(said: &str) -> Option<u64> {
    let line = said.lines().find(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.get(1..3) == Some(&["I", "refs:"])
    })?;
    line.split_whitespace().last()?.replace(',', "").parse().ok()
}

fn recorded_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.txt")
}

fn written(counted: &BTreeMap<&str, u64>) -> String {
    let mut text = String::new();
    for (name, count) in counted {
        writeln!(text, "{name} {count}").expect("memory");
    }
    text
}

fn read(text: &str) -> BTreeMap<String, u64> {
    text.lines()
        .map(|line| {
            let (name, count) = line.split_once(' ').expect("a name and a number");
            (name.to_owned(), count.parse().expect("a number"))
        })
        .collect()
}

#[test]
fn the_count_is_found_in_what_valgrind_says() {
    let said = "==7== Cachegrind, a profiler\n==7== I   refs:      1,234,567\n";
    assert_eq!(parse(said), Some(1_234_567));
    assert_eq!(parse("==7== nothing\n"), None);
}
