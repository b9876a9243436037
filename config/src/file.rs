//! The configuration file: mongod.conf's YAML, nested or with dotted keys.
//!
//! Refuses every key that is not in the table and every key given twice; a section left empty says
//! nothing.

use config::{File, FileFormat, Map, Source, Value, ValueKind};

use crate::layer::Layer;
use crate::refusal::Refusal;
use crate::setting::Kind;
use crate::table::{self, COMPONENTS, PARAMETERS};

/// Reads the text of a configuration file.
pub(crate) fn read(text: &str) -> Result<Layer, Refusal> {
    let root = File::from_str(text, FileFormat::Yaml).collect().map_err(|error| {
        Refusal::new(format!("Error parsing YAML config file: {}", innermost(&error)))
    })?;
    let mut layer = Layer::default();
    section("", root, &mut layer)?;
    Ok(layer)
}

/// The parser's own words: the layers around it only repeat them.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

fn section(prefix: &str, table: Map<String, Value>, layer: &mut Layer) -> Result<(), Refusal> {
    let mut entries: Vec<(String, Value)> = table.into_iter().collect();
    // The map has no order of its own; errors should not depend on it.
    entries.sort_by(|left, right| left.0.cmp(&right.0));
    for (name, value) in entries {
        let path = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        entry(&path, value, layer)?;
    }
    Ok(())
}

fn entry(path: &str, value: Value, layer: &mut Layer) -> Result<(), Refusal> {
    if path == PARAMETERS {
        return parameters(value, layer);
    }
    if let Some(name) = path.strip_prefix(PARAMETERS).and_then(|rest| rest.strip_prefix('.')) {
        return layer.set_parameter(name, &parameter_text(value));
    }
    match value.kind {
        ValueKind::Table(table) if is_section(path) => section(path, table, layer),
        ValueKind::Nil if is_section(path) => Ok(()),
        kind => leaf(path, &kind, layer),
    }
}

fn leaf(path: &str, kind: &ValueKind, layer: &mut Layer) -> Result<(), Refusal> {
    let component = path
        .strip_prefix(COMPONENTS)
        .and_then(|rest| rest.strip_prefix('.'))
        .and_then(|rest| rest.strip_suffix(".verbosity"));
    let row = table::by_path(path).filter(|(setting, _)| setting.kind != Kind::Components);
    if row.is_none() && component.is_none() {
        return Err(Refusal::new(format!("Unrecognized option: {path}")));
    }
    let Some(text) = scalar(kind) else {
        return Err(Refusal::new(format!("Bad value for {path}: expected a single value")));
    };
    if let Some(component) = component {
        return layer.set_component(path, component, &text);
    }
    let Some((setting, words)) = row else { return Ok(()) };
    let text = match words.iter().find(|(word, _)| *word == text) {
        Some((_, "")) => return Ok(()),
        Some((_, value)) => (*value).to_owned(),
        None if words.is_empty() => text,
        None => {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            return Err(Refusal::new(format!(
                "Bad value for {path}: '{text}': expected one of {}",
                known.join(", ")
            )));
        }
    };
    if layer.contains(setting.key) {
        return Err(Refusal::new(format!("{path} is given twice, under two names")));
    }
    layer.set(setting, path, &text)
}

fn parameters(value: Value, layer: &mut Layer) -> Result<(), Refusal> {
    match value.kind {
        ValueKind::Nil => Ok(()),
        ValueKind::Table(table) => {
            for (name, value) in table {
                layer.set_parameter(&name, &parameter_text(value))?;
            }
            Ok(())
        }
        _ => Err(Refusal::new("Bad value for setParameter: expected names with values")),
    }
}

/// A parameter is text to us whatever it is in the file: nested values become JSON.
fn parameter_text(value: Value) -> String {
    match scalar(&value.kind) {
        Some(text) => text,
        None => value
            .try_deserialize::<serde_json::Value>()
            .map_or_else(|_| String::new(), |tree| tree.to_string()),
    }
}

fn scalar(kind: &ValueKind) -> Option<String> {
    match kind {
        ValueKind::Nil | ValueKind::Table(_) | ValueKind::Array(_) => None,
        other => Some(other.to_string()),
    }
}

/// Whether some setting lies below this path.
fn is_section(path: &str) -> bool {
    let below = |key: &str| key.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
    path == COMPONENTS
        || path.strip_prefix(COMPONENTS).is_some_and(|rest| {
            rest.strip_prefix('.').is_some_and(|component| {
                table::LOG_COMPONENTS.iter().any(|(name, _)| *name == component)
            })
        })
        || table::SETTINGS
            .iter()
            .any(|row| below(row.key) || row.aliases.iter().any(|alias| below(alias.key)))
}
