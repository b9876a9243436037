//! Links that break: who comes back, who is dead, who is only silent.

use super::harness::{Node, Setup, a_while, eventually, quick};
use crate::peers::Timing;
use crate::peers::dial::Failure;
use quire_consensus::{Message, Transport};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How soon a death must be known. Loopback takes well under a millisecond; tests share processors.
const AT_ONCE: Duration = Duration::from_millis(200);

#[tokio::test]
async fn a_member_that_restarts_is_spoken_to_again_and_speaks_again() {
    let (a, b) = (Node::start(1).await, Node::start(2).await);
    a.knows(&b);
    b.knows(&a);
    a.reaches(&b).await;
    b.reaches(&a).await;
    let port = b.port();
    b.die().await;
    let b = Setup { port, ..Setup::of(2) }.start().await;
    b.knows(&a);
    b.reaches(&a).await;
    a.reaches(&b).await;
}

#[tokio::test]
async fn a_member_that_comes_back_shortens_the_others_wait() {
    let patient = Timing { backoff_max: Duration::from_secs(60), ..quick() };
    let patient = Timing { backoff_min: Duration::from_secs(60), ..patient };
    let a = Setup { timing: patient, ..Setup::of(1) }.start().await;
    let b = Node::start(2).await;
    a.knows(&b);
    b.knows(&a);
    a.reaches(&b).await;
    let port = b.port();
    b.die().await;
    a_while().await;
    let b = Setup { port, ..Setup::of(2) }.start().await;
    b.knows(&a);
    a.reaches(&b).await;
}

#[tokio::test]
async fn a_dead_process_is_known_at_once_and_once() {
    let (a, b, c) = (Node::start(1).await, Node::start(2).await, Node::start(3).await);
    a.links.set_peers([&b, &c].map(|node| (node.id, node.host.clone())).into());
    for other in [&b, &c] {
        other.knows(&a);
        a.reaches(other).await;
        other.reaches(&a).await;
    }
    for _ in 0..2 {
        tokio::time::sleep(quick().backoff_max).await;
    }
    let killed = Instant::now();
    b.die().await;
    eventually("its death is known", || !a.heard.deaths.lock().is_empty()).await;
    a_while().await;
    let deaths = a.heard.deaths.lock().clone();
    assert_eq!(deaths.iter().map(|(node, _)| *node).collect::<Vec<_>>(), [2]);
    assert_eq!(a.links.failure(2), Some(Failure::Refused));
    assert_eq!(a.links.failure(3), None);
    let took = deaths[0].1.saturating_duration_since(killed);
    assert!(took < AT_ONCE, "{took:?}");
    a.reaches(&c).await;
}

#[tokio::test]
async fn either_direction_tells_of_a_death() {
    // A link from the one who hears, or to it, but not both.
    for outgoing in [true, false] {
        let (a, b) = (Node::start(1).await, Node::start(2).await);
        if outgoing {
            a.knows(&b);
            a.reaches(&b).await;
        } else {
            let nothing = |_| tokio::spawn(async {}).abort_handle();
            a.links.shared.registry.set([(2, b.host.clone())].into(), nothing);
            b.knows(&a);
            b.reaches(&a).await;
        }
        tokio::time::sleep(2 * quick().backoff_max).await;
        b.die().await;
        eventually("its death is known", || !a.heard.deaths.lock().is_empty()).await;
    }
}

#[tokio::test]
async fn a_member_that_dies_again_is_reported_again() {
    let a = Node::start(1).await;
    let mut port = 0;
    for round in 1..=3 {
        let b = Setup { port, ..Setup::of(2) }.start().await;
        port = b.port();
        a.knows(&b);
        a.reaches(&b).await;
        tokio::time::sleep(2 * quick().backoff_max).await;
        b.die().await;
        eventually("its death is known", || a.heard.deaths.lock().len() == round).await;
    }
}

#[tokio::test]
async fn a_member_that_never_was_there_is_not_called_dead() {
    let a = Node::start(1).await;
    let nowhere = Node::start(2).await.die().await;
    a.links.set_peers(vec![(2, nowhere), (3, "nohost.invalid:1".to_owned())]);
    a_while().await;
    assert!(a.heard.deaths.lock().is_empty());
}

