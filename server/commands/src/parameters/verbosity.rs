//! The two parameters that say how much is logged.
//!
//! Owns the tree of components in `logComponentVerbosity` and that its root and `logLevel` are one
//! value with two names.

use super::table::{SettingRefused, whole_number};
use crate::host::Host;
use quire_bson::{Bson, Document, doc};
use std::collections::BTreeMap;

pub(super) const COMPONENTS: &str = "logComponentVerbosity";
pub(super) const LEVEL: &str = "logLevel";
pub(super) const LEVEL_MAX: i32 = 5;

/// Every component below the root starts with its parent's verbosity, which -1 stands for.
const TREE: &[(&str, &[&str])] = &[
    ("accessControl", &[]),
    ("assert", &[]),
    ("command", &[]),
    ("control", &[]),
    ("executor", &[]),
    ("ftdc", &[]),
    ("geo", &[]),
    ("index", &[]),
    ("network", &["asio", "bridge", "connectionPool"]),
    ("query", &["rejected"]),
    ("queryStats", &[]),
    ("replication", &["election", "heartbeats", "initialSync", "rollback"]),
    ("sharding", &[]),
    ("storage", &["journal", "recovery", "wt"]),
    ("test", &[]),
    ("transaction", &[]),
    ("write", &[]),
];

pub(super) fn defaults() -> Bson {
    let mut tree = doc! { "verbosity": 0 };
    for (name, children) in TREE {
        let mut component = doc! { "verbosity": -1 };
        for child in *children {
            component.insert(*child, doc! { "verbosity": -1 });
        }
        tree.insert(*name, component);
    }
    Bson::Document(tree)
}

/// Checks a part of the tree and gives it with every level in the form `{verbosity: n}`.
pub(super) fn accept(value: &Bson) -> Result<Bson, SettingRefused> {
    let Bson::Document(given) = value else {
        return Err(SettingRefused::new(format!("{COMPONENTS} must be a document, not {value}")));
    };
    let mut tree = Document::new();
    for (name, level) in given {
        if name == "verbosity" {
            tree.insert(name, accept_level(name, level)?);
            continue;
        }
        let Some((_, children)) = TREE.iter().find(|(known, _)| known == name) else {
            return Err(invalid_component(name));
        };
        tree.insert(name, accept_component(name, level, children)?);
    }
    Ok(Bson::Document(tree))
}

fn accept_component(
    path: &str,
    value: &Bson,
    children: &[&str],
) -> Result<Document, SettingRefused> {
    let Bson::Document(given) = value else {
        return Ok(doc! { "verbosity": accept_level(path, value)? });
    };
    let mut component = Document::new();
    for (name, level) in given {
        if name == "verbosity" {
            component.insert(name, accept_level(path, level)?);
        } else if children.contains(&name.as_str()) {
            let path = format!("{path}.{name}");
            component.insert(name, accept_component(&path, level, &[])?);
        } else {
            return Err(invalid_component(&format!("{path}.{name}")));
        }
    }
    Ok(component)
}

fn accept_level(path: &str, value: &Bson) -> Result<i32, SettingRefused> {
    let level = whole_number(value).filter(|level| (-1..=i64::from(LEVEL_MAX)).contains(level));
    level.and_then(|level| i32::try_from(level).ok()).ok_or_else(|| {
        SettingRefused::new(format!(
            "Expected {path} to be a number between -1 and {LEVEL_MAX}, but found {value}"
        ))
    })
}

fn invalid_component(path: &str) -> SettingRefused {
    SettingRefused::new(format!("Invalid component name specified: {path}"))
}

/// The whole tree once `given` is laid over it.
pub(super) fn merged(current: Option<Bson>, given: Bson) -> Bson {
    let mut tree = match current.unwrap_or_else(defaults) {
        Bson::Document(tree) => tree,
        _ => Document::new(),
    };
    if let Bson::Document(given) = given {
        lay_over(&mut tree, given);
    }
    Bson::Document(tree)
}

/// Goes as deep as the tree of components, which `accept` bounds.
fn lay_over(tree: &mut Document, given: Document) {
    for (name, value) in given {
        match (tree.get_mut(&name), value) {
            (Some(Bson::Document(inner)), Bson::Document(value)) => lay_over(inner, value),
            (_, value) => {
                tree.insert(name, value);
            }
        }
    }
}

/// Writes a change of one parameter through to the other.
pub(super) fn keep_in_step(values: &mut BTreeMap<String, Bson>, name: &str, value: &Bson) {
    match (name, value) {
        (LEVEL, level) => {
            if let Some(Bson::Document(tree)) = values.get_mut(COMPONENTS) {
                tree.insert("verbosity", level.clone());
            }
        }
        (COMPONENTS, Bson::Document(tree)) => {
            if let Some(level) = tree.get("verbosity") {
                values.insert(LEVEL.to_owned(), level.clone());
            }
        }
        _ => {}
    }
}

/// How talkative each component is to be.
pub(crate) struct Levels(Vec<(String, i32)>);

impl Levels {
    /// The levels that a new value of a parameter means; `None` for parameters about other things.
    pub(crate) fn of(name: &str, value: &Bson) -> Option<Levels> {
        let mut levels = Vec::new();
        match (name, value) {
            (LEVEL, Bson::Int32(level)) => levels.push((String::new(), *level)),
            (COMPONENTS, Bson::Document(tree)) => collect(tree, "", &mut levels),
            _ => return None,
        }
        Some(Levels(levels))
    }

    /// Tells the log.
    pub(crate) fn apply(&self, host: &dyn Host) {
        for (path, level) in &self.0 {
            let level = u8::try_from(*level).ok();
            match level {
                Some(level) if path.is_empty() => host.set_log_verbosity(level),
                _ => host.set_component_verbosity(path, level),
            }
        }
    }
}

fn collect(tree: &Document, path: &str, levels: &mut Vec<(String, i32)>) {
    for (name, value) in tree {
        match value {
            Bson::Document(inner) if path.is_empty() => collect(inner, name, levels),
            Bson::Document(inner) => collect(inner, &format!("{path}.{name}"), levels),
            Bson::Int32(level) if name == "verbosity" => levels.push((path.to_owned(), *level)),
            _ => {}
        }
    }
}
