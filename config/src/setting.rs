//! The shape of one row of the settings table, and how a value is read by its kind.
//!
//! A row says everything there is to know about a setting; flags, file keys, environment names,
//! help and documentation are all derived from it.

use config::Value;

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The path in the configuration file, `net.port`. It also gives the environment variable.
    pub key: &'static str,
    /// The flags that set it.
    pub flags: &'static [Spelling],
    /// Older paths in the configuration file.
    pub aliases: &'static [Alias],
    pub kind: Kind,
    /// The value when nobody says anything, as it would be written in the file.
    pub default: Option<&'static str>,
    pub support: Support,
    /// One sentence for `--help` and the README.
    pub meaning: &'static str,
}

/// A flag: its name without dashes, and what giving it means.
#[derive(Debug, Clone, Copy)]
pub struct Spelling {
    pub name: &'static str,
    pub gives: Gives,
}

/// What a flag gives its setting.
#[derive(Debug, Clone, Copy)]
pub enum Gives {
    /// The flag's argument.
    Value,
    /// The flag's argument in words of its own: pairs of (argument, value).
    Mapped(&'static [(&'static str, &'static str)]),
    /// The flag takes no argument and means this.
    Constant(&'static str),
    /// The argument may be left out, and then means this.
    Optional(&'static str),
}

/// An older path of a setting in the configuration file, with older words for its values.
#[derive(Debug, Clone, Copy)]
pub struct Alias {
    pub key: &'static str,
    pub values: &'static [(&'static str, &'static str)],
}

/// What a value must look like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    Bool,
    Int {
        min: i64,
        max: i64,
    },
    Float {
        min: f64,
        max: f64,
    },
    Text,
    Path,
    /// Text that is never shown again.
    Secret,
    Choice(&'static [&'static str]),
    /// Words separated by commas.
    List,
    /// A number, or as many letters `v`.
    Verbosity,
    /// Names with values, `name=value` on the command line.
    Parameters,
    /// `<component>.verbosity` for the components of the log.
    Components,
}

/// Whether a setting does what it says.
#[derive(Debug, Clone, Copy)]
pub enum Support {
    /// It does.
    Effective,
    /// Accepted; a line in the log says why it changes nothing.
    Ignored(&'static str),
    /// Accepted, though the protection it asks for is not in force. Unless it has one of the
    /// harmless values, the log and its startup warnings say what is missing; the refused values
    /// promise clients something that is not there, and keep the server from starting.
    Unprotected {
        harmless: &'static [&'static str],
        refused: &'static [&'static str],
        because: &'static str,
    },
    /// Refused unless it has one of the harmless values, because starting without it would give
    /// the operator something else than was asked for.
    Refused { harmless: &'static [&'static str], because: &'static str },
}

impl Setting {
    pub(crate) const fn new(key: &'static str, kind: Kind, meaning: &'static str) -> Self {
        let support = Support::Effective;
        Self { key, flags: &[], aliases: &[], kind, default: None, support, meaning }
    }

    pub(crate) const fn flags(mut self, flags: &'static [Spelling]) -> Self {
        self.flags = flags;
        self
    }

    pub(crate) const fn aliases(mut self, aliases: &'static [Alias]) -> Self {
        self.aliases = aliases;
        self
    }

    pub(crate) const fn default(mut self, value: &'static str) -> Self {
        self.default = Some(value);
        self
    }

    pub(crate) const fn ignored(mut self, why: &'static str) -> Self {
        self.support = Support::Ignored(why);
        self
    }