#[tokio::test]
async fn a_broken_link_to_a_living_process_is_no_death() {
    let b = Node::start(2).await;
    let proxy = Proxy::start(b.host.clone()).await;
    let a = Node::start(1).await;
    a.links.set_peers(vec![(2, proxy.host.clone())]);
    a.reaches(&b).await;
    for _ in 0..3 {
        proxy.cut();
        a.reaches(&b).await;
    }
    assert!(a.heard.deaths.lock().is_empty());
}

#[tokio::test]
async fn a_silent_link_is_given_up_by_both_ends_and_made_anew_and_nobody_called_dead() {
    let b = Node::start(2).await;
    let proxy = Proxy::start(b.host.clone()).await;
    let a = Node::start(1).await;
    a.links.set_peers(vec![(2, proxy.host.clone())]);
    a.reaches(&b).await;
    proxy.stall(true);
    let peer = a.links.shared.registry.get(2).expect("known");
    eventually("the receiver gives up", || b.links.shared.registry.arrival(1).is_none()).await;
    // More than fits into the sockets on the way.
    eventually("the sender gives up", || {
        a.links.send(2, Message::Gossip(vec![0; 1 << 20]));
        !peer.connected.load(std::sync::atomic::Ordering::Relaxed)
    })
    .await;
    assert!(a.heard.deaths.lock().is_empty() && b.heard.deaths.lock().is_empty());
    proxy.stall(false);
    a.reaches(&b).await;
}

#[tokio::test]
async fn an_idle_link_lives_on() {
    let (a, b) = (Node::start(1).await, Node::start(2).await);
    a.knows(&b);
    a.reaches(&b).await;
    let before = b.links.shared.registry.arrival(1).expect("a link");
    tokio::time::sleep(2 * quick().silence_max).await;
    let after = b.links.shared.registry.arrival(1).expect("a link");
    assert!(Arc::ptr_eq(&before, &after), "it is the same link");
}

#[tokio::test]
async fn a_member_that_is_away_costs_no_more_than_the_bound() {
    let a = Node::start(1).await;
    let nowhere = Node::start(2).await.die().await;
    a.links.set_peers(vec![(2, nowhere)]);
    let since = Instant::now();
    for _ in 0..200_000 {
        a.links.send(2, Message::Gossip(vec![0; 100]));
    }
    assert!(since.elapsed() < Duration::from_secs(5), "sending never waits");
}

/// Passes bytes on, or lets them lie.
struct Proxy {
    host: String,
    cut: Arc<watch::Sender<u64>>,
    stalled: Arc<watch::Sender<bool>>,
}

impl Proxy {
    async fn start(to: String) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let host = listener.local_addr().expect("an address").to_string();
        let cut = Arc::new(watch::Sender::new(0));
        let stalled = Arc::new(watch::Sender::new(false));
        let switches = (cut.clone(), stalled.clone());
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.expect("a connection");
                let server = TcpStream::connect(&to).await.expect("connected");
                let mut cut = switches.0.subscribe();
                let stalled = switches.1.clone();
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(async move {
                    tokio::select! {
                        _ = cut.changed() => {}
                        () = pass(from_client, to_server, stalled.clone()) => {}
                        () = pass(from_server, to_client, stalled) => {}
                    }
                });
            }
        });
        Proxy { host, cut, stalled }
    }

    fn cut(&self) {
        self.cut.send_modify(|count| *count += 1);
    }

    fn stall(&self, stalled: bool) {
        self.stalled.send_replace(stalled);
    }
}

async fn pass(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    stalled: Arc<watch::Sender<bool>>,
) {
    let mut stalled = stalled.subscribe();
    let mut bytes = vec![0; 4096];
    loop {
        stalled.wait_for(|stalled| !stalled).await.expect("a switch");
        let read = match from.read(&mut bytes).await {
            Ok(read) if read > 0 => read,
            // A host that is cut off says nothing, not even that a connection ended.
            _ if *stalled.borrow() => return std::future::pending().await,
            _ => return,
        };
        stalled.wait_for(|stalled| !stalled).await.expect("a switch");
        if to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
