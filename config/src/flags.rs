//! The command line, read as mongod reads it: `--port 1`, `--port=1`, `-port 1`, `-vvv`, `-f file`.
//!
//! Knows how words become settings, and nothing about what the settings mean.

use crate::layer::Layer;
use crate::refusal::Refusal;
use crate::setting::{Gives, Kind, Setting, Spelling};
use crate::table;

/// What the command line said.
#[derive(Debug, Default)]
pub(crate) struct CommandLine {
    pub(crate) layer: Layer,
    pub(crate) config_file: Option<String>,
    pub(crate) help: bool,
    pub(crate) version: bool,
    /// The words as given, with passwords left out.
    pub(crate) argv: Vec<String>,
}

/// Reads the words after the program's name.
pub(crate) fn read(program: String, words: Vec<String>) -> Result<CommandLine, Refusal> {
    let mut reader = Reader {
        line: CommandLine { argv: vec![program], ..CommandLine::default() },
        words: words.into_iter().peekable(),
        seen: Vec::new(),
    };
    while let Some(word) = reader.words.next() {
        reader.word(&word)?;
    }
    Ok(reader.line)
}

struct Reader {
    line: CommandLine,
    words: std::iter::Peekable<std::vec::IntoIter<String>>,
    /// The flag that set each setting so far, to refuse a second one.
    seen: Vec<(&'static str, String)>,
}

impl Reader {
    fn word(&mut self, word: &str) -> Result<(), Refusal> {
        let body = match word.strip_prefix("--") {
            Some(body) => body,
            None => match word.strip_prefix('-') {
                Some(short) if !short.is_empty() => match short_flag(short) {
                    Some((name, argument)) => {
                        self.line.argv.push(word.to_owned());
                        return self.flag(name, argument, word);
                    }
                    None => short,
                },
                _ => {
                    return Err(Refusal::command_line(format!(
                        "'{word}' is not an option, and there are no others"
                    )));
                }
            },
        };
        let (name, argument) = match body.split_once('=') {
            Some((name, argument)) => (name, Some(argument.to_owned())),
            None => (body, None),
        };
        let secret = table::by_flag(name).is_some_and(|(row, _)| row.kind == Kind::Secret);
        self.line.argv.push(match (&argument, secret) {
            (Some(_), true) => format!("--{name}=<password>"),
            _ => word.to_owned(),
        });
        self.flag(name, argument, &format!("--{name}"))
    }

    fn flag(&mut self, name: &str, argument: Option<String>, shown: &str) -> Result<(), Refusal> {
        match name {
            "help" => {
                self.line.help = true;
                return no_argument(argument, shown);
            }
            "version" => {
                self.line.version = true;
                return no_argument(argument, shown);
            }
            "config" => {
                self.once("config", shown)?;
                self.line.config_file = Some(self.argument(argument, shown, false)?);
                return Ok(());
            }
            "configExpand" => {
                let expansions = self.argument(argument, shown, false)?;
                return match expansions.as_str() {
                    "none" => Ok(()),
                    _ => Err(Refusal::command_line("configExpand can only be none")),
                };
            }
            _ => {}
        }
        let Some((setting, spelling)) = table::by_flag(name) else {
            return Err(Refusal::command_line(format!("unrecognised option '{shown}'")));
        };
        if setting.kind == Kind::Parameters {
            let pair = self.argument(argument, shown, false)?;
            let Some((name, value)) = pair.split_once('=') else {
                return Err(Refusal::command_line(format!(
                    "Illegal option assignment: \"{pair}\": expected name=value"
                )));
            };
            return self.line.layer.set_parameter(name, value);
        }
        self.once(setting.key, shown)?;
        self.apply(setting, spelling, argument, shown)
    }

    fn apply(
        &mut self,
        setting: &'static Setting,
        spelling: &Spelling,
        argument: Option<String>,
        shown: &str,
    ) -> Result<(), Refusal> {
        let text = match spelling.gives {
            Gives::Value => self.argument(argument, shown, setting.kind == Kind::Secret)?,
            Gives::Mapped(words) => {
                let given = self.argument(argument, shown, false)?;
                match words.iter().find(|(word, _)| *word == given) {
                    Some((_, value)) => (*value).to_owned(),
                    None => {
                        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                        return Err(Refusal::new(format!(
                            "Bad value for {shown}: '{given}': expected one of {}",
                            known.join(", ")
                        )));
                    }
                }
            }
            Gives::Constant(value) => {
                no_argument(argument, shown)?;
                value.to_owned()
            }
            Gives::Optional(value) => match argument {
                Some(text) => text,
                None => self.optional_argument(setting).unwrap_or_else(|| value.to_owned()),
            },
        };
        self.line.layer.set(setting, shown, &text)?;
        // A log path says where the log goes, as the file's two keys do.
        if setting.key == "systemLog.path"
            && let Some(destination) = table::by_key("systemLog.destination")
            && !self.line.layer.contains(destination.key)
        {
            self.line.layer.set(destination, shown, "file")?;
        }
        Ok(())
    }

    /// The flag's argument: after the equals sign, or the next word unless that is a flag.
    fn argument(
        &mut self,
        attached: Option<String>,
        shown: &str,
        secret: bool,
    ) -> Result<String, Refusal> {
        if let Some(text) = attached {
            return Ok(text);
        }
        let next = self.words.next_if(|word| !looks_like_flag(word));
        let Some(text) = next else {
            return Err(Refusal::command_line(format!(
                "the required argument for option '{shown}' is missing"
            )));
        };
        self.line.argv.push(if secret { "<password>".to_owned() } else { text.clone() });
        Ok(text)
    }

    /// The next word, when it can only be meant for this flag.
    fn optional_argument(&mut self, setting: &Setting) -> Option<String> {
        let next =
            self.words.next_if(|word| !looks_like_flag(word) && setting.kind.read(word).is_ok())?;
        self.line.argv.push(next.clone());
        Some(next)
    }

    fn once(&mut self, key: &'static str, shown: &str) -> Result<(), Refusal> {
        if let Some((_, first)) = self.seen.iter().find(|(seen, _)| *seen == key) {
            return Err(Refusal::command_line(if first == shown {
                format!("option '{shown}' cannot be specified more than once")
            } else {
                format!("'{shown}' conflicts with '{first}'")
            }));
        }
        self.seen.push((key, shown.to_owned()));
        Ok(())
    }
}

/// The flags of one letter: `-f`, `-h` and any number of `v`.
fn short_flag(short: &str) -> Option<(&'static str, Option<String>)> {
    match short {
        "f" => Some(("config", None)),
        "h" => Some(("help", None)),
        _ if short.chars().all(|letter| letter == 'v') => Some(("verbose", Some(short.to_owned()))),
        _ => None,
    }
}

/// Words with a dash are flags, but negative numbers are arguments.
fn looks_like_flag(word: &str) -> bool {
    word.len() > 1 && word.starts_with('-') && word.parse::<f64>().is_err()
}

fn no_argument(argument: Option<String>, shown: &str) -> Result<(), Refusal> {
    match argument {
        None => Ok(()),
        Some(_) => {
            Err(Refusal::command_line(format!("option '{shown}' does not take any arguments")))
        }
    }
}
