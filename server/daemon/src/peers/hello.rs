//! The documents of a handshake.
//!
//! Owns the fields of the two commands and their answers, and reads them strictly: the other side is
//! a stranger until it has proven itself.
//!
//! ```text
//! opener:   { quirePeer: 1, setName, node, host, nonce, purpose }
//! acceptor: { node, nonce, keyed, ok: 1 }
//! opener:   { quirePeerProof: 1, proof }
//! acceptor: { proof, setName, process, configuration: { version, term }, empty, ok: 1 }
//! ```

use super::proof::{NONCE_BYTES, Nonce, Proof};
use quire_bson::{Binary, BinarySubtype, Bson, DocBuf, DocBuilder, ObjectId, RawDoc, RawValue};
use quire_errors::{Code, CommandError, Result};
use quire_protocol::Request;

const OPEN: &str = "quirePeer";
const PROVE: &str = "quirePeerProof";
/// What follows the handshake: frames of [`quire_consensus::Message::encode`].
const PROTOCOL: i64 = 1;
/// Longer than any `host:port` may be.
const HOST_BYTES_MAX: usize = 300;
const SET_NAME_BYTES_MAX: usize = 512;

/// Whether a request asks for its connection to become a link.
pub(crate) fn opens_link(request: &Request) -> bool {
    request.command_name() == OPEN
}

/// What a member tells of its configuration and data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// `None` before it was given one.
    pub(crate) configuration: Option<ConfigurationAge>,
    /// No user data is there.
    pub(crate) empty: bool,
}

/// Which of two configurations is the later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConfigurationAge {
    pub(crate) version: i64,
    pub(crate) term: i64,
}

/// What another member says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PeerHello {
    /// The raft id of its data directory.
    pub(crate) node: u64,
    pub(crate) set_name: String,
    pub(crate) process: ObjectId,
    pub(crate) standing: Standing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To carry messages from the opener to the acceptor.
    Link,
    /// To learn who answers there.
    Probe,
}

/// How an opener begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Opening {
    pub(super) purpose: Purpose,
    pub(super) set_name: String,
    pub(super) node: u64,
    /// Where the opener can be reached.
    pub(super) host: String,
    pub(super) nonce: Nonce,
}

/// The acceptor's first answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    pub(super) node: u64,
    pub(super) nonce: Nonce,
    /// The acceptor has a key file.
    pub(super) keyed: bool,
}

impl Opening {
    pub(super) fn command(&self) -> DocBuf {
        let mut doc = DocBuilder::new();
        doc.append_i64(OPEN, PROTOCOL);
        doc.append_str("setName", &self.set_name);
        doc.append_i64("node", self.node.cast_signed());
        doc.append_str("host", &self.host);
        append_bytes(&mut doc, "nonce", &self.nonce);
        doc.append_str(
            "purpose",
            match self.purpose {
                Purpose::Link => "link",
                Purpose::Probe => "probe",
            },
        );
        doc.append_str("$db", "admin");
        doc.finish()
    }

    pub(super) fn parse(command: RawDoc<'_>) -> Result<Opening> {
        let protocol = integer(command, OPEN)?;
        if protocol != PROTOCOL {
            return Err(CommandError::new(
                Code::IncompatibleServerVersion,
                format!("this member speaks version {PROTOCOL} between members, not {protocol}"),
            ));
        }
        let purpose = match text(command, "purpose", 16)? {
            "link" => Purpose::Link,
            "probe" => Purpose::Probe,
            _ => return Err(CommandError::bad_value("'purpose' must be 'link' or 'probe'")),
        };
        Ok(Opening {
            purpose,
            set_name: text(command, "setName", SET_NAME_BYTES_MAX)?.to_owned(),
            node: node(command)?,
            host: text(command, "host", HOST_BYTES_MAX)?.to_owned(),
            nonce: nonce(command)?,
        })
    }
}

impl Challenge {
    pub(super) fn append(&self, doc: &mut DocBuilder) {
        doc.append_i64("node", self.node.cast_signed());
        append_bytes(doc, "nonce", &self.nonce);
        doc.append_bool("keyed", self.keyed);
        doc.append_f64("ok", 1.0);
    }

    pub(super) fn parse(answer: RawDoc<'_>) -> Result<Challenge> {
        Ok(Challenge {
            node: node(answer)?,
            nonce: nonce(answer)?,
            keyed: boolean(answer, "keyed")?,
        })
    }
}

/// The opener's second command.
pub(super) fn proof_command(proof: Option<Proof>) -> DocBuf {
    let mut doc = DocBuilder::new();
    doc.append_i32(PROVE, 1);
    if let Some(proof) = proof {
        append_bytes(&mut doc, "proof", &proof);
    }
    doc.append_str("$db", "admin");
    doc.finish()
}

/// The proof in the opener's second command, if it has one.
pub(super) fn parse_proof_command(request: &Request) -> Result<Option<&[u8]>> {
    if request.command_name() != PROVE {
        return Err(CommandError::new(
            Code::ProtocolError,
            format!("expected '{PROVE}' after '{OPEN}'"),
        ));
    }
    Ok(proof(request.body()))
}

/// The proof in a command or an answer.
pub(super) fn proof(doc: RawDoc<'_>) -> Option<&[u8]> {
    match doc.get("proof") {
        Some(RawValue::Binary { bytes, .. }) => Some(bytes),
        _ => None,
    }
}

