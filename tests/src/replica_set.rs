//! Several `quired` processes that are, or are to become, one replica set.
//!
//! Owns their ports, directories and processes. Members go by their place, from zero on; a member
//! that is down or paused is never asked anything.

mod figures;

use crate::PATIENCE;
use crate::connection::{Connection, failure};
use crate::daemon::{Daemon, Finished, Launch};
use quire_bson::{Document, doc};
use rustix::process::Signal;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The election timeout, where a test does not choose one.
const CALM_MILLIS: i32 = 3_000;

/// The name of every set in the tests.
pub const SET_NAME: &str = "rs0";

/// Above what people listen on, and below where the kernel takes ports for outgoing connections, as are
/// those 1000 above, where the status page is.
const PORTS: std::ops::Range<u16> = 20_000..31_700;

/// One process and what it stands on.
struct Place {
    port: u16,
    data: PathBuf,
    launch: Launch,
    daemon: Option<Daemon>,
    is_paused: bool,
}

/// See the module.
pub struct ReplicaSet {
    places: Vec<Place>,
    _directory: TempDir,
}

impl ReplicaSet {
    /// Starts so many members of a set that is not initiated yet.
    pub fn uninitiated(count: usize, words: &[&str]) -> ReplicaSet {
        let directory = TempDir::with_prefix("quire-set-").expect("a temporary directory");
        let mut set = ReplicaSet { places: Vec::new(), _directory: directory };
        for _ in 0..count {
            set.add_started(words);
        }
        set
    }

    /// Starts so many members and initiates them by a configuration that names them all.
    pub fn started(count: usize) -> ReplicaSet {
        ReplicaSet::started_with(count, &[], |_| ())
    }

    /// The same, with words for each command line and a chance to change the configuration.
    pub fn started_with(
        count: usize,
        words: &[&str],
        change: impl FnOnce(&mut Document),
    ) -> ReplicaSet {
        let set = ReplicaSet::uninitiated(count, words);
        set.initiate(change);
        // Before that the set is as large as those whose votes count, and may lose nobody.
        set.wait_for_state(0, "PRIMARY");
        set.wait_until_all_vote();
        set
    }

    /// Makes a set of all processes, by a configuration that may be changed before.
    pub fn initiate(&self, change: impl FnOnce(&mut Document)) {
        let members: Vec<Document> = (0..)
            .zip(self.hosts())
            .map(|(id, host): (i32, String)| doc! { "_id": id, "host": host })
            .collect();
        // A busy machine must not make members stand that have nothing to gain from it; the end of a
        // process is noticed without the timeout.
        let settings = doc! { "electionTimeoutMillis": CALM_MILLIS };
        let mut config = doc! { "_id": SET_NAME, "members": members, "settings": settings };
        change(&mut config);
        self.admin(0, doc! { "replSetInitiate": config });
    }

    /// Starts one more process of this set; it is in no configuration yet.
    pub fn add_started(&mut self, words: &[&str]) -> usize {
        let words: Vec<&str> = [&["--replSet", SET_NAME], words].concat();
        self.add_launched(free_port(), &words)
    }

    /// Starts one more process with exactly these words behind those that every one gets.
    pub fn add_launched(&mut self, port: u16, words: &[&str]) -> usize {
        let place = self.places.len();
        let data = self._directory.path().join(format!("node{place}"));
        std::fs::create_dir_all(&data).expect("a directory for a member");
        let launch = Launch::bare(&[
            "--bind_ip",
            "127.0.0.1",
            "--nounixsocket",
            "--port",
            &port.to_string(),
        ])
        .with(&[Path::new("--dbpath"), &data])
        .with(words);
        let daemon = Some(launch.start());
        self.places.push(Place { port, data, launch, daemon, is_paused: false });
        place
    }

    pub fn count(&self) -> usize {
        self.places.len()
    }

    pub fn host(&self, place: usize) -> String {
        format!("127.0.0.1:{}", self.places[place].port)
    }

    pub fn hosts(&self) -> Vec<String> {
        (0..self.count()).map(|place| self.host(place)).collect()
    }

