//! From the process's surroundings to settings: which layers there are and in which order they lie.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::Path;

use config::Config;

use crate::layer::Layer;
use crate::refusal::Refusal;
use crate::settings::Settings;
use crate::{Tree, environment, file, flags, ini, support};

/// What the process was started for.
#[derive(Debug, Clone, PartialEq)]
pub enum Launch {
    Help,
    Version,
    Run(Box<Settings>),
}

/// The process's surroundings, passed in so that tests can make them up.
pub struct Source<'a> {
    /// The program's name, then its words.
    pub argv: Vec<OsString>,
    pub environment: Vec<(OsString, OsString)>,
    pub read_file: &'a dyn Fn(&Path) -> io::Result<String>,
}

impl Source<'static> {
    /// The surroundings of this very process.
    #[must_use]
    pub fn of_this_process() -> Self {
        Self {
            argv: std::env::args_os().collect(),
            environment: std::env::vars_os().collect(),
            read_file: &|path| std::fs::read_to_string(path),
        }
    }
}

/// Reads the settings: defaults < file < environment < flags.
///
/// # Errors
/// The first thing that cannot be honoured.
pub fn load(source: Source<'_>) -> Result<Launch, Refusal> {
    let mut words = Vec::with_capacity(source.argv.len());
    for word in source.argv {
        words.push(word.into_string().map_err(|word| {
            Refusal::command_line(format!("'{}' is not valid UTF-8", word.to_string_lossy()))
        })?);
    }
    let mut words = words.into_iter();
    let program = words.next().unwrap_or_else(|| "quired".to_owned());
    let line = flags::read(program, words.collect())?;
    if line.help {
        return Ok(Launch::Help);
    }
    if line.version {
        return Ok(Launch::Version);
    }
    let environment = environment::read(variables(source.environment)?)?;
    let config_file = line.config_file.or(environment.config_file);
    let file = match &config_file {
        None => Layer::default(),
        Some(path) => {
            let text = (source.read_file)(Path::new(path)).map_err(|error| {
                Refusal::new(format!("Error opening config file '{path}': {error}"))
            })?;
            if ini::is_ini(&text) { ini::read(&text)? } else { file::read(&text)? }
        }
    };

    let given = stack([file, environment.layer, line.layer])?;
    let all = Config::builder()
        .add_source(Layer::defaults()?)
        .add_source(given.clone())
        .build()
        .map_err(|error| Refusal::new(error.to_string()))?;
    let warnings = support::check(&given)?;
    let parsed = parsed(given, config_file)?;
    Ok(Launch::Run(Box::new(Settings::read(&all, parsed, line.argv, warnings)?)))
}

fn stack(layers: [Layer; 3]) -> Result<Config, Refusal> {
    let mut builder = Config::builder();
    for layer in layers {
        builder = builder.add_source(layer);
    }
    builder.build().map_err(|error| Refusal::new(error.to_string()))
}

/// Only our own variables have to be text.
fn variables(all: Vec<(OsString, OsString)>) -> Result<BTreeMap<String, String>, Refusal> {
    let mut variables = BTreeMap::new();
    for (name, value) in all {
        let Ok(name) = name.into_string() else { continue };
        if !name.starts_with(environment::PREFIX) {
            continue;
        }
        let value = value.into_string().map_err(|_| {
            Refusal::new(format!("The environment variable {name} is not valid UTF-8"))
        })?;
        variables.insert(name, value);
    }
    Ok(variables)
}

fn parsed(given: Config, config_file: Option<String>) -> Result<Tree, Refusal> {
    let mut tree: Tree =
        given.try_deserialize().map_err(|error| Refusal::new(error.to_string()))?;
    if let (Some(path), Some(root)) = (config_file, tree.as_object_mut()) {
        root.insert("config".to_owned(), Tree::from(path));
    }
    for key in secrets() {
        if let Some(value) = tree.pointer_mut(&format!("/{}", key.replace('.', "/"))) {
            *value = Tree::from("<password>");
        }
    }
    Ok(tree)
}

fn secrets() -> impl Iterator<Item = &'static str> {
    crate::SETTINGS.iter().filter(|row| row.kind == crate::Kind::Secret).map(|row| row.key)
}

#[cfg(test)]
mod tests;
