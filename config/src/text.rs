//! What the settings table looks like to people: `--help`, `--version` and the README.

use std::fmt::Write as _;

use crate::setting::{Gives, Setting, Support};
use crate::table::SETTINGS;

/// The text of `--help`.
#[must_use]
pub fn help() -> String {
    let mut text = String::from(
        "Usage: quired [options]\n\n\
         General:\n\
         \x20 -h [ --help ]                         Show this and exit.\n\
         \x20 --version                             Show the version and exit.\n\
         \x20 -f [ --config ] arg                   Configuration file, YAML.\n",
    );
    let mut section = "";
    for setting in SETTINGS {
        if setting.flags.is_empty() {
            continue;
        }
        let first = setting.key.split('.').next().unwrap_or_default();
        if first != section {
            section = first;
            let _ = write!(text, "\n{section}:\n");
        }
        for flag in setting.flags {
            let argument = match flag.gives {
                Gives::Value | Gives::Mapped(_) => " arg",
                Gives::Optional(_) => " [=arg]",
                Gives::Constant(_) => "",
            };
            let _ =
                writeln!(text, "  {:<37} {}", format!("--{}{argument}", flag.name), note(setting));
        }
    }
    text
}

/// The configuration table of the README.
#[must_use]
pub fn markdown_table() -> String {
    let mut text =
        String::from("| Setting | Flags | Value | Default | Meaning |\n|---|---|---|---|---|\n");
    for setting in SETTINGS {
        let flags: Vec<String> =
            setting.flags.iter().map(|flag| format!("`--{}`", flag.name)).collect();
        let default = setting.default.map_or_else(String::new, |value| format!("`{value}`"));
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {default} | {} |",
            setting.key,
            flags.join(" "),
            setting.kind.noun(),
            note(setting)
        );
    }
    text
}

/// What `--version` prints: harnesses read the version out of its first line.
#[must_use]
pub fn version(server_version: &str, git_version: &str) -> String {
    let build_info = serde_json::json!({
        "version": server_version,
        "gitVersion": git_version,
        "modules": [],
        "allocator": "system",
        "quireVersion": env!("CARGO_PKG_VERSION"),
        "environment": { "distarch": std::env::consts::ARCH, "target_arch": std::env::consts::ARCH },
    });
    format!("db version v{server_version}\nBuild Info: {build_info:#}\n")
}

fn note(setting: &Setting) -> String {
    match setting.support {
        Support::Effective => setting.meaning.to_owned(),
        Support::Ignored(why) => format!("{} *Accepted, no effect: {why}.*", setting.meaning),
        Support::Unprotected { refused, because, .. } => {
            let refused = match refused {
                [] => String::new(),
                values => format!("; {} is refused", values.join(", ")),
            };
            format!("{} *Accepted, not in force: {because}{refused}.*", setting.meaning)
        }
        Support::Refused { harmless, because } => {
            let harmless = harmless.join(", ");
            let unless =
                if harmless.is_empty() { String::new() } else { format!(" unless {harmless}") };
            format!("{} *Refused{unless}: {because}.*", setting.meaning)
        }
    }
}
