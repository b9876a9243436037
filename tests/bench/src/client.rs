//! One blocking connection, for what is done before and beside measuring.
//!
//! Owns the plain request and reply; a reply that says anything but success is a failure.

use crate::dataset::Dataset;
use crate::op_msg::DATABASE;
use quire_bson::{DocBuf, Document, RawDoc, as_exact_i64, doc};
use quire_protocol::{
    ClientReply, DecodeLimits, Flags, FrameBuffer, MESSAGE_BYTES_MAX, MsgRequest,
};
use quire_tests::{Failure, Result};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long a reply may take; an index over many documents takes its time.
const PATIENCE: Duration = Duration::from_secs(600);

/// The documents of one insert while loading.
const LOAD_BATCH_DOCUMENTS: usize = 2000;

pub(crate) struct Client {
    stream: TcpStream,
    frames: FrameBuffer,
    next_request: i32,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Result<Client> {
        let stream = TcpStream::connect(address).map_err(Failure::during("connecting"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Client { stream, frames: FrameBuffer::new(), next_request: 1 })
    }

    /// Runs a command and gives its successful reply.
    pub(crate) fn command(&mut self, database: &str, mut command: Document) -> Result<Document> {
        command.insert("$db", database);
        self.run(DocBuf::from(&command).as_raw(), &[])
    }

    /// Runs a request and gives its successful reply.
    fn run(&mut self, body: RawDoc<'_>, sequences: &[(&str, &[RawDoc<'_>])]) -> Result<Document> {
        let mut out = Vec::new();
        let request_id = self.next_request;
        self.next_request = self.next_request.wrapping_add(1);
        MsgRequest { request_id, flags: Flags::NONE, body, sequences }.write(&mut out);
        self.stream.write_all(&out).map_err(Failure::during("sending a request"))?;
        let reply = self.reply()?;
        let reply = reply.body();
        let ok = reply.get("ok").and_then(as_exact_i64) == Some(1);
        if !ok || reply.get("writeErrors").is_some() {
            return Err(Failure::new(format!("a request failed: {reply:?}")));
        }
        Ok(reply.to_document())
    }

    /// Fills a collection and makes its index.
    pub(crate) fn load(&mut self, dataset: Dataset, records: u64) -> Result<()> {
        let mut batch: Vec<DocBuf> = Vec::new();
        dataset.each(records, &mut |_, document| {
            batch.push(DocBuf::from_validated(document.as_bytes().to_vec()));
            if batch.len() == LOAD_BATCH_DOCUMENTS {
                self.insert(dataset, &batch)?;
                batch.clear();
            }
            Ok(())
        })?;
        if !batch.is_empty() {
            self.insert(dataset, &batch)?;
        }
        if let Some((field, _)) = dataset.index() {
            let index = doc! { "key": { field: 1 }, "name": field };
            let command = doc! { "createIndexes": dataset.name(), "indexes": [index] };
            self.command(DATABASE, command)?;
        }
        Ok(())
    }

    fn insert(&mut self, dataset: Dataset, batch: &[DocBuf]) -> Result<()> {
        let views: Vec<RawDoc<'_>> = batch.iter().map(DocBuf::as_raw).collect();
        let body = DocBuf::from(&doc! { "insert": dataset.name(), "$db": DATABASE });
        self.run(body.as_raw(), &[("documents", &views)]).map(drop)
    }

    fn reply(&mut self) -> Result<ClientReply> {
        loop {
            let message = self.frames.next_message(MESSAGE_BYTES_MAX);
            if let Some(message) = message.map_err(|e| Failure::new(e.to_string()))? {
                return ClientReply::decode(message, DecodeLimits::default())
                    .map_err(|fault| Failure::new(fault.to_string()));
            }
            let mut received = [0; 65_536];
            let length = self.stream.read(&mut received).map_err(Failure::during("a reply"))?;
            if length == 0 {
                return Err(Failure::new("the server closed the connection"));
            }
            self.frames.room().extend_from_slice(received.get(..length).unwrap_or_default());
        }
    }
}
