//! A member for tests: links behind a listener, and a list of what arrived.

use crate::peers::{Identity, Keys, Links, LocalMember, Standing, Timing, opens_link};
use parking_lot::Mutex;
use quire_bson::ObjectId;
use quire_consensus::{Message, Transport};
use quire_failpoints::FailPoints;
use quire_protocol::{DecodeLimits, FrameBuffer, MESSAGE_BYTES_MAX, decode};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// Far longer than anything here takes.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// What a member heard.
#[derive(Default)]
pub(super) struct Heard {
    pub(super) messages: Mutex<Vec<(u64, Message)>>,
    pub(super) deaths: Mutex<Vec<(u64, Instant)>>,
    pub(super) standing: Mutex<Standing>,
}

impl LocalMember for Heard {
    fn receive(&self, from: u64, message: Message) {
        self.messages.lock().push((from, message));
    }

    fn attend(&self) {}

    fn peer_is_dead(&self, node: u64) {
        self.deaths.lock().push((node, Instant::now()));
    }

    fn standing(&self) -> Standing {
        *self.standing.lock()
    }
}

pub(super) struct Node {
    pub(super) links: Arc<Links>,
    pub(super) heard: Arc<Heard>,
    pub(super) host: String,
    pub(super) id: u64,
    dying: Arc<Notify>,
    accepting: tokio::task::JoinHandle<()>,
}

/// How a member differs from the usual one.
pub(super) struct Setup {
    pub(super) id: u64,
    pub(super) set_name: &'static str,
    pub(super) keys: &'static [&'static str],
    pub(super) timing: Timing,
    pub(super) port: u16,
    pub(super) points: Option<Arc<FailPoints>>,
}

/// Everything sooner than in earnest.
pub(super) fn quick() -> Timing {
    Timing {
        connect_max: Duration::from_millis(500),
        answer_max: Duration::from_millis(1000),
        backoff_min: Duration::from_millis(5),
        backoff_max: Duration::from_millis(40),
        idle_max: Duration::from_millis(100),
        silence_max: Duration::from_millis(600),
        unneeded_max: Duration::from_millis(400),
        drain_max: Duration::from_millis(500),
    }
}

impl Setup {
    pub(super) fn of(id: u64) -> Setup {
        Setup { id, set_name: "rs", keys: &[], timing: quick(), port: 0, points: None }
    }

    pub(super) async fn start(self) -> Node {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.expect("a port");
        let host = listener.local_addr().expect("an address").to_string();
        let keys: Vec<String> = self.keys.iter().map(ToString::to_string).collect();
        let identity = Identity {
            node: self.id,
            set_name: self.set_name.to_owned(),
            process: ObjectId::new(),
            keys: Keys::new(&keys),
        };
        let runtime = tokio::runtime::Handle::current();
        let links = Links::with_timing(identity, host.clone(), runtime, self.points, self.timing);
        let links = Arc::new(links);
        let heard = Arc::new(Heard::default());
        links.attach(heard.clone());
        let dying = Arc::new(Notify::new());
        let accepting = tokio::spawn(accept(listener, links.clone(), dying.clone()));
        Node { links, heard, host, id: self.id, dying, accepting }
    }
}

/// As the daemon's listener and connections do it.
async fn accept(listener: TcpListener, links: Arc<Links>, dying: Arc<Notify>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = dying.notified() => break,
            accepted = listener.accept() => {
                connections.spawn(serve(accepted.expect("a connection").0, links.clone()));
            }
        }
    }
    // As Linux does it when a process is killed: the port closes last.
    connections.shutdown().await;
    tokio::time::sleep(Duration::from_millis(3)).await;
}

async fn serve(mut stream: TcpStream, links: Arc<Links>) {
    let mut frames = FrameBuffer::new();
    let message = loop {
        match frames.next_message(MESSAGE_BYTES_MAX) {
            Ok(Some(message)) => break message,
            Ok(None) => {}
            Err(_) => return,
        }
        match stream.read_buf(frames.room()).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    };
    let Ok(request) = decode(message, DecodeLimits::default()) else { return };
    if opens_link(&request) {
        links.accept(&mut stream, &mut frames, &request, "test").await;
    }
}

impl Node {
    pub(super) async fn start(id: u64) -> Node {
        Setup::of(id).start().await
    }

    pub(super) fn knows(&self, other: &Node) {
        self.links.set_peers(vec![(other.id, other.host.clone())]);
    }

    pub(super) fn says(&self, to: &Node, word: &str) {
        self.links.send(to.id, Message::Gossip(word.as_bytes().to_vec()));
    }

    pub(super) fn port(&self) -> u16 {
        self.host.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
    }

    /// The gossip it heard from a member, in order.
    pub(super) fn words_from(&self, node: u64) -> Vec<String> {
        let messages = self.heard.messages.lock();
        let words = messages.iter().filter_map(|(from, message)| match message {
            Message::Gossip(word) if *from == node => Some(String::from_utf8_lossy(word).into()),
            _ => None,
        });
        words.collect()
    }

    /// Says something until it is heard: the first words may be lost while a link is made.
    pub(super) async fn reaches(&self, other: &Node) {
        let before = other.words_from(self.id).len();
        eventually("a word arrives", || {
            self.says(other, "hello");
            other.words_from(self.id).len() > before
        })
        .await;
    }

    /// Ends like a process that is killed: every socket closes, nothing is said.
    pub(super) async fn die(self) -> String {
        self.links.shared.registry.close();
        self.dying.notify_one();
        self.accepting.await.expect("it ends");
        self.host
    }
}

pub(super) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < PATIENCE, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// For what must not happen: long enough that it would have.
pub(super) async fn a_while() {
    tokio::time::sleep(Duration::from_millis(250)).await;
}
