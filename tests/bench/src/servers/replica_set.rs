//! The subject as a set: three `quired` on one machine.
//!
//! Owns making one set of them, and finding its primary.

use super::quired::{Launch, Quired};
use crate::client::Client;
use quire_bson::{Document, doc};
use quire_tests::{Failure, Result, SET_NAME};
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long they may take to become a set.
const PATIENCE: Duration = Duration::from_secs(60);

/// Background work of a busy machine must not make members stand for election.
const ELECTION_TIMEOUT_MILLIS: i32 = 10_000;

pub(crate) struct Members {
    members: Vec<Quired>,
}

impl Members {
    pub(crate) fn start(
        launch: &Launch,
        parent: &Path,
        name: &str,
        count: usize,
    ) -> Result<Members> {
        let launch = launch.with(&["--replSet", SET_NAME]);
        let start = |place| Quired::start(&launch, parent, &format!("{name}{place}"));
        let members = Members { members: (0..count).map(start).collect::<Result<_>>()? };
        members.initiate()?;
        Ok(members)
    }

    pub(crate) fn process_ids(&self) -> Vec<u32> {
        self.members.iter().map(Quired::process_id).collect()
    }

    /// The primary's address; the first member initiated the set, and nobody else has stood since.
    pub(crate) fn primary(&self) -> Result<SocketAddr> {
        for member in &self.members {
            let hello = ask(member, doc! { "hello": 1 })?;
            if hello.get_bool("isWritablePrimary").unwrap_or(false) {
                return Ok(member.address);
            }
        }
        Err(Failure::new("the set has no primary"))
    }

    fn initiate(&self) -> Result<()> {
        let Some(first) = self.members.first() else { return Ok(()) };
        let members: Vec<Document> = (0..)
            .zip(&self.members)
            .map(|(id, member): (i32, _)| doc! { "_id": id, "host": member.address.to_string() })
            .collect();
        let settings = doc! { "electionTimeoutMillis": ELECTION_TIMEOUT_MILLIS };
        let config = doc! { "_id": SET_NAME, "members": members, "settings": settings };
        ask(first, doc! { "replSetInitiate": config })?;
        let patience = Instant::now() + PATIENCE;
        while !self.is_whole()? {
            if Instant::now() > patience {
                return Err(Failure::new("the set does not become whole"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Whether there is a primary, all others follow, and the votes of all count.
    fn is_whole(&self) -> Result<bool> {
        let mut primaries = 0;
        for member in &self.members {
            let hello = ask(member, doc! { "hello": 1 })?;
            let is = |field| hello.get_bool(field).unwrap_or(false);
            if !is("isWritablePrimary") && !is("secondary") {
                return Ok(false);
            }
            primaries += usize::from(is("isWritablePrimary"));
            let status = ask(member, doc! { "replSetGetStatus": 1 })?;
            let voters = status.get_document("quire").and_then(|own| own.get_array("voters"));
            if voters.map(Vec::len).ok() != Some(self.members.len()) {
                return Ok(false);
            }
        }
        Ok(primaries == 1)
    }
}

fn ask(member: &Quired, command: Document) -> Result<Document> {
    Client::connect(member.address)?.command("admin", command)
}
