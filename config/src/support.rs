//! What is said about settings that do nothing here: a warning where that is harmless, a refusal
//! where the operator would get less than was asked for.

use config::Config;

use crate::refusal::Refusal;
use crate::setting::{Setting, Support};
use crate::table;

/// Checks the settings that were given and returns a line for the log for each that is ignored.
pub(crate) fn check(given: &Config) -> Result<Vec<String>, Refusal> {
    let tls_is_off = given.get_string("net.tls.mode").is_ok_and(|mode| mode == "disabled");
    let mut warnings = Vec::new();
    for setting in table::SETTINGS {
        let Ok(value) = given.get_string(setting.key) else { continue };
        match setting.support {
            Support::Effective => {}
            Support::Ignored(why) => {
                warnings.push(format!("{} has no effect: {why}", name(setting)));
            }
            Support::Refused { harmless, .. } if harmless.contains(&value.as_str()) => {}
            Support::Refused { because, .. }
                if tls_is_off && setting.key.starts_with("net.tls.") =>
            {
                warnings.push(format!("{} has no effect: {because}", name(setting)));
            }
            Support::Refused { because, .. } => {
                return Err(Refusal::new(format!(
                    "Cannot start with {}: {because}",
                    name(setting)
                )));
            }
        }
    }
    Ok(warnings)
}

/// The setting by its path and its first flag.
fn name(setting: &Setting) -> String {
    match setting.flags.first() {
        Some(flag) => format!("{} (--{})", setting.key, flag.name),
        None => setting.key.to_owned(),
    }
}
