//! The configuration file of the time before YAML, which mongod still reads and mongo-orchestration
//! still writes: `port = 27017`, one flag a line, `#` for comments.

use crate::flags;
use crate::layer::Layer;
use crate::refusal::Refusal;
use crate::setting::Gives;
use crate::table;

/// Whether this text is in the old form: its first line with something on it assigns to a flag.
pub(crate) fn is_ini(text: &str) -> bool {
    lines(text).next().and_then(|(_, line)| line.split_once('=')).is_some_and(|(name, _)| {
        let name = name.trim();
        table::by_flag(name).is_some() || is_verbosity(name)
    })
}

/// Reads the text of a configuration file in the old form.
pub(crate) fn read(text: &str) -> Result<Layer, Refusal> {
    let mut words = Vec::new();
    for (number, line) in lines(text) {
        let Some((name, value)) = line.split_once('=') else {
            return Err(Refusal::new(format!(
                "Error parsing INI config file: line {number}: expected name = value"
            )));
        };
        let (name, value) = (name.trim(), value.trim());
        let is_switch = is_verbosity(name)
            || table::by_flag(name)
                .is_some_and(|(_, spelling)| matches!(spelling.gives, Gives::Constant(_)));
        match (is_switch, value) {
            (true, "true") if is_verbosity(name) => words.push(format!("-{name}")),
            (true, "true") => words.push(format!("--{name}")),
            (true, "false") => {}
            (true, _) => {
                return Err(Refusal::new(format!(
                    "Bad value for {name}: '{value}': expected true or false"
                )));
            }
            (false, _) => words.push(format!("--{name}={value}")),
        }
    }
    let line = flags::read(String::new(), words).map_err(|refusal| {
        Refusal::new(refusal.message.replacen("command line", "INI config file", 1))
    })?;
    if line.help || line.version || line.config_file.is_some() {
        return Err(Refusal::new(
            "Error parsing INI config file: help, version and config are for the command line",
        ));
    }
    Ok(line.layer)
}

/// The lines that say something, with their numbers.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index.saturating_add(1), line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// `v` to `vvvvv`.
fn is_verbosity(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|letter| letter == 'v')
}
