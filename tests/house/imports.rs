//! The import matrix. A new edge between crates, or a heavy dependency in a new place, is a decision
//! about the architecture: it is made here, in sight of a reviewer.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use crate::root;

/// Each of our crates, the layer it lives in, and which of ours it may import: only rows above its
/// own, so that there is no cycle.
const EDGES: &[(&str, &str, &[&str])] = &[
    ("quire-config", "config", &[]),
    ("quire-bson", "wire", &[]),
    ("quire-errors", "wire", &[]),
    ("quire-protocol", "wire", &["quire-bson", "quire-errors"]),
    ("quire-engine", "storage", &[]),
    ("quire-collation", "storage", &["quire-bson"]),
    ("quire-keys", "storage", &["quire-bson"]),
    ("quire-log", "storage", &[]),
    (
        "quire-documents",
        "storage",
        &["quire-bson", "quire-collation", "quire-keys", "quire-engine", "quire-log"],
    ),
    ("quire-query", "server", &["quire-bson", "quire-collation", "quire-errors", "quire-keys"]),
    ("quire-javascript", "server", &["quire-bson", "quire-errors", "quire-query"]),
    ("quire-consensus", "server", &["quire-log"]),
    ("quire-failpoints", "server", &["quire-bson", "quire-errors"]),
    (
        "quire-execution",
        "server",
        &[
            "quire-bson",
            "quire-errors",
            "quire-keys",
            "quire-log",
            "quire-query",
            "quire-documents",
            "quire-consensus",
            "quire-failpoints",
        ],
    ),
    (
        "quire-replset",
        "server",
        &[
            "quire-bson",
            "quire-errors",
            "quire-log",
            "quire-documents",
            "quire-consensus",
            "quire-execution",
        ],
    ),
    (
        "quire-commands",
        "server",
        &[
            "quire-bson",
            "quire-errors",
            "quire-protocol",
            "quire-keys",
            "quire-log",
            "quire-query",
            "quire-execution",
            "quire-documents",
            "quire-consensus",
            "quire-failpoints",
            "quire-replset",
        ],
    ),
    (
        "quired",
        "server",
        &[
            "quire-bson",
            "quire-errors",
            "quire-protocol",
            "quire-engine",
            "quire-keys",
            "quire-log",
            "quire-documents",
            "quire-query",
            "quire-javascript",
            "quire-execution",
            "quire-consensus",
            "quire-failpoints",
            "quire-replset",
            "quire-commands",
            "quire-config",
        ],
    ),
];

/// Whose sources a layer may build on, besides its own.
const LAYERS: &[(&str, &[&str])] = &[
    ("wire", &[]),
    ("storage", &["wire"]),
    ("server", &["storage", "wire"]),
    ("config", &[]),
    ("tests", &["server", "storage", "wire", "config"]),
];

/// Heavy dependencies and the only crates that may name them. Tests may name those of the daemon.
const QUARANTINE: &[(&str, &[&str])] = &[
    ("rocksdb", &["quire-engine"]),
    ("librocksdb-sys", &["quire-engine"]),
    ("bson", &["quire-bson"]),
    ("raft", &["quire-consensus"]),
    ("protobuf", &["quire-consensus"]),
    ("slog", &["quire-consensus"]),
    ("rquickjs", &["quire-javascript"]),
    ("icu_collator", &["quire-collation"]),
    ("icu_locale_core", &["quire-collation"]),
    ("config", &["quire-config"]),
    // A stock client, and those of the server's peers; only what stands beside the server may use them.
    ("mongodb", &["quire-bench", "quire-chaos"]),
    ("postgres-protocol", &["quire-bench"]),
    ("h2", &["quire-bench"]),
    ("tokio", &["quired"]),
    ("hyper", &["quired"]),
    ("hyper-util", &["quired"]),
    ("http-body-util", &["quired"]),
    ("rustls", &["quired"]),
    ("tokio-rustls", &["quired"]),
    ("tracing-subscriber", &["quired"]),
    ("tikv-jemallocator", &["quired"]),
];

fn below(layer: &str) -> &'static [&'static str] {
    LAYERS.iter().find(|(own, _)| *own == layer).expect("a layer").1
}

