//! The environment: `QUIRE_NET_PORT` sets `net.port`, `QUIRE_SET_PARAMETER_<name>` a parameter.
//!
//! A variable of ours that names no setting is refused, but only when it begins with a section of
//! the configuration: Kubernetes puts `QUIRE_PORT` and its like into every pod beside a service that
//! is called quire, and the build has variables of its own.

use crate::layer::Layer;
use crate::refusal::Refusal;
use crate::setting::Kind;
use crate::table;

pub(crate) const PREFIX: &str = "QUIRE_";
const PARAMETER_PREFIX: &str = "QUIRE_SET_PARAMETER_";

/// What the environment said.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    pub(crate) layer: Layer,
    pub(crate) config_file: Option<String>,
}

/// Reads the variables that are ours.
pub(crate) fn read(
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Environment, Refusal> {
    let mut environment = Environment::default();
    for (name, value) in variables {
        if !name.starts_with(PREFIX) {
            continue;
        }
        if name == "QUIRE_CONFIG" {
            environment.config_file = Some(value);
        } else if let Some(parameter) = name.strip_prefix(PARAMETER_PREFIX) {
            environment.layer.set_parameter(parameter, &value)?;
        } else if let Some(component) = component(&name) {
            environment.layer.set_component(&name, component, &value)?;
        } else if let Some(setting) = table::SETTINGS
            .iter()
            .filter(|setting| !matches!(setting.kind, Kind::Parameters | Kind::Components))
            .find(|setting| setting.environment_name() == name)
        {
            environment.layer.set(setting, &name, &value)?;
        } else if in_a_section(&name) {
            return Err(Refusal::new(format!("Unrecognized environment variable: {name}")));
        }
    }
    Ok(environment)
}

/// `QUIRE_SYSTEM_LOG_COMPONENT_<COMPONENT>_VERBOSITY`.
fn component(name: &str) -> Option<&'static str> {
    let word =
        name.strip_prefix("QUIRE_SYSTEM_LOG_COMPONENT_")?.strip_suffix("_VERBOSITY")?.to_owned();
    let plain = |text: &str| text.replace(['.', '_'], "").to_ascii_lowercase();
    table::LOG_COMPONENTS.iter().map(|(path, _)| *path).find(|path| plain(path) == plain(&word))
}

fn in_a_section(name: &str) -> bool {
    table::SETTINGS
        .iter()
        .filter(|setting| setting.key.contains('.'))
        .any(|setting| name.starts_with(&section_name(setting.key)))
}

/// `QUIRE_SYSTEM_LOG_` for `systemLog.path`.
fn section_name(key: &str) -> String {
    let section = key.split('.').next().unwrap_or_default();
    let mut name = String::from(PREFIX);
    for letter in section.chars() {
        if letter.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name.push('_');
    name
}
