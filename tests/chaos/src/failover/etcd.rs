//! The yardstick: three etcd with default settings, whose leader is killed.
//!
//! Owns its processes. Writes are tried every few milliseconds at both survivors, without waiting for
//! those that hang: what is measured is etcd, not the patience of a client.

use super::figures::Figure;
use super::http::post;
use super::{CALM, PATIENCE};
use quire_tests::{Failure, Result, free_port};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

const NODES: usize = 3;

/// How often a write is tried while there is no leader.
const PACE: Duration = Duration::from_millis(10);

/// Where one of them listens.
#[derive(Clone, Copy)]
struct Ports {
    clients: u16,
    peers: u16,
}

struct Etcd<'d> {
    directory: &'d Path,
    ports: Vec<Ports>,
    children: Vec<Option<Child>>,
}

/// Outages of etcd, or `None` when it is not installed.
pub(super) async fn measure(
    directory: &Path,
    rounds: u32,
    progress: &mut dyn FnMut(u32, Duration),
) -> Result<Option<Figure>> {
    let installed = Command::new("etcd").arg("--version").stdout(Stdio::null()).status();
    if !installed.is_ok_and(|status| status.success()) {
        return Ok(None);
    }
    let ports = || Ports { clients: free_port(), peers: free_port() };
    let ports = (0..NODES).map(|_| ports()).collect();
    let mut etcd = Etcd { directory, ports, children: Vec::new() };
    etcd.children.resize_with(NODES, || None);
    for node in 0..NODES {
        etcd.start(node)?;
    }
    let mut figure = Figure::default();
    for round in 1..=rounds {
        let leader = etcd.wait_until_whole().await?;
        tokio::time::sleep(CALM).await;
        let killed = Instant::now();
        etcd.kill(leader)?;
        let outage = etcd.first_write(leader, killed).await?;
        figure.add(outage);
        progress(round, outage);
        etcd.start(leader)?;
    }
    Ok(Some(figure))
}

impl Etcd<'_> {
    fn start(&mut self, node: usize) -> Result<()> {
        let url = |port: u16| format!("http://127.0.0.1:{port}");
        let members: Vec<String> = (0..)
            .zip(&self.ports)
            .map(|(index, ports): (usize, _)| format!("e{index}={}", url(ports.peers)))
            .collect();
        let own = self.ports[node];
        let data = self.directory.join(format!("etcd{node}"));
        fs::create_dir_all(&data)?;
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.directory.join(format!("etcd{node}.log")))?;
        let child = Command::new("etcd")
            .args(["--name", &format!("e{node}"), "--data-dir"])
            .arg(&data)
            .args(["--listen-client-urls", &url(own.clients)])
            .args(["--advertise-client-urls", &url(own.clients)])
            .args(["--listen-peer-urls", &url(own.peers)])
            .args(["--initial-advertise-peer-urls", &url(own.peers)])
            .args(["--initial-cluster", &members.join(",")])
            .args(["--initial-cluster-state", "new", "--logger", "zap"])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .map_err(Failure::during("starting etcd"))?;
        self.children[node] = Some(child);
        Ok(())
    }

    fn kill(&mut self, node: usize) -> Result<()> {
        if let Some(mut child) = self.children[node].take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Waits until all answer, know one leader and have applied the same; returns the leader.
    async fn wait_until_whole(&self) -> Result<usize> {
        let begun = Instant::now();
        loop {
            if let Some(leader) = self.leader_of_all().await {
                return Ok(leader);
            }
            if begun.elapsed() > PATIENCE {
                return Err(Failure::new("etcd does not become whole"));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn leader_of_all(&self) -> Option<usize> {
        let mut states = Vec::new();
        for ports in &self.ports {
            let path = "/v3/maintenance/status";
            let status =
                post(ports.clients, path, &json!({}), Duration::from_secs(1)).await.ok()?;
            let text = |pointer| status.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
            states.push((text("/header/member_id")?, text("/leader")?, text("/raftIndex")?));
        }
        let (_, leader, index) = states.first()?;
        let agreed = states.iter().all(|state| state.1 == *leader && state.2 == *index);
        agreed.then(|| states.iter().position(|(id, ..)| id == leader)).flatten()
    }

    /// From `killed` to the first write that a survivor has acknowledged.
    async fn first_write(&self, dead: usize, killed: Instant) -> Result<Duration> {
        let survivors: Vec<u16> =
            (0..NODES).filter(|node| *node != dead).map(|node| self.ports[node].clients).collect();
        let (sender, mut acknowledged) = mpsc::unbounded_channel();
        // "quire", in base 64, as the gateway wants it.
        let write = json!({ "key": "cXVpcmU=", "value": "cXVpcmU=" });
        for port in survivors.iter().cycle() {
            let (port, write, sender) = (*port, write.clone(), sender.clone());
            tokio::spawn(async move {
                if post(port, "/v3/kv/put", &write, Duration::from_secs(2)).await.is_ok() {
                    // Only the first is waited for.
                    let _ = sender.send(killed.elapsed());
                }
            });
            match tokio::time::timeout(PACE, acknowledged.recv()).await {
                Ok(Some(outage)) => return Ok(outage),
                _ if killed.elapsed() > PATIENCE => break,
                _ => {}
            }
        }
        Err(Failure::new("etcd has no new leader"))
    }
}

impl Drop for Etcd<'_> {
    fn drop(&mut self) {
        for node in 0..self.children.len() {
            // Its data is thrown away.
            let _ = self.kill(node);
        }
    }
}
