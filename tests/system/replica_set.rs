//! Three servers of one replica set: how they become one, and what one that cannot apply does.

mod exploding;
mod initiating;
mod showing;

use quire_bson::{Bson, Document, doc};
use quire_tests::{Connection, Daemon, Launch, PATIENCE, get};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The line that tells the address of the admin port.
const SERVING_ADMIN: i64 = 7_100_041;

/// Members must know their ports before they start. These lie below those that the system picks,
/// and each run begins elsewhere.
const PORTS: std::ops::Range<u16> = 18_000..30_000;

fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let from = u16::try_from(std::process::id() % u32::from(PORTS.end - PORTS.start)).unwrap_or(0);
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = PORTS.start + (from + step) % (PORTS.end - PORTS.start);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// Three members on this machine.
struct Trio {
    words: Vec<String>,
    members: Vec<Member>,
}

struct Member {
    port: u16,
    directory: TempDir,
    daemon: Option<Daemon>,
}

impl Trio {
    /// Starts three that belong to no set yet; `words` may name the members with `HOSTS`.
    fn start(words: &[&str]) -> Trio {
        let member = || Member { port: free_port(), directory: crate::directory(), daemon: None };
        let members: Vec<Member> = (0..3).map(|_| member()).collect();
        let mut trio = Trio { words: Vec::new(), members };
        let hosts = trio.hosts().join(",");
        trio.words = words.iter().map(|word| word.replace("HOSTS", &hosts)).collect();
        for number in 0..3 {
            trio.start_one(number);
        }
        trio
    }

    fn hosts(&self) -> Vec<String> {
        self.members.iter().map(|member| format!("127.0.0.1:{}", member.port)).collect()
    }

    fn start_one(&mut self, number: usize) {
        let member = &mut self.members[number];
        let port = member.port.to_string();
        let daemon = Launch::bare(&["--port", &port, "--bind_ip", "127.0.0.1", "--nounixsocket"])
            .with(&["--replSet", "rs0", "--httpPort", "0", "--dbpath"])
            .with(&[member.directory.path()])
            .with(&self.words)
            .start();
        member.daemon = Some(daemon);
    }

    /// Ends a member and takes its disk away.
    fn wipe(&mut self, number: usize) {
        let member = &mut self.members[number];
        if let Some(daemon) = member.daemon.take() {
            daemon.kill();
        }
        member.directory = crate::directory();
    }

    fn daemon(&self, number: usize) -> &Daemon {
        self.members[number].daemon.as_ref().expect("a running member")
    }

    fn connect(&self, number: usize) -> Connection {
        self.daemon(number).connect()
    }

    fn admin(&self, number: usize) -> SocketAddr {
        let line = self.daemon(number).logged(SERVING_ADMIN);
        let text = line.pointer("/attr/address").and_then(|a| a.as_str()).expect("an address");
        text.parse().expect("an address")
    }

    fn status(&self, number: usize) -> Option<Document> {
        self.connect(number).command("admin", doc! { "replSetGetStatus": 1 }).ok()
    }

    /// The members' states, as one of them sees them.
    fn states(&self, number: usize) -> Vec<String> {
        let status = self.status(number).unwrap_or_default();
        let members = status.get_array("members").cloned().unwrap_or_default();
        let state =
            |member: &Bson| member.as_document()?.get_str("stateStr").ok().map(str::to_owned);
        members.iter().filter_map(state).collect()
    }

    /// The only primary, as soon as there is one and the others follow it.
    fn primary(&self) -> usize {
        until("a primary and two secondaries", || {
            let states = self.states(0);
            let secondaries = states.iter().filter(|state| *state == "SECONDARY").count();
            states.iter().position(|state| state == "PRIMARY").filter(|_| secondaries == 2)
        })
    }

    /// A figure of a member's metrics.
    fn figure(&self, number: usize, name: &str) -> i64 {
        let page = get(self.admin(number), "GET", "/metrics").body;
        let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name} in {page}"))
    }

    /// The newest entry that a member holds, knows to be committed, and has applied.
    fn positions(&self, number: usize) -> [i64; 3] {
        ["quire_log_last_index", "quire_log_committed_index", "quire_log_applied_index"]
            .map(|name| self.figure(number, name))
    }

    /// Waits until nothing is under way any more: everybody has the same, and it stays so.
    fn settled(&self) -> i64 {
        let common = || {
            let [last, ..] = self.positions(0);
            (0..3).all(|number| self.positions(number) == [last; 3]).then_some(last)
        };
        until("a log that is the same everywhere", || {
            let before = common()?;
            std::thread::sleep(Duration::from_millis(300));
            common().filter(|after| *after == before)
        })
    }
}

/// Asks until there is an answer.
fn until<T>(what: &str, ask: impl Fn() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
