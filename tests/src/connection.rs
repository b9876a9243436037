//! A client that says exactly what it is told to say.
//!
//! Owns one socket. Commands go through the protocol crate's own client side; anything else can be
//! sent byte by byte.

use crate::PATIENCE;
use quire_bson::{Bson, DocBuf, Document, RawDoc, doc};
use quire_protocol::{
    ClientReply, Compressor, DecodeLimits, Flags, HEADER_BYTES, MESSAGE_BYTES_MAX, MsgRequest,
    QueryRequest, compress,
};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};

/// A connection to a server on this machine.
pub struct Connection {
    stream: TcpStream,
    last_id: i32,
}

impl Connection {
    /// Connects.
    ///
    /// # Panics
    /// When nobody listens.
    pub fn open(port: u16) -> Connection {
        Connection::try_open(port).expect("the server accepts")
    }

    pub fn try_open(port: u16) -> io::Result<Connection> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Connection { stream, last_id: 0 })
    }

    /// The request id of the last message.
    pub fn last_id(&self) -> i32 {
        self.last_id
    }

    pub fn next_id(&mut self) -> i32 {
        self.last_id += 1;
        self.last_id
    }

    /// Sends bytes as they are.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Sends nothing more; replies can still come.
    pub fn end_sending(&self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }

    /// Ends it at once with a reset instead of in good order.
    pub fn reset(self) -> io::Result<()> {
        rustix::net::sockopt::set_socket_linger(&self.stream, Some(std::time::Duration::ZERO))?;
        Ok(())
    }

    /// Sends a command and returns its request id.
    pub fn send(
        &mut self,
        database: &str,
        mut command: Document,
        flags: Flags,
        compressor: Option<Compressor>,
    ) -> io::Result<i32> {
        command.insert("$db", database);
        let request_id = self.next_id();
        let body = DocBuf::from(&command);
        let mut out = Vec::new();
        MsgRequest { request_id, flags, body: body.as_raw(), sequences: &[] }.write(&mut out);
        if let Some(compressor) = compressor {
            compress(&mut out, 0, compressor);
        }
        self.send_bytes(&out)?;
        Ok(request_id)
    }

    /// Sends a command as a driver does that knows nothing of the server yet, and returns its request
    /// id.
    pub fn send_query(&mut self, database: &str, command: &Document) -> io::Result<i32> {
        let command = DocBuf::from(command);
        let request = QueryRequest {
            request_id: self.next_id(),
            flags: 0,
            namespace: &format!("{database}.$cmd"),
            number_to_return: -1,
            body: command.as_raw(),
        };
        let mut bytes = Vec::new();
        request.write(&mut bytes);
        self.send_bytes(&bytes)?;
        Ok(request.request_id)
    }

    /// The next reply, or `None` when the server has closed the connection.
    ///
    /// # Panics
    /// When what comes is not a reply, or nothing comes.
    pub fn receive(&mut self) -> Option<ClientReply> {
        match self.read_message() {
            Ok(message) => {
                let reply = ClientReply::decode(message, DecodeLimits::default());
                Some(reply.unwrap_or_else(|fault| panic!("not a reply: {fault}")))
            }
            Err(error) => {
                let waited =
                    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
                assert!(!waited, "neither an answer nor an end");
                None
            }
        }
    }

    fn read_message(&mut self) -> io::Result<Vec<u8>> {
        let mut message = vec![0; HEADER_BYTES];
        self.stream.read_exact(&mut message)?;
        let length = message.first_chunk().map_or(0, |bytes| i32::from_le_bytes(*bytes));
        let length = usize::try_from(length).unwrap_or(0);
        assert!((HEADER_BYTES..=MESSAGE_BYTES_MAX).contains(&length), "a reply of {length} bytes");
        message.resize(length, 0);
        let (_, rest) = message.split_at_mut(HEADER_BYTES);
        self.stream.read_exact(rest)?;
        Ok(message)
    }

    /// Whatever the server still sends, until it closes.
    pub fn read_to_end(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Err(error) = self.stream.read_to_end(&mut bytes) {
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{error}");
        }
        bytes
    }

    /// Runs a command; `Err` when the connection breaks.
    pub fn command(&mut self, database: &str, command: Document) -> io::Result<Document> {
        let id = self.send(database, command, Flags::NONE, None)?;
        let reply = self.receive().ok_or(io::ErrorKind::ConnectionReset)?;
        assert_eq!(reply.header().response_to, id, "an answer to something else");
        Ok(reply.body().to_document())
    }

    /// Runs a command that must be answered, by whatever.
    pub fn reply(&mut self, database: &str, command: Document) -> Document {
        let shown = brief(&command);
        let reply = self.command(database, command);
        reply.unwrap_or_else(|error| panic!("{shown}: {error}"))
    }

    /// Runs a command that must succeed, write errors included.
    pub fn ok(&mut self, database: &str, command: Document) -> Document {
        let shown = brief(&command);
        let reply = self.reply(database, command);
        assert!(is_ok(&reply), "{shown}: {reply}");
        reply
    }

    /// Runs a command that must fail, and returns its code and message.
    pub fn fails(&mut self, database: &str, command: Document) -> (i32, String) {
        let shown = brief(&command);
        let reply = self.reply(database, command);
        failure(&reply).unwrap_or_else(|| panic!("{shown} did not fail: {reply}"))
    }

    /// Every document that a cursor command (`find`, `aggregate`, `listIndexes`) gives.
    pub fn documents(&mut self, database: &str, command: Document) -> Vec<Document> {
        let shown = brief(&command);
        let reply = self.reply(database, command);
        let found = self.drain(database, reply);
        found.unwrap_or_else(|(code, message)| panic!("{shown}: {code} {message}"))
    }

    /// Every document behind a first reply, or how reading them failed.
    pub fn drain(
        &mut self,
        database: &str,
        first: Document,
    ) -> Result<Vec<Document>, (i32, String)> {
        let mut found = Vec::new();
        let mut reply = first;
        loop {
            if let Some(failure) = failure(&reply) {
                return Err(failure);
            }
            let cursor = reply.get_document("cursor").expect("a cursor");
            let batch = cursor.get("firstBatch").or_else(|| cursor.get("nextBatch"));
            let Some(Bson::Array(batch)) = batch else { panic!("no batch: {reply}") };
            found
                .extend(batch.iter().map(|value| value.as_document().expect("a document").clone()));
            let id = cursor.get_i64("id").expect("a cursor id");
            if id == 0 {
                return Ok(found);
            }
            let namespace = cursor.get_str("ns").expect("a namespace");
            let collection = namespace.split_once('.').map_or("", |(_, name)| name).to_owned();
            reply = self.reply(database, doc! { "getMore": id, "collection": collection });
        }
    }
}

/// A command as it is shown when it fails.
fn brief(command: &Document) -> String {
    const SHOWN_MAX: usize = 300;
    let mut text = command.to_string();
    if let Some((end, _)) = text.char_indices().nth(SHOWN_MAX) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Code and message of a failed command or of its first write error.
pub fn failure(reply: &Document) -> Option<(i32, String)> {
    let of = |error: &Document| {
        let code = error.get_i32("code").unwrap_or_default();
        (code, error.get_str("errmsg").unwrap_or_default().to_owned())
    };
    if !says_ok(reply) {
        return Some(of(reply));
    }
    if let Ok(errors) = reply.get_array("writeErrors") {
        return errors.first().and_then(Bson::as_document).map(of);
    }
    reply.get_document("writeConcernError").ok().map(of)
}

fn is_ok(reply: &Document) -> bool {
    failure(reply).is_none()
}

/// `ok` is a double in every answer of the server.
fn says_ok(reply: &Document) -> bool {
    reply.get_f64("ok").is_ok_and(|ok| ok == 1.0)
}

/// The bytes of a command as a message.
pub fn message(request_id: i32, flags: Flags, body: RawDoc<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    MsgRequest { request_id, flags, body, sequences: &[] }.write(&mut out);
    out
}
