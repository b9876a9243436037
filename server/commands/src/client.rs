//! One connection as commands see it.
//!
//! Owns what a connection has said about itself (its `client` metadata, once) and what was agreed on
//! it. The socket itself belongs to the daemon.

use crate::legacy::Outcome;
use parking_lot::Mutex;
use quire_bson::{DocBuf, RawDoc, RawValue};
use quire_errors::{Code, CommandError, Result};
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

/// The bytes a client may use to describe itself.
const METADATA_BYTES_MAX: usize = 512;

/// The bytes of an application's name.
const APP_NAME_BYTES_MAX: usize = 128;

/// One connection.
#[derive(Debug)]
pub struct Client {
    /// Counts from 1 in the order of acceptance; clients read it as `connectionId`.
    pub id: i64,
    pub remote: Option<SocketAddr>,
    metadata: OnceLock<DocBuf>,
    compressors: Mutex<Vec<&'static str>>,
    /// The version of the topology that a stream of hellos on this connection told last.
    streamed: Mutex<Option<i64>>,
    /// The connection is at its end.
    left: AtomicBool,
    /// When a command last declared each version of the Stable API: none, 1 and 2.
    declared: [AtomicI64; 3],
    /// It said that it is another server.
    internal: AtomicBool,
    /// It has written here.
    wrote: AtomicBool,
    /// What became of the last command, where a version is shown that is asked for it.
    outcome: Mutex<Option<Box<Outcome>>>,
}

impl Client {
    pub fn new(id: i64, remote: Option<SocketAddr>) -> Client {
        Client {
            id,
            remote,
            metadata: OnceLock::new(),
            compressors: Mutex::new(Vec::new()),
            streamed: Mutex::new(None),
            left: AtomicBool::new(false),
            declared: Default::default(),
            internal: AtomicBool::new(false),
            wrote: AtomicBool::new(false),
            outcome: Mutex::default(),
        }
    }

    /// Notes that the connection is at its end.
    pub(crate) fn leave(&self) {
        self.left.store(true, Ordering::SeqCst);
    }

    pub(crate) fn has_left(&self) -> bool {
        self.left.load(Ordering::SeqCst)
    }

    /// The peer as `ip:port`, the way MongoDB writes it.
    pub fn remote_text(&self) -> String {
        self.remote.map_or_else(|| "anonymous unix socket".to_owned(), |remote| remote.to_string())
    }

    /// The peer's address without its port, the way the profiler writes it.
    pub fn address_text(&self) -> String {
        self.remote.map_or_else(String::new, |remote| remote.ip().to_string())
    }

    /// The name logs and `currentOp` use.
    pub fn name(&self) -> String {
        format!("conn{}", self.id)
    }

    pub fn metadata(&self) -> Option<RawDoc<'_>> {
        self.metadata.get().map(DocBuf::as_raw)
    }

    /// `client.application.name`, when it was given.
    pub fn app_name(&self) -> Option<&str> {
        app_name_in(self.metadata()?)
    }

    /// Takes the `client` document of a handshake. Says whether it was new.
    pub fn describe(&self, value: RawValue<'_>) -> Result<bool> {
        let RawValue::Document(metadata) = value else {
            return Err(CommandError::type_mismatch(
                "The client metadata document must be a document in 'hello'",
            ));
        };
        check_metadata(metadata)?;
        if self.metadata.get().is_some() {
            return Err(CommandError::new(
                Code::ClientMetadataCannotBeMutated,
                "The client metadata document may only be sent in the first hello",
            ));
        }
        Ok(self.metadata.set(metadata.into()).is_ok())
    }

    /// The version that a running stream of hellos told last.
    pub fn streamed(&self) -> Option<i64> {
        *self.streamed.lock()
    }

    /// A stream of hellos told this version; `None` when it has ended.
    pub fn note_streamed(&self, version: Option<i64>) {
        *self.streamed.lock() = version;
    }

    /// Whether it is time to note again that this client declares a version of the Stable API, by
    /// its number; if so, it counts as noted.
    pub(crate) fn is_due(&self, version: usize, now: i64, every_millis: i64) -> bool {
        let Some(noted) = self.declared.get(version) else { return false };
        let last = noted.load(Ordering::Relaxed);
        let is_due = last == 0 || now.saturating_sub(last) >= every_millis;
        if is_due {
            noted.store(now, Ordering::Relaxed);
        }
        is_due
    }

    /// The client said in a hello that it is another server.
    pub fn note_internal(&self) {
        self.internal.store(true, Ordering::Relaxed);
    }

    pub fn is_internal(&self) -> bool {
        self.internal.load(Ordering::Relaxed)
    }

    /// The client has written something.
    pub fn note_written(&self) {
        self.wrote.store(true, Ordering::Relaxed);
    }

    pub fn has_written(&self) -> bool {
        self.wrote.load(Ordering::Relaxed)
    }

    /// Remembers what became of a command.
    pub(crate) fn note_outcome(&self, outcome: Outcome) {
        *self.outcome.lock() = Some(Box::new(outcome));
    }

    /// Shows what became of the last command.
    pub(crate) fn with_outcome<T>(&self, show: impl FnOnce(&Outcome) -> T) -> T {
        match self.outcome.lock().as_deref() {
            Some(outcome) => show(outcome),
            None => show(&Outcome::default()),
        }
    }

    /// Remembers which compressors were agreed on.
    pub fn agree_on(&self, compressors: Vec<&'static str>) {
        *self.compressors.lock() = compressors;
    }
}

