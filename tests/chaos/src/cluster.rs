//! A replica set of three processes on this machine, with or without proxies in front of them.
//!
//! Owns its nodes and how it comes together. Members know each other by the addresses of the proxies
//! when there are any, so that what is cut between them is really cut.

use crate::member::{Answer, Hello, Member};
use crate::node::{Launch, Node};
use crate::proxy::{self, Links, Processes};
use crate::workload::DATABASE;
use mongodb::bson::{Bson, doc};
use quire_tests::{Failure, Result, free_port};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub(crate) use crate::proxy::NODES;

/// The set's name.
pub(crate) const SET: &str = "chaos";

/// How long a healthy set may need to become whole: generous, for a machine may be busy.
const PATIENCE: Duration = Duration::from_secs(90);

pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Node>,
    pub(crate) members: Vec<Member>,
    /// The ports in the set's configuration.
    public_ports: Vec<u16>,
    links: Links,
    processes: Processes,
}

/// Whether others reach the nodes through proxies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    Direct,
    Proxied,
}

impl Cluster {
    /// Starts three nodes and makes them a set.
    pub(crate) async fn start(
        binary: &Path,
        directory: &Path,
        network: Network,
    ) -> Result<Cluster> {
        let flags = ["--replSet", SET, "--bind_ip", "127.0.0.1", "--nounixsocket"];
        let launch =
            Launch { binary: PathBuf::from(binary), flags: flags.map(str::to_owned).into() };
        let own_ports = free_ports();
        let links = Links::sound();
        let processes = Processes::default();
        let public_ports = match network {
            Network::Direct => own_ports.clone(),
            Network::Proxied => free_ports(),
        };
        if network == Network::Proxied {
            for (node, (own, public)) in own_ports.iter().zip(&public_ports).enumerate() {
                proxy::serve(node, *own, *public, links.clone(), processes.clone()).await?;
            }
        }
        let mut nodes = Vec::new();
        for (index, port) in own_ports.iter().enumerate() {
            nodes.push(Node::new(&launch, *port, directory, &format!("node{index}"))?);
        }
        let members = own_ports.iter().map(|port| Member::at(*port)).collect::<Result<_>>()?;
        let mut cluster = Cluster { nodes, members, public_ports, links, processes };
        cluster.start_all().await?;
        cluster.initiate().await?;
        cluster.wait_until_whole().await?;
        Ok(cluster)
    }

    async fn initiate(&self) -> Result<()> {
        let members: Vec<Bson> = (0..)
            .zip(&self.public_ports)
            .map(|(id, port): (i32, _)| doc! { "_id": id, "host": format!("127.0.0.1:{port}") })
            .map(Bson::from)
            .collect();
        let configuration = doc! { "_id": SET, "members": members };
        let command = doc! { "replSetInitiate": configuration };
        self.members[0].run("admin", command).await.map(|_| ())
    }

    pub(crate) fn links(&self) -> &Links {
        &self.links
    }

    pub(crate) fn public_ports(&self) -> &[u16] {
        &self.public_ports
    }

    /// Starts one node unless it runs.
    pub(crate) async fn start_node(&mut self, node: usize) -> Result<()> {
        self.nodes[node].start().await?;
        self.processes.set(node, self.nodes[node].process_id());
        Ok(())
    }

    pub(crate) async fn start_all(&mut self) -> Result<()> {
        for node in 0..NODES {
            self.start_node(node).await?;
        }
        Ok(())
    }

    pub(crate) fn kill(&mut self, node: usize) -> Result<()> {
        self.processes.set(node, None);
        self.nodes[node].kill()
    }

    pub(crate) fn lose_the_disk(&mut self, node: usize) -> Result<()> {
        self.processes.set(node, None);
        self.nodes[node].lose_the_disk()
    }

    /// Undoes everything that was inflicted.
    pub(crate) async fn heal(&mut self) -> Result<()> {
        self.links.heal();
        for node in &self.nodes {
            node.resume()?;
        }
        self.start_all().await
    }