    pub(crate) const fn unprotected(
        mut self,
        harmless: &'static [&'static str],
        because: &'static str,
    ) -> Self {
        self.support = Support::Unprotected { harmless, refused: &[], because };
        self
    }

    /// Takes values out of what an unprotected setting may be started with.
    pub(crate) const fn but_never(mut self, values: &'static [&'static str]) -> Self {
        if let Support::Unprotected { harmless, because, .. } = self.support {
            self.support = Support::Unprotected { harmless, refused: values, because };
        }
        self
    }

    pub(crate) const fn refused(
        mut self,
        harmless: &'static [&'static str],
        because: &'static str,
    ) -> Self {
        self.support = Support::Refused { harmless, because };
        self
    }

    /// The environment variable that sets it: `net.bindIp` is `QUIRE_NET_BIND_IP`.
    #[must_use]
    pub fn environment_name(&self) -> String {
        let mut name = String::from("QUIRE_");
        let mut previous = '.';
        for letter in self.key.chars() {
            // A word starts at a capital that follows a small letter; runs of capitals (GB) stay
            // one word.
            if letter == '.' {
                name.push('_');
            } else {
                if letter.is_ascii_uppercase() && previous.is_ascii_lowercase() {
                    name.push('_');
                }
                name.push(letter.to_ascii_uppercase());
            }
            previous = letter;
        }
        name
    }
}

pub(crate) const fn takes(name: &'static str) -> Spelling {
    Spelling { name, gives: Gives::Value }
}

pub(crate) const fn means(name: &'static str, value: &'static str) -> Spelling {
    Spelling { name, gives: Gives::Constant(value) }
}

pub(crate) const fn alias(key: &'static str) -> Alias {
    Alias { key, values: &[] }
}

impl Kind {
    /// Reads a value as it is written on a command line; the error says what was expected.
    pub(crate) fn read(&self, text: &str) -> Result<Value, String> {
        match self {
            Kind::Bool => text
                .parse::<bool>()
                .map(Value::from)
                .map_err(|_| "expected true or false".to_owned()),
            Kind::Int { min, max } => match text.parse::<i64>() {
                Ok(number) if (*min..=*max).contains(&number) => Ok(Value::from(number)),
                Ok(_) => Err(format!("expected a number from {min} to {max}")),
                Err(_) => Err("expected a whole number".to_owned()),
            },
            Kind::Float { min, max } => match text.parse::<f64>() {
                Ok(number) if (*min..=*max).contains(&number) => Ok(Value::from(number)),
                Ok(_) => Err(format!("expected a number from {min} to {max}")),
                Err(_) => Err("expected a number".to_owned()),
            },
            Kind::Path if text.is_empty() => Err("expected a path".to_owned()),
            Kind::Choice(words) if !words.contains(&text) => {
                Err(format!("expected one of {}", words.join(", ")))
            }
            Kind::Verbosity => read_verbosity(text),
            Kind::Components => Err("expected <component>.verbosity".to_owned()),
            Kind::Text | Kind::Path | Kind::Secret | Kind::Choice(_) | Kind::List => {
                Ok(Value::from(text))
            }
            Kind::Parameters => Ok(Value::from(text)),
        }
    }

    /// The word for it in the documentation.
    pub(crate) fn noun(&self) -> String {
        match self {
            Kind::Bool => "true or false".to_owned(),
            Kind::Int { .. } => "number".to_owned(),
            Kind::Float { .. } => "decimal number".to_owned(),
            Kind::Text => "text".to_owned(),
            Kind::Path => "path".to_owned(),
            Kind::Secret => "secret".to_owned(),
            Kind::Choice(words) => words.join(", "),
            Kind::List => "list".to_owned(),
            Kind::Verbosity | Kind::Components => "0 to 5".to_owned(),
            Kind::Parameters => "name=value".to_owned(),
        }
    }
}

/// The most talkative level of the log.
const VERBOSITY_MAX: i64 = 5;

fn read_verbosity(text: &str) -> Result<Value, String> {
    let letters = !text.is_empty() && text.chars().all(|letter| letter == 'v');
    let level = if letters { i64::try_from(text.len()).ok() } else { text.parse().ok() };
    match level {
        Some(level) if (0..=VERBOSITY_MAX).contains(&level) => Ok(Value::from(level)),
        _ => Err(format!("expected a number from 0 to {VERBOSITY_MAX}, or as many letters v")),
    }
}
