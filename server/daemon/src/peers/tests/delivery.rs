//! What is sent arrives, in order, whoever knows whom.

use super::harness::{Node, Setup, a_while, eventually};
use crate::peers::dial::Failure;
use crate::peers::{ConfigurationAge, Standing};
use quire_consensus::{Message, Transport};
use quire_log::LogIndex;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

#[tokio::test]
async fn messages_arrive_in_order_in_both_directions() {
    let (a, b) = (Node::start(1).await, Node::start(2).await);
    a.knows(&b);
    b.knows(&a);
    for number in 0..500 {
        a.says(&b, &format!("a{number}"));
        b.says(&a, &format!("b{number}"));
    }
    eventually("all is heard", || b.words_from(1).len() == 500 && a.words_from(2).len() == 500)
        .await;
    let expected: Vec<String> = (0..500).map(|number| format!("a{number}")).collect();
    assert_eq!(b.words_from(1), expected);
    assert_eq!(a.heard.messages.lock().len(), 500);
}

#[tokio::test]
async fn a_large_piece_of_a_copy_arrives_whole() {
    let (a, b) = (Node::start(1).await, Node::start(2).await);
    a.knows(&b);
    let chunk: Vec<u8> = (0..4 << 20).map(|n: u32| n as u8).collect();
    let message = Message::CopyChunk { token: 3, sequence: 4, last: true, chunk };
    a.links.send(2, message.clone());
    a.links.send(2, Message::Progress { applied: LogIndex(9) });
    eventually("both arrive", || b.heard.messages.lock().len() == 2).await;
    assert!(b.heard.messages.lock().iter().any(|(from, heard)| *from == 1 && *heard == message));
}

#[tokio::test]
async fn whoever_spoke_can_be_answered_before_it_is_configured() {
    let (a, b) = (Node::start(1).await, Node::start(2).await);
    a.knows(&b);
    a.reaches(&b).await;
    b.reaches(&a).await;
    // Neither keeps its link only because the other one does.
    a.links.set_peers(Vec::new());
    eventually("both links end", || {
        let [a, b] = [(&a, 2), (&b, 1)].map(|(node, other)| {
            let registry = &node.links.shared.registry;
            registry.get(other).is_none() && registry.arrival(other).is_none()
        });
        a && b
    })
    .await;
}

#[tokio::test]
async fn a_member_of_two_keys_and_one_of_one_believe_each_other() {
    let a = Setup { keys: &["secret", "older"], ..Setup::of(1) }.start().await;
    let b = Setup { keys: &["older", "secret"], ..Setup::of(2) }.start().await;
    a.knows(&b);
    b.knows(&a);
    a.reaches(&b).await;
    b.reaches(&a).await;
}

#[tokio::test]
async fn nothing_is_sent_to_who_is_not_known() {
    let (a, b) = (Node::start(1).await, Node::start(2).await);
    a.says(&b, "lost");
    a.knows(&b);
    a.reaches(&b).await;
    assert!(!b.words_from(1).contains(&"lost".to_owned()));
    a.links.send(99, Message::Gossip(Vec::new()));
}

#[tokio::test]
async fn a_member_that_moved_is_found_where_the_configuration_says() {
    let a = Node::start(1).await;
    let (here, there) = (Node::start(2).await, Node::start(2).await);
    a.knows(&here);
    a.reaches(&here).await;
    a.knows(&there);
    a.reaches(&there).await;
}

#[tokio::test]
async fn a_probe_tells_who_answers_even_if_that_is_oneself() {
    let a = Setup { keys: &["secret"], ..Setup::of(1) }.start().await;
    let b = Setup { keys: &["secret"], set_name: "other", ..Setup::of(2) }.start().await;
    let configuration = Some(ConfigurationAge { version: 4, term: 2 });
    *b.heard.standing.lock() = Standing { configuration, empty: true };
    let hello = a.links.probe(&b.host).await.expect("an answer");
    assert_eq!((hello.node, hello.set_name.as_str()), (2, "other"));
    assert_eq!(hello.standing, Standing { configuration, empty: true });
    assert_eq!(hello.process, b.links.shared.identity.process);
    let own = a.links.probe(&a.host).await.expect("an answer");
    assert_eq!((own.node, own.process), (1, a.links.shared.identity.process));
    a_while().await;
    assert!(b.links.shared.registry.arrival(1).is_none(), "a probe is no link");
}

#[tokio::test]
async fn a_probe_of_nobody_fails_soon_and_says_how() {
    let a = Node::start(1).await;
    let gone = Node::start(2).await.die().await;
    assert_eq!(a.links.probe(&gone).await, Err(Failure::Refused));
    for unknown in ["no such host:1", "nohost.invalid:27017", "noport", ""] {
        let failure = a.links.probe(unknown).await.expect_err(unknown);
        assert!(matches!(failure, Failure::Unreachable(_)), "{unknown}: {failure:?}");
    }
    // Takes connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let host = silent.local_addr().expect("an address").to_string();
    let since = Instant::now();
    let failure = a.links.probe(&host).await.expect_err("nobody there");
    assert!(matches!(failure, Failure::Unreachable(_)), "{failure:?}");
    assert!(since.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn what_was_sent_before_closing_arrives_and_nothing_afterwards() {
    let (a, b) = (Node::start(1).await, Node::start(2).await);
    a.knows(&b);
    b.knows(&a);
    a.reaches(&b).await;
    b.reaches(&a).await;
    a.says(&b, "goodbye");
    a.links.close().await;
    eventually("the last word", || b.words_from(1).last().is_some_and(|w| w == "goodbye")).await;
    a.knows(&b);
    a.says(&b, "too late");
    let heard = a.heard.messages.lock().len();
    b.says(&a, "too late");
    a_while().await;
    assert_eq!(b.words_from(1).last().map(String::as_str), Some("goodbye"));
    assert_eq!(a.heard.messages.lock().len(), heard);
    let failure = b.links.probe(&a.host).await.expect_err("closing");
    assert!(matches!(failure, Failure::Rejected { code: 91, .. }), "{failure:?}");
}
