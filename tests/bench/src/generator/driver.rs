//! The same commands through the stock Rust driver: its pool, its sessions, its monitors.
//!
//! Owns one client for each thread of the load. What it says of the server includes what the driver
//! costs, which shares the machine with it.

use super::Plan;
use crate::action::Action;
use crate::op_msg::{self, Concern, DATABASE, Writer};
use crate::stream::Stream;
use mongodb::bson::{RawDocumentBuf, raw::RawDocument};
use mongodb::options::{ClientOptions, ServerAddress};
use mongodb::{Client, Database};
use quire_bson::{DocBuilder, RawDoc};
use quire_protocol::{DecodeLimits, decode};
use quire_tests::{Failure, Result};

/// What the driver sends by itself.
const OF_THE_DRIVER: &[&str] = &["lsid", "$db"];

pub(super) async fn client(plan: &Plan, connections: usize) -> Result<Client> {
    let address = plan.target.address;
    let host = ServerAddress::Tcp { host: address.ip().to_string(), port: Some(address.port()) };
    let pool = u32::try_from(connections).unwrap_or(u32::MAX);
    let options = ClientOptions::builder()
        .hosts(vec![host])
        .direct_connection(true)
        .max_pool_size(pool)
        .min_pool_size(pool)
        .build();
    let client = Client::with_options(options).map_err(Failure::during("the driver"))?;
    let ping = client.database("admin").run_command(mongodb::bson::doc! { "ping": 1 }).await;
    ping.map_err(Failure::during("the driver's ping"))?;
    Ok(client)
}

pub(super) struct Link {
    database: Database,
    writer: Writer,
    command: RawDocumentBuf,
    reply: RawDocumentBuf,
}

impl Link {
    pub(super) fn new(client: &Client, stream: Stream, concern: Concern) -> Link {
        Link {
            database: client.database(DATABASE),
            writer: Writer::new(stream, concern),
            command: RawDocumentBuf::new(),
            reply: RawDocumentBuf::new(),
        }
    }

    pub(super) fn prepare(&mut self, action: Action) -> Result<()> {
        let mut message = Vec::new();
        self.writer.write(action, 1, &mut message);
        self.command = command(message)?;
        Ok(())
    }

    pub(super) async fn exchange(&mut self) -> Result<()> {
        let command = std::mem::take(&mut self.command);
        let reply = self.database.run_raw_command(command).await;
        let reply = reply.map_err(Failure::during("a command of the driver"))?;
        self.reply = RawDocumentBuf::try_from(&reply).map_err(Failure::during("a reply"))?;
        Ok(())
    }

    pub(super) fn check(&mut self, action: Action) -> Result<()> {
        let bytes: &RawDocument = &self.reply;
        let reply = RawDoc::from_validated(bytes.as_bytes());
        match op_msg::fault(action, reply) {
            None => Ok(()),
            Some(fault) => Err(Failure::new(format!("{fault}: {reply:?}"))),
        }
    }
}

/// The request as one document, its sequences as arrays.
fn command(message: Vec<u8>) -> Result<RawDocumentBuf> {
    let request = decode(message, DecodeLimits::default())
        .map_err(|rejected| Failure::new(format!("{rejected:?}")))?;
    let mut builder = DocBuilder::new();
    for element in request.body() {
        if !OF_THE_DRIVER.contains(&element.key()) {
            builder.append_element(element);
        }
    }
    for sequence in request.sequences() {
        builder.append_array(sequence.name, |array| {
            for document in sequence.documents {
                array.push_doc(document);
            }
        });
    }
    RawDocumentBuf::from_bytes(builder.finish().into_bytes()).map_err(Failure::during("a command"))
}
