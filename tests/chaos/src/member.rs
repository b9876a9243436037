//! Speaking to one member of the set, whatever the others say.
//!
//! Owns direct connections of the harness itself. They go to the node's own port, past its proxy: the
//! harness sees what is there even while nobody else can.

use mongodb::Client;
use mongodb::bson::{Document, doc};
use mongodb::error::ErrorKind;
use mongodb::options::{ClientOptions, ServerAddress};
use quire_tests::{Failure, Result};
use std::time::Duration;

/// How long one command may take.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(crate) struct Member {
    client: Client,
    port: u16,
}

/// How a command was answered.
pub(crate) enum Answer {
    Ok(Document),
    /// With code and message.
    Refused(i32, String),
}

/// What a member says of itself.
#[derive(Clone, Debug)]
pub(crate) struct Hello {
    pub(crate) primary: bool,
    pub(crate) secondary: bool,
    /// Which of two that take themselves for the primary is the newer one.
    election: Option<[u8; 12]>,
}

pub(crate) fn address(port: u16) -> ServerAddress {
    ServerAddress::Tcp { host: "127.0.0.1".to_owned(), port: Some(port) }
}

impl Member {
    pub(crate) fn at(port: u16) -> Result<Member> {
        let options = ClientOptions::builder()
            .hosts(vec![address(port)])
            .direct_connection(true)
            .retry_writes(false)
            .retry_reads(false)
            .connect_timeout(Duration::from_secs(2))
            .server_selection_timeout(Duration::from_secs(2))
            .build();
        let client = Client::with_options(options).map_err(Failure::during("a direct client"))?;
        Ok(Member { client, port })
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Runs a command that is answered, by whatever.
    pub(crate) async fn answer(&self, database: &str, command: Document) -> Result<Answer> {
        let name = command.keys().next().cloned().unwrap_or_default();
        let failed = |error: &dyn std::fmt::Display| {
            Failure::new(format!("{name} on port {}: {error}", self.port))
        };
        let database = self.client.database(database);
        let running = database.run_command(command);
        match tokio::time::timeout(PATIENCE, running).await {
            Ok(Ok(reply)) => Ok(Answer::Ok(reply)),
            Ok(Err(error)) => match error.kind.as_ref() {
                ErrorKind::Command(refusal) => {
                    Ok(Answer::Refused(refusal.code, refusal.message.clone()))
                }
                _ => Err(failed(&error)),
            },
            Err(elapsed) => Err(failed(&elapsed)),
        }
    }

    /// Runs a command that must succeed.
    pub(crate) async fn run(&self, database: &str, command: Document) -> Result<Document> {
        let name = command.keys().next().cloned().unwrap_or_default();
        match self.answer(database, command).await? {
            Answer::Ok(reply) => Ok(reply),
            Answer::Refused(code, message) => {
                Err(Failure::new(format!("{name} on port {}: {code} {message}", self.port)))
            }
        }
    }

    pub(crate) async fn hello(&self) -> Result<Hello> {
        let reply = self.run("admin", doc! { "hello": 1 }).await?;
        Ok(Hello {
            primary: reply.get_bool("isWritablePrimary").unwrap_or(false),
            secondary: reply.get_bool("secondary").unwrap_or(false),
            election: reply.get_object_id("electionId").ok().map(|id| id.bytes()),
        })
    }
}

impl Hello {
    /// Larger for a later election.
    pub(crate) fn election(&self) -> [u8; 12] {
        self.election.unwrap_or_default()
    }
}