    /// What each member says of itself, if it says anything.
    pub(crate) async fn hellos(&self) -> Vec<Option<Hello>> {
        let asked: Vec<_> = self
            .members
            .iter()
            .cloned()
            .map(|member| {
                tokio::spawn(async move {
                    let hello = tokio::time::timeout(Duration::from_secs(2), member.hello()).await;
                    hello.ok().and_then(std::result::Result::ok)
                })
            })
            .collect();
        let mut said = Vec::new();
        for hello in asked {
            said.push(hello.await.ok().flatten());
        }
        said
    }

    /// The member that is the primary; of several that say so, the one of the last election.
    pub(crate) async fn primary_now(&self) -> Option<usize> {
        newest_primary(&self.hellos().await)
    }

    /// Waits until there is one primary, the others are secondaries, and all have applied what is
    /// written now.
    pub(crate) async fn wait_until_whole(&self) -> Result<usize> {
        let patience = Instant::now() + PATIENCE;
        loop {
            let hellos = self.hellos().await;
            let followers = hellos.iter().flatten().filter(|hello| hello.secondary).count();
            let primary = newest_primary(&hellos).filter(|_| followers == NODES - 1);
            let whole = match primary {
                Some(primary) => self.all_have_a_write(primary).await,
                None => Err(Failure::new(format!("{hellos:?}"))),
            };
            match whole {
                Ok(primary) => return Ok(primary),
                Err(failure) if Instant::now() > patience => {
                    let told = self.statuses().await;
                    let what = format!("the set does not become whole: {failure}\n{told}");
                    return Err(Failure::new(what));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(30)).await,
            }
        }
    }

    /// What each member says of all of them.
    async fn statuses(&self) -> String {
        let mut told = Vec::new();
        for member in &self.members {
            told.push(match member.run("admin", doc! { "replSetGetStatus": 1 }).await {
                Ok(status) => status.to_string(),
                Err(failure) => failure.to_string(),
            });
        }
        told.join("\n")
    }

    async fn all_have_a_write(&self, primary: usize) -> Result<usize> {
        let concern = doc! { "w": 3, "wtimeout": 8000 };
        let update = doc! { "q": { "_id": 0 }, "u": { "$inc": { "n": 1 } }, "upsert": true };
        let command = doc! { "update": "whole", "updates": [update], "writeConcern": concern };
        match self.members[primary].answer("harness", command).await? {
            Answer::Ok(reply) if reply.contains_key("writeConcernError") => {
                Err(Failure::new(format!("{reply}")))
            }
            Answer::Ok(reply) if reply.contains_key("writeErrors") => {
                Err(Failure::new(format!("{reply}")))
            }
            Answer::Ok(_) => Ok(primary),
            Answer::Refused(code, message) => Err(Failure::new(format!("{code} {message}"))),
        }
    }

    /// Makes an index, which every write then has to keep.
    pub(crate) async fn make_index(&self, collection: &str, field: &str) -> Result<()> {
        let primary = self.wait_until_whole().await?;
        let index = doc! { "key": { field: 1 }, "name": field };
        let command = doc! { "createIndexes": collection, "indexes": [index] };
        self.members[primary].run(DATABASE, command).await.map(|_| ())
    }

    /// Which nodes have ended though nobody ended them.
    pub(crate) fn deaths(&mut self) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for node in &mut self.nodes {
            if let Some(status) = node.ended_by_itself()? {
                found.push(format!("{} ended by itself: {status}", node.name()));
            }
        }
        Ok(found)
    }
}

/// A port for every node.
fn free_ports() -> Vec<u16> {
    (0..NODES).map(|_| free_port()).collect()
}

fn newest_primary(hellos: &[Option<Hello>]) -> Option<usize> {
    let primaries = hellos.iter().enumerate().filter_map(|(index, hello)| {
        let hello = hello.as_ref().filter(|hello| hello.primary)?;
        Some((hello.election(), index))
    });
    primaries.max().map(|(_, index)| index)
}