/// One of our packages.
struct Package {
    name: String,
    /// The first directory of its path.
    layer: String,
    /// Names of everything it imports, with whether that is for its tests alone.
    imports: Vec<(String, bool)>,
}

fn packages() -> Vec<Package> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let root = root();
    let list = metadata["packages"].as_array().expect("packages");
    list.iter()
        .map(|package| {
            let manifest = package["manifest_path"].as_str().expect("a path");
            let within = manifest.strip_prefix(root.to_str().expect("UTF-8")).expect("within");
            let imports = package["dependencies"].as_array().expect("dependencies").iter();
            Package {
                name: package["name"].as_str().expect("a name").to_owned(),
                layer: within.trim_start_matches('/').split('/').next().expect("one").to_owned(),
                imports: imports
                    .map(|import| {
                        let name = import["name"].as_str().expect("a name").to_owned();
                        (name, import["kind"] == "dev")
                    })
                    .collect(),
            }
        })
        .collect()
}

#[test]
fn crates_import_only_what_the_matrix_allows() {
    let packages = packages();
    let mut forbidden = Vec::new();
    for package in packages.iter().filter(|package| package.layer != "tests") {
        let Some((_, layer, allowed)) = EDGES.iter().find(|(name, _, _)| *name == package.name)
        else {
            forbidden.push(format!("{} is not in the matrix", package.name));
            continue;
        };
        if *layer != package.layer {
            forbidden.push(format!("{} lives in {}, not {layer}", package.name, package.layer));
        }
        for (import, for_tests) in &package.imports {
            let Some(target) = packages.iter().find(|other| other.name == *import) else {
                continue;
            };
            // Tests may set up whatever lies in their own layer or below it.
            let allowed = allowed.contains(&import.as_str())
                || *for_tests && (target.layer == *layer || below(layer).contains(&&*target.layer));
            if !allowed {
                forbidden.push(format!("{} may not import {import}", package.name));
            }
        }
    }
    assert!(forbidden.is_empty(), "{forbidden:#?}");
}

#[test]
fn the_matrix_itself_keeps_to_the_layers_and_has_no_cycle() {
    let layer_of: BTreeMap<&str, &str> =
        EDGES.iter().map(|(name, layer, _)| (*name, *layer)).collect();
    let mut forbidden = Vec::new();
    for (position, (name, layer, imports)) in EDGES.iter().enumerate() {
        let below = below(layer);
        for import in *imports {
            let target = layer_of[import];
            // Only the daemon reads configuration.
            let configures = *name == "quired" && target == "config";
            if target != *layer && !below.contains(&target) && !configures {
                forbidden.push(format!("{name} ({layer}) may not import {import} ({target})"));
            }
            if EDGES.iter().position(|(own, _, _)| own == import) >= Some(position) {
                forbidden.push(format!("{name} imports {import}, which does not stand above it"));
            }
        }
    }
    assert!(forbidden.is_empty(), "{forbidden:#?}");
}

#[test]
fn nothing_imports_the_tests() {
    let packages = packages();
    let (tests, others): (Vec<_>, Vec<_>) =
        packages.iter().partition(|package| package.layer == "tests");
    for package in others {
        for (import, _) in &package.imports {
            let is_test = tests.iter().any(|test| test.name == *import);
            assert!(!is_test, "{} imports {import}", package.name);
        }
    }
}

#[test]
fn heavy_dependencies_stay_in_their_quarantine() {
    let mut escaped = Vec::new();
    for package in packages() {
        for (import, for_tests) in &package.imports {
            let Some((_, homes)) = QUARANTINE.iter().find(|(name, _)| name == import) else {
                continue;
            };
            let in_tests = package.layer == "tests" || *for_tests;
            let home =
                homes.contains(&package.name.as_str()) || in_tests && homes.contains(&"quired");
            if !home {
                escaped.push(format!("{} may not import {import}", package.name));
            }
        }
    }
    assert!(escaped.is_empty(), "{escaped:#?}");
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    for package in packages() {
        let manifests = crate::sources::files("toml");
        let own = manifests.iter().find(|(_, text)| {
            text.contains(&format!("name = \"{}\"\n", package.name)) && text.contains("[package]")
        });
        let (path, text) = own.expect("a manifest");
        assert!(text.contains("[lints]\nworkspace = true"), "{path}");
    }
}
