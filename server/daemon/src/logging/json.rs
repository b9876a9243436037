//! Writing JSON text: strings escaped so that no value can end its string or its line.

use std::fmt::Write as _;

/// Appends a JSON string.
pub(super) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    push_escaped(out, text);
    out.push('"');
}

fn push_escaped(out: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Also what terminals obey beyond ASCII, and the line separators of JavaScript.
            '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(letter));
            }
            letter if letter.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(letter));
            }
            letter => out.push(letter),
        }
    }
}

/// Appends a number; JSON has no words for what is not finite.
pub(super) fn push_double(out: &mut String, number: f64) {
    if number.is_finite() {
        let _ = write!(out, "{number:?}");
    } else {
        push_string(out, &number.to_string());
    }
}

/// Whether this text is one JSON value.
pub(super) fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Appends JSON text on one line. In valid JSON a raw control character is white space between
/// tokens, because inside a string it would have to be escaped.
pub(super) fn push_json(out: &mut String, text: &str) {
    out.extend(text.chars().map(|letter| if letter.is_ascii_control() { ' ' } else { letter }));
}

/// The longest beginning of `text` that has at most `bytes_max` bytes.
pub(super) fn beginning(text: &str, bytes_max: usize) -> &str {
    let mut end = bytes_max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}
