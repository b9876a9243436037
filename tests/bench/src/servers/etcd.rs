//! A yardstick of replicated writes: three etcd with default settings, asked over gRPC.
//!
//! Owns its processes and finding their leader; its language is `generator/etcd`.

use super::end;
use crate::scratch::Scratch;
use quire_tests::{Failure, Result, free_port};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const NODES: usize = 3;
const PATIENCE: Duration = Duration::from_secs(30);

/// The most it can be given.
const QUOTA_BYTES: u64 = 8 << 30;

struct Ports {
    clients: u16,
    peers: u16,
}

pub(crate) struct Etcd {
    children: Vec<Child>,
    ports: Vec<Ports>,
    directory: Scratch,
}

pub(crate) fn is_installed() -> bool {
    let version = Command::new("etcd").arg("--version").stdout(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

impl Etcd {
    pub(crate) fn start(parent: &Path) -> Result<Etcd> {
        let directory = Scratch::new(parent, "etcd")?;
        let ports = || Ports { clients: free_port(), peers: free_port() };
        let ports: Vec<Ports> = (0..NODES).map(|_| ports()).collect();
        let mut etcd = Etcd { children: Vec::new(), ports, directory };
        for node in 0..NODES {
            let child = etcd.spawn(node)?;
            etcd.children.push(child);
        }
        Ok(etcd)
    }

    pub(crate) fn process_ids(&self) -> Vec<u32> {
        self.children.iter().map(Child::id).collect()
    }

    /// Waits until all know the same leader; returns its address.
    pub(crate) fn leader(&self) -> Result<SocketAddr> {
        let patience = Instant::now() + PATIENCE;
        loop {
            if let Some(leader) = self.leader_of_all() {
                return Ok(leader);
            }
            if Instant::now() > patience {
                return Err(Failure::new("etcd does not become whole"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn spawn(&self, node: usize) -> Result<Child> {
        let url = |port: u16| format!("http://127.0.0.1:{port}");
        let members: Vec<String> = (0..)
            .zip(&self.ports)
            .map(|(index, ports): (usize, _)| format!("e{index}={}", url(ports.peers)))
            .collect();
        let own = self.ports.get(node).ok_or_else(|| Failure::new("no such node"))?;
        let data = self.directory.path().join(format!("node{node}"));
        fs::create_dir_all(&data)?;
        let log = File::create(self.directory.path().join(format!("node{node}.log")))?;
        Command::new("etcd")
            .args(["--name", &format!("e{node}"), "--data-dir"])
            .arg(&data)
            .args(["--listen-client-urls", &url(own.clients)])
            .args(["--advertise-client-urls", &url(own.clients)])
            .args(["--listen-peer-urls", &url(own.peers)])
            .args(["--initial-advertise-peer-urls", &url(own.peers)])
            .args(["--initial-cluster", &members.join(",")])
            .args(["--initial-cluster-state", "new", "--logger", "zap"])
            .args(["--quota-backend-bytes", &QUOTA_BYTES.to_string()])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .map_err(Failure::during("starting etcd"))
    }

    fn leader_of_all(&self) -> Option<SocketAddr> {
        let mut states = Vec::new();
        for ports in &self.ports {
            let status = post(ports.clients, "/v3/maintenance/status")?;
            let text = |pointer| status.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
            states.push((text("/header/member_id")?, text("/leader")?, ports.clients));
        }
        let (_, leader, _) = states.first()?;
        let agreed = states.iter().all(|(_, other, _)| other == leader);
        let own = states.iter().find(|(member, ..)| member == leader)?;
        agreed.then(|| SocketAddr::from(([127, 0, 0, 1], own.2)))
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        self.children.iter_mut().for_each(end);
    }
}

/// Asks the gateway that speaks JSON, for what is no figure.
fn post(port: u16, path: &str) -> Option<Value> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    let body = json!({}).to_string();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    // The body may come in chunks, each behind its length.
    let (from, to) = (body.find('{')?, body.rfind('}')?);
    serde_json::from_str(body.get(from..=to)?).ok()
}