/// The application's name in a `client` document.
pub fn app_name_in(metadata: RawDoc<'_>) -> Option<&str> {
    metadata.get("application")?.as_document()?.get("name")?.as_str()
}

fn check_metadata(metadata: RawDoc<'_>) -> Result<()> {
    if metadata.as_bytes().len() > METADATA_BYTES_MAX {
        return Err(CommandError::new(
            Code::ClientMetadataDocumentTooLarge,
            format!(
                "The client metadata document must be less then or equal to \
                 {METADATA_BYTES_MAX}bytes"
            ),
        ));
    }
    if let Some(application) = metadata.get("application") {
        check_application(application)?;
    }
    let driver = required_doc(metadata, "driver")?;
    required_text(driver, "driver.name", "name")?;
    required_text(driver, "driver.version", "version")?;
    let os = required_doc(metadata, "os")?;
    required_text(os, "os.type", "type")
}

fn check_application(application: RawValue<'_>) -> Result<()> {
    let RawValue::Document(application) = application else {
        return Err(CommandError::type_mismatch(
            "The 'application' field is required to be a BSON document in the client metadata document",
        ));
    };
    match application.get("name") {
        None => Ok(()),
        Some(RawValue::String(name)) if name.len() <= APP_NAME_BYTES_MAX => Ok(()),
        Some(RawValue::String(_)) => Err(CommandError::new(
            Code::ClientMetadataAppNameTooLarge,
            format!(
                "The 'application.name' field must be less then or equal to \
                 {APP_NAME_BYTES_MAX} bytes in the client metadata document"
            ),
        )),
        Some(_) => Err(CommandError::type_mismatch(
            "The 'application.name' field must be a string in the client metadata document",
        )),
    }
}

fn required_doc<'a>(doc: RawDoc<'a>, name: &str) -> Result<RawDoc<'a>> {
    match doc.get(name) {
        Some(RawValue::Document(inner)) => Ok(inner),
        Some(_) => Err(CommandError::type_mismatch(format!(
            "The '{name}' field is required to be a BSON document in the client metadata document"
        ))),
        None => Err(missing(name)),
    }
}

fn required_text(doc: RawDoc<'_>, path: &str, name: &str) -> Result<()> {
    match doc.get(name) {
        Some(RawValue::String(_)) => Ok(()),
        Some(_) => Err(CommandError::type_mismatch(format!(
            "The '{path}' field must be a string in the client metadata document"
        ))),
        None => Err(missing(path)),
    }
}

fn missing(path: &str) -> CommandError {
    CommandError::new(
        Code::ClientMetadataMissingField,
        format!("Missing required sub-document or field '{path}' in the client metadata document"),
    )
}

#[cfg(test)]
mod tests {
    use super::Client;
    use quire_bson::{Bson, DocBuf, Document, RawValue, doc};

    fn describe(client: &Client, metadata: Document) -> Result<bool, i32> {
        let buf = DocBuf::from(&metadata);
        client.describe(RawValue::Document(buf.as_raw())).map_err(|e| e.code().number())
    }

    fn metadata() -> Document {
        doc! {
            "application": {"name": "app"},
            "driver": {"name": "d", "version": "1"},
            "os": {"type": "Linux"},
        }
    }

    #[test]
    fn metadata_is_taken_once() {
        let client = Client::new(1, None);
        assert_eq!(describe(&client, metadata()), Ok(true));
        assert_eq!(client.app_name(), Some("app"));
        assert_eq!(describe(&client, metadata()), Err(186));
    }

    #[test]
    fn each_flaw_of_the_metadata_has_its_code() {
        let without = |key: &str| {
            let mut doc = metadata();
            doc.remove(key);
            doc
        };
        let with = |key: &str, value: Bson| {
            let mut doc = metadata();
            doc.insert(key, value);
            doc
        };
        let cases = [
            (without("driver"), 183),
            (without("os"), 183),
            (with("os", Bson::Int32(1)), 14),
            (with("application", Bson::Int32(1)), 14),
            (with("application", Bson::from(doc! {"name": "n".repeat(129)})), 184),
            (with("platform", Bson::from("p".repeat(513))), 185),
        ];
        for (doc, code) in cases {
            assert_eq!(describe(&Client::new(1, None), doc.clone()), Err(code), "{doc}");
        }
    }
}
