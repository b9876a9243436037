//! Commands as logs, `currentOp` and the profiler show them: without secrets and of bounded length.
//!
//! Owns which fields are secrets, and how what is too long is cut. A cut document stays a document,
//! so that tools can read what is left of it.

use quire_bson::{Bson, Document, RawDoc, RawValue};

/// Commands of which nothing but the name may be shown.
const SECRET_COMMANDS: &[&str] = &["authenticate", "getnonce", "saslContinue", "saslStart"];

/// Fields that hold passwords or parts of a login, in whatever command.
const SECRET_FIELDS: &[&str] = &["payload", "pwd", "speculativeAuthenticate"];

/// What is shown in the place of a secret; the text MongoDB uses.
const REDACTED: &str = "xxx";

/// The bytes one text may take before it is cut.
const TEXT_BYTES_MAX: usize = 1024;

/// Levels that are shown; deeper ones are left out.
const DEPTH_MAX: usize = 32;

/// A command's body without secrets, cut to about `bytes_max`.
pub fn command(body: RawDoc<'_>, bytes_max: usize) -> Document {
    let name = body.nth(0).map_or("", |element| element.key());
    let secret = SECRET_COMMANDS.iter().any(|known| known.eq_ignore_ascii_case(name));
    let mut room = bytes_max;
    let mut shown = Document::new();
    for (n, element) in body.iter().enumerate() {
        let key = element.key();
        let hidden = (secret && n > 0 && key != "$db") || SECRET_FIELDS.contains(&key);
        let value = if hidden {
            Bson::from(REDACTED)
        } else {
            value(element.value(), &mut room, DEPTH_MAX)
        };
        spend(&mut room, key.len().saturating_add(8));
        if room == 0 {
            break;
        }
        shown.insert(key, value);
    }
    shown
}

fn spend(room: &mut usize, bytes: usize) {
    *room = room.saturating_sub(bytes);
}

fn value(raw: RawValue<'_>, room: &mut usize, depth: usize) -> Bson {
    match raw {
        RawValue::Document(doc) => Bson::Document(document(doc, room, depth)),
        RawValue::Array(items) => Bson::Array(array(items, room, depth)),
        RawValue::String(text) => Bson::String(beginning(text, room)),
        RawValue::Binary { bytes, .. } if bytes.len() > TEXT_BYTES_MAX => {
            spend(room, 32);
            Bson::String(format!("<{} bytes>", bytes.len()))
        }
        other => {
            spend(room, 16);
            other.to_bson()
        }
    }
}

fn document(doc: RawDoc<'_>, room: &mut usize, depth: usize) -> Document {
    let mut shown = Document::new();
    for element in doc {
        let key = element.key();
        spend(room, key.len().saturating_add(8));
        if *room == 0 || depth == 0 {
            break;
        }
        let shown_value = if SECRET_FIELDS.contains(&key) {
            Bson::from(REDACTED)
        } else {
            value(element.value(), room, depth.saturating_sub(1))
        };
        shown.insert(key, shown_value);
    }
    shown
}

fn array(items: RawDoc<'_>, room: &mut usize, depth: usize) -> Vec<Bson> {
    let mut shown = Vec::new();
    for item in items {
        spend(room, 8);
        if *room == 0 || depth == 0 {
            break;
        }
        shown.push(value(item.value(), room, depth.saturating_sub(1)));
    }
    shown
}

fn beginning(text: &str, room: &mut usize) -> String {
    let most = TEXT_BYTES_MAX.min(*room);
    spend(room, text.len().min(most).saturating_add(8));
    if text.len() <= most {
        return text.to_owned();
    }
    format!("{}...", text.get(..text.floor_char_boundary(most)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::command;
    use quire_bson::{DocBuf, Document, doc};

    fn shown(body: Document, bytes_max: usize) -> Document {
        command(DocBuf::from(&body).as_raw(), bytes_max)
    }

    #[test]
    fn secrets_are_hidden_wherever_they_stand() {
        assert_eq!(
            shown(doc! {"saslStart": 1, "mechanism": "m", "payload": "p", "$db": "admin"}, 1000),
            doc! {"saslStart": 1, "mechanism": "xxx", "payload": "xxx", "$db": "admin"}
        );
        assert_eq!(
            shown(doc! {"createUser": "u", "pwd": "secret"}, 1000),
            doc! {"createUser": "u", "pwd": "xxx"}
        );
        let hello = shown(doc! {"hello": 1, "speculativeAuthenticate": {"payload": "p"}}, 1000);
        assert_eq!(hello, doc! {"hello": 1, "speculativeAuthenticate": "xxx"});
    }

    #[test]
    fn a_long_command_keeps_its_form_and_loses_its_end() {
        let items: Vec<Document> = (0..1000).map(|n| doc! {"n": n}).collect();
        let body = doc! {"insert": "c", "documents": items, "text": "x".repeat(5000)};
        let cut = shown(body.clone(), 500);
        assert_eq!(cut.get_str("insert").unwrap(), "c");
        let bytes = DocBuf::from(&cut).as_bytes().len();
        assert!(bytes < 1000, "{bytes}");
        let text = shown(doc! {"find": "ä".repeat(2000)}, 10_000);
        assert!(text.get_str("find").unwrap().ends_with("ä..."));
        assert_eq!(shown(doc! {"find": "c"}, 500), doc! {"find": "c"});
    }
}