    pub fn data(&self, place: usize) -> &Path {
        &self.places[place].data
    }

    pub fn launch(&self, place: usize) -> Launch {
        self.places[place].launch.clone()
    }

    pub fn daemon(&self, place: usize) -> &Daemon {
        self.places[place].daemon.as_ref().expect("the member runs")
    }

    pub fn connect(&self, place: usize) -> Connection {
        Connection::open(self.places[place].port)
    }

    /// Runs a command on the admin database of a member.
    pub fn admin(&self, place: usize, command: Document) -> Document {
        self.connect(place).ok("admin", command)
    }

    /// Who runs and is not paused.
    pub fn running(&self) -> Vec<usize> {
        let is_running = |place: &Place| place.daemon.is_some() && !place.is_paused;
        (0..self.count()).filter(|place| is_running(&self.places[*place])).collect()
    }

    /// Ends a member as a crash does.
    pub fn kill(&mut self, place: usize) {
        if let Some(daemon) = self.places[place].daemon.take() {
            daemon.kill();
        }
    }

    /// Ends a member in good order.
    pub fn stop(&mut self, place: usize) -> Finished {
        let daemon = self.places[place].daemon.take().expect("the member runs");
        daemon.signal(Signal::TERM);
        daemon.finish()
    }

    /// Starts a member that was ended, on what it left.
    pub fn start(&mut self, place: usize) {
        let place = &mut self.places[place];
        assert!(place.daemon.is_none(), "the member runs");
        place.daemon = Some(place.launch.start());
    }

    /// Takes away all that an ended member had on disk.
    pub fn wipe(&mut self, place: usize) {
        assert!(self.places[place].daemon.is_none(), "the member runs");
        std::fs::remove_dir_all(self.data(place)).expect("the directory goes");
        std::fs::create_dir(self.data(place)).expect("an empty directory");
    }

    /// Stops a member's time.
    pub fn pause(&mut self, place: usize) {
        self.daemon(place).pause();
        self.places[place].is_paused = true;
    }

    pub fn resume(&mut self, place: usize) {
        self.daemon(place).signal(Signal::CONT);
        self.places[place].is_paused = false;
    }

    pub fn hello(&self, place: usize) -> Document {
        self.admin(place, doc! { "hello": 1 })
    }

    /// What a member takes itself for, as its status says.
    pub fn state(&self, place: usize) -> String {
        let reply = self.connect(place).reply("admin", doc! { "replSetGetStatus": 1 });
        let members = reply.get_array("members").ok();
        let own = members.and_then(|members| {
            let members = members.iter().filter_map(quire_bson::Bson::as_document);
            members.into_iter().find(|member| member.get_bool("self").unwrap_or(false)).cloned()
        });
        match own {
            Some(own) => own.get_str("stateStr").unwrap_or("no state").to_owned(),
            None => match failure(&reply) {
                Some((code, _)) => format!("error {code}"),
                None => "not a member".to_owned(),
            },
        }
    }

