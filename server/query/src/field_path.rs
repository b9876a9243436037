//! Dotted field paths as the client writes them in sorts and projections.
//!
//! Owns what a path may look like and the refusals for one that does not; never looks at a document.

use quire_errors::{Code, CommandError, Result};

/// How many components a path may have: no stored document is nested deeper.
const COMPONENTS_MAX: usize = 200;

/// Names with a dollar that old database references are made of.
const REFERENCE_NAMES: [&str; 3] = ["$ref", "$id", "$db"];

/// The components of `path`, or why it is no path.
pub(crate) fn components(path: &str) -> Result<std::str::Split<'_, char>> {
    if path.is_empty() {
        return Err(CommandError::location(
            40352,
            "FieldPath cannot be constructed with empty string",
        ));
    }
    if path.ends_with('.') {
        return Err(CommandError::location(40353, "FieldPath must not end with a '.'."));
    }
    for (depth, name) in path.split('.').enumerate() {
        if depth >= COMPONENTS_MAX {
            return Err(CommandError::new(Code::Overflow, "FieldPath is too long"));
        }
        if name.is_empty() {
            return Err(CommandError::location(
                15998,
                "FieldPath field names may not be empty strings.",
            ));
        }
        if name.starts_with('$') && !REFERENCE_NAMES.contains(&name) {
            return Err(CommandError::location(
                16410,
                "FieldPath field names may not start with '$'. Consider using $getField or $setField.",
            ));
        }
    }
    Ok(path.split('.'))
}

/// The array position a component names: decimal digits without a leading zero.
pub(crate) fn array_index(component: &str) -> Option<usize> {
    let digits = component.as_bytes();
    let plain = !digits.is_empty()
        && digits.iter().all(u8::is_ascii_digit)
        && (digits.len() == 1 || digits.first() != Some(&b'0'));
    if plain { component.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_path_is_refused_with_its_own_code() {
        for (path, code) in [
            ("", 40352),
            ("a.", 40353),
            ("a..b", 15998),
            (".a", 15998),
            ("$a", 16410),
            ("a.$b", 16410),
        ] {
            assert_eq!(components(path).unwrap_err().code().number(), code, "{path}");
        }
    }

    #[test]
    fn the_names_of_a_database_reference_are_allowed() {
        assert_eq!(components("owner.$id").unwrap().collect::<Vec<_>>(), ["owner", "$id"]);
    }

    #[test]
    fn only_plain_digits_are_an_array_position() {
        for (text, index) in
            [("0", Some(0)), ("10", Some(10)), ("01", None), ("-1", None), ("", None), ("a", None)]
        {
            assert_eq!(array_index(text), index, "{text}");
        }
    }
}