impl PeerHello {
    /// The acceptor's last answer. `node` was in the first one.
    pub(super) fn append(&self, proof: Option<Proof>, doc: &mut DocBuilder) {
        if let Some(proof) = proof {
            append_bytes(doc, "proof", &proof);
        }
        doc.append_str("setName", &self.set_name);
        doc.append_bson("process", &Bson::ObjectId(self.process));
        if let Some(configuration) = self.standing.configuration {
            doc.append_with("configuration", |doc| {
                doc.append_i64("version", configuration.version);
                doc.append_i64("term", configuration.term);
            });
        }
        doc.append_bool("empty", self.standing.empty);
        doc.append_f64("ok", 1.0);
    }

    pub(super) fn parse(node: u64, answer: RawDoc<'_>) -> Result<PeerHello> {
        let configuration = match answer.get("configuration").and_then(RawValue::as_document) {
            Some(age) => Some(ConfigurationAge {
                version: integer(age, "version")?,
                term: integer(age, "term")?,
            }),
            None => None,
        };
        let process = match answer.get("process").map(RawValue::to_bson) {
            Some(Bson::ObjectId(process)) => process,
            _ => return Err(missing("process")),
        };
        let standing = Standing { configuration, empty: boolean(answer, "empty")? };
        let set_name = text(answer, "setName", SET_NAME_BYTES_MAX)?.to_owned();
        Ok(PeerHello { node, set_name, process, standing })
    }
}

fn append_bytes(doc: &mut DocBuilder, key: &str, bytes: &[u8]) {
    let value = Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() };
    doc.append_bson(key, &Bson::Binary(value));
}

fn missing(field: &str) -> CommandError {
    CommandError::failed_to_parse(format!("the field '{field}' is missing or of a wrong form"))
}

fn integer(doc: RawDoc<'_>, key: &str) -> Result<i64> {
    doc.get(key).and_then(quire_bson::as_exact_i64).ok_or_else(|| missing(key))
}

fn boolean(doc: RawDoc<'_>, key: &str) -> Result<bool> {
    doc.get(key).and_then(RawValue::as_bool).ok_or_else(|| missing(key))
}

fn text<'a>(doc: RawDoc<'a>, key: &str, bytes_max: usize) -> Result<&'a str> {
    let text = doc.get(key).and_then(RawValue::as_str);
    text.filter(|text| text.len() <= bytes_max).ok_or_else(|| missing(key))
}

/// Zero is nobody's id.
fn node(doc: RawDoc<'_>) -> Result<u64> {
    let node = integer(doc, "node")?.cast_unsigned();
    if node == 0 { Err(missing("node")) } else { Ok(node) }
}

fn nonce(doc: RawDoc<'_>) -> Result<Nonce> {
    match doc.get("nonce") {
        Some(RawValue::Binary { bytes, .. }) if bytes.len() == NONCE_BYTES => {
            bytes.try_into().map_err(|_| missing("nonce"))
        }
        _ => Err(missing("nonce")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quire_bson::Document;

    fn opening() -> Opening {
        let host = "a.example:27017".to_owned();
        let node = u64::MAX - 5;
        Opening { purpose: Purpose::Link, set_name: "rs".to_owned(), node, host, nonce: [7; 32] }
    }

    #[test]
    fn what_is_said_is_understood() {
        for purpose in [Purpose::Link, Purpose::Probe] {
            let said = Opening { purpose, ..opening() };
            assert_eq!(Opening::parse(said.command().as_raw()).expect("understood"), said);
        }
        let challenge = Challenge { node: 1 << 63, nonce: [9; 32], keyed: true };
        let mut doc = DocBuilder::new();
        challenge.append(&mut doc);
        assert_eq!(Challenge::parse(doc.finish().as_raw()).expect("understood"), challenge);
        for configuration in [None, Some(ConfigurationAge { version: 3, term: -1 })] {
            let standing = Standing { configuration, empty: configuration.is_none() };
            let process = ObjectId::new();
            let hello = PeerHello { node: 5, set_name: "rs".to_owned(), process, standing };
            let mut doc = DocBuilder::new();
            hello.append(Some([1; 32]), &mut doc);
            let doc = doc.finish();
            assert_eq!(PeerHello::parse(5, doc.as_raw()).expect("understood"), hello);
            assert_eq!(proof(doc.as_raw()), Some([1u8; 32].as_slice()));
        }
    }

    #[test]
    fn an_opening_of_another_form_is_refused() {
        type Change = fn(&mut Document);
        let cases: [(Change, Code); 10] = [
            (|doc| drop(doc.insert(OPEN, 2)), Code::IncompatibleServerVersion),
            (|doc| drop(doc.insert(OPEN, "1")), Code::FailedToParse),
            (|doc| drop(doc.remove("setName")), Code::FailedToParse),
            (|doc| drop(doc.insert("setName", "x".repeat(513))), Code::FailedToParse),
            (|doc| drop(doc.insert("node", 0)), Code::FailedToParse),
            (|doc| drop(doc.insert("node", 1.5)), Code::FailedToParse),
            (|doc| drop(doc.insert("host", "x".repeat(301))), Code::FailedToParse),
            (|doc| drop(doc.remove("nonce")), Code::FailedToParse),
            (|doc| drop(doc.insert("nonce", "n".repeat(32))), Code::FailedToParse),
            (|doc| drop(doc.insert("purpose", "both")), Code::BadValue),
        ];
        for (number, (change, code)) in cases.into_iter().enumerate() {
            let mut doc = opening().command().as_raw().to_document();
            change(&mut doc);
            let refused = Opening::parse(DocBuf::from(&doc).as_raw()).expect_err("refused");
            assert_eq!(refused.code(), code, "case {number}");
        }
    }
}