    /// Asks until there is an answer.
    pub fn wait_for<T>(&self, what: &str, mut ask: impl FnMut(&ReplicaSet) -> Option<T>) -> T {
        let patience = Instant::now() + PATIENCE;
        loop {
            if let Some(answer) = ask(self) {
                return answer;
            }
            if Instant::now() > patience {
                let states = self.running().into_iter().map(|place| self.state(place));
                panic!("{what}: never came; states {:?}", states.collect::<Vec<_>>());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until something holds.
    pub fn wait_until(&self, what: &str, mut holds: impl FnMut(&ReplicaSet) -> bool) {
        self.wait_for(what, |set| holds(set).then_some(()));
    }

    pub fn wait_for_state(&self, place: usize, state: &str) {
        self.wait_until(&format!("{} is {state}", self.host(place)), |set| {
            set.state(place) == state
        });
    }

    /// Waits for a member that takes writes, and tells which.
    pub fn primary(&self) -> usize {
        let leads = |set: &ReplicaSet, place: usize| {
            set.hello(place).get_bool("isWritablePrimary").unwrap_or(false)
        };
        self.wait_for("a primary", |set| set.running().into_iter().find(|place| leads(set, *place)))
    }

    /// Members that run and are not the primary.
    pub fn secondaries(&self) -> Vec<usize> {
        let primary = self.primary();
        self.running().into_iter().filter(|place| *place != primary).collect()
    }

    /// Waits until there is a primary and all others that run are secondaries with votes.
    pub fn wait_until_whole(&self) -> usize {
        let primary = self.primary();
        self.wait_until("all others are secondaries", |set| {
            set.running().into_iter().all(|place| {
                place == primary || set.hello(place).get_bool("secondary").unwrap_or(false)
            })
        });
        self.wait_until_all_vote();
        self.primary()
    }

    /// Waits until the votes of all whom the configuration gives one count, and all who run know it:
    /// whoever does not yet reckons with other majorities than the rest.
    pub fn wait_until_all_vote(&self) {
        let ask = |set: &ReplicaSet, place: usize, command: &str| {
            let command = doc! { command: 1 };
            set.connect(place).reply("admin", command)
        };
        let shall_vote = |reply: &Document| {
            let members = reply.get_document("config").ok()?.get_array("members").ok()?;
            let members = members.iter().filter_map(quire_bson::Bson::as_document);
            Some(members.filter(|member| member.get_i32("votes").ok() == Some(1)).count())
        };
        self.wait_until("all vote who shall, and know it", |set| {
            set.running().into_iter().all(|place| {
                let status = ask(set, place, "replSetGetStatus");
                let voters = status.get_document("quire").and_then(|own| own.get_array("voters"));
                let counted = voters.map(Vec::len).ok();
                counted.is_some() && counted == shall_vote(&ask(set, place, "replSetGetConfig"))
            })
        });
    }

    pub fn config(&self, place: usize) -> Document {
        let reply = self.admin(place, doc! { "replSetGetConfig": 1 });
        reply.get_document("config").expect("a configuration").clone()
    }

    /// Changes the configuration, one version on, and returns the answer.
    pub fn reconfigure(&self, place: usize, change: impl FnOnce(&mut Document)) -> Document {
        let mut config = self.config(place);
        let version = config.get_i32("version").expect("a version");
        config.insert("version", version + 1);
        change(&mut config);
        self.connect(place).reply("admin", doc! { "replSetReconfig": config })
    }

    /// Inserts documents of these ids and waits until so many members have them.
    pub fn insert(&self, place: usize, ids: std::ops::Range<i32>, w: i32) {
        let documents: Vec<Document> = ids.map(|id| doc! { "_id": id }).collect();
        let concern = doc! { "w": w, "wtimeout": 60_000 };
        let command = doc! { "insert": "kept", "documents": documents, "writeConcern": concern };
        self.connect(place).ok("test", command);
    }

    /// How many documents a member itself has.
    pub fn count_on(&self, place: usize) -> i32 {
        let command = doc! {
            "count": "kept", "$readPreference": { "mode": "secondaryPreferred" },
        };
        let reply = self.connect(place).reply("test", command);
        reply.get_i32("n").unwrap_or(-1)
    }

    /// Waits until a member has so many documents.
    pub fn wait_for_count(&self, place: usize, count: i32) {
        self.wait_until(&format!("{} has {count} documents", self.host(place)), |set| {
            set.count_on(place) == count
        });
    }
}

/// The members of a configuration, to be changed.
pub fn members_of(config: &Document) -> Vec<Document> {
    let members = config.get_array("members").expect("members");
    members.iter().map(|member| member.as_document().expect("a member").clone()).collect()
}

/// A port that nobody listens on, and that nobody else in the tests was given.
pub fn free_port() -> u16 {
    use std::sync::atomic::{AtomicU16, Ordering};
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let span = PORTS.end - PORTS.start;
    // Other test processes begin elsewhere.
    let first = u16::try_from(std::process::id() * 97 % u32::from(span)).unwrap_or(0);
    for _ in 0..span {
        let place = first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % span;
        let port = PORTS.start + place;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no free port")
}
