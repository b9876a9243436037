//! The key file: the secret by which the members of a replica set know each other.
//!
//! Owns its form and what the file system must say about it. Never logs, shows or keeps more of the
//! content than the keys.

use crate::exit::Failure;
use quire_config::exit::FAILURE;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Characters of a key, white space left out.
const KEY_MIN: usize = 6;
const KEY_MAX: usize = 1024;
/// While a secret is changed, members know the old one and the new one.
const KEYS_MAX: usize = 2;
/// Far more than two keys with white space between all their characters.
const FILE_BYTES_MAX: u64 = 1 << 16;
/// What group and others may do with the file.
const SHARED_BITS: u32 = 0o077;

/// The keys of a key file. Not `Debug`: they are to be in no log.
pub(crate) struct KeyFile {
    keys: Vec<String>,
}

impl KeyFile {
    /// Reads the file, which must be its owner's alone.
    pub(crate) fn read(path: &Path) -> Result<KeyFile, Failure> {
        read_text(path).and_then(|text| KeyFile::parse(&text, path)).map_err(|message| {
            tracing::error!(
                target: "ACCESS",
                id = 20254,
                ctx = "initandlisten",
                error = message,
                "Read security file failed"
            );
            Failure::new(FAILURE, message)
        })
    }

    /// One key, or a list of them, each behind a dash.
    fn parse(text: &str, path: &Path) -> Result<KeyFile, String> {
        let shown = path.display();
        let mut keys = Vec::new();
        for line in text.lines().map(str::trim) {
            let (begins, characters) = match line.strip_prefix('-') {
                Some(rest) => (true, rest),
                None => (false, line),
            };
            if begins || keys.is_empty() && !characters.is_empty() {
                keys.push(String::new());
            }
            if let Some(key) = keys.last_mut() {
                key.extend(characters.chars().filter(|letter| !letter.is_whitespace()));
            }
        }
        if keys.is_empty() || keys.len() > KEYS_MAX {
            return Err(format!(
                "the key file {shown} has {} keys, must have 1 or {KEYS_MAX}",
                keys.len()
            ));
        }
        for key in &keys {
            if !key.chars().all(is_base64) {
                return Err(format!("invalid char in key file {shown}: expected only base64"));
            }
            if !(KEY_MIN..=KEY_MAX).contains(&key.len()) {
                return Err(format!(
                    "security key in {shown} has length {}, must be between {KEY_MIN} and \
                     {KEY_MAX} chars",
                    key.len()
                ));
            }
        }
        Ok(KeyFile { keys })
    }

    /// The key to prove oneself with, then the others that are believed.
    pub(crate) fn keys(&self) -> &[String] {
        &self.keys
    }
}

fn read_text(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let failed = |error: std::io::Error| format!("Error reading file {shown}: {error}");
    let file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode();
    if mode & SHARED_BITS != 0 {
        return Err(format!("permissions on {shown} are too open"));
    }
    let mut text = String::new();
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

fn is_base64(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '+' | '/' | '=')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<String>, String> {
        KeyFile::parse(text, Path::new("/k")).map(|file| file.keys().to_vec())
    }

    #[test]
    fn white_space_is_no_part_of_a_key() {
        let longest = "k".repeat(KEY_MAX);
        let cases: [(&str, &[&str]); 6] = [
            ("secret", &["secret"]),
            ("\n  sec ret\n+/=\n\n", &["secret+/="]),
            ("s\te\rc\nr\ne\nt", &["secret"]),
            (&longest, &[&longest]),
            ("- firstkey\n- second\n  key\n", &["firstkey", "secondkey"]),
            ("-firstkey", &["firstkey"]),
        ];
        for (text, keys) in cases {
            assert_eq!(parse(text).expect(text), keys, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused_without_showing_it() {
        let long = "k".repeat(KEY_MAX + 1);
        let cases = [
            ("", "has 0 keys"),
            (" \n", "has 0 keys"),
            ("short", "has length 5, must be between 6 and 1024"),
            (&long, "has length 1025"),
            ("- \n", "has length 0"),
            ("- secretone\n- two\n", "has length 3"),
            ("- secretone\n- secrettwo\n- secretthree", "has 3 keys"),
            ("secret!", "invalid char"),
            ("sécret", "invalid char"),
        ];
        for (text, expected) in cases {
            let message = parse(text).expect_err(text);
            assert!(message.contains(expected), "{text:?}: {message}");
            assert!(!message.contains("secret"), "{message}");
        }
    }
}
