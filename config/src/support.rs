//! What is said about settings that do nothing here: a warning where the server can serve without
//! them, a refusal where it would do something else than was asked for.

use config::Config;

use crate::refusal::Refusal;
use crate::setting::{Gives, Setting, Spelling, Support};
use crate::table;

/// A line for the log about a setting that was accepted and is not in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    pub text: String,
    /// Whether the operator asked for a protection: then every client's shell should show it too.
    pub about_protection: bool,
}

/// Checks the settings that were given and returns a warning for each that is not in force.
pub(crate) fn check(given: &Config) -> Result<Vec<Warning>, Refusal> {
    let tls_is_off = given.get_string("net.tls.mode").is_ok_and(|mode| mode == "disabled");
    let mut warnings = Vec::new();
    for setting in table::SETTINGS {
        let Ok(value) = given.get_string(setting.key) else { continue };
        match setting.support {
            Support::Effective => {}
            Support::Ignored(why) => warnings.push(no_effect(&name(setting, &value), why)),
            Support::Unprotected { harmless, .. } | Support::Refused { harmless, .. }
                if harmless.contains(&value.as_str()) => {}
            Support::Unprotected { refused, because, .. } if refused.contains(&value.as_str()) => {
                return Err(Refusal::new(format!(
                    "Cannot start with {}: {value}: {because}",
                    name(setting, &value)
                )));
            }
            // Files and options of a TLS that was switched off promise nothing.
            Support::Unprotected { .. } if tls_is_off && setting.key.starts_with("net.tls.") => {
                warnings.push(no_effect(&name(setting, &value), "TLS is disabled"));
            }
            Support::Unprotected { because, .. } => warnings.push(Warning {
                text: format!("{}: {because}", name(setting, &value)),
                about_protection: true,
            }),
            Support::Refused { because, .. } => {
                return Err(Refusal::new(format!(
                    "Cannot start with {}: {because}",
                    name(setting, &value)
                )));
            }
        }
    }
    Ok(warnings)
}

fn no_effect(name: &str, why: &str) -> Warning {
    Warning { text: format!("{name} has no effect: {why}"), about_protection: false }
}

/// The setting by its path and a flag: its first, or where flags stand for values, the value's own.
fn name(setting: &Setting, value: &str) -> String {
    let stands_for = |flag: &&Spelling| matches!(flag.gives, Gives::Constant(own) if own == value);
    let first = setting.flags.first();
    let flag = match first.map(|flag| flag.gives) {
        Some(Gives::Constant(_)) => setting.flags.iter().find(stands_for).or(first),
        _ => first,
    };
    match flag {
        Some(flag) => format!("{} (--{})", setting.key, flag.name),
        None => setting.key.to_owned(),
    }
}
