//! Who is not let in, and what becomes of bytes that are no messages.

use super::harness::{Node, PATIENCE, Setup, a_while, eventually, quick};
use crate::peers::dial::Failure;
use crate::peers::hello::{Opening, Purpose, proof_command};
use crate::peers::{Identity, Keys, frames, handshake};
use quire_bson::{DocBuf, Document, ObjectId};
use quire_consensus::{MESSAGE_BYTES_MAX, Message};
use quire_protocol::{ClientReply, DecodeLimits, Flags, FrameBuffer, MsgRequest};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

fn opening(node: u64) -> Opening {
    let (set_name, host) = ("rs".to_owned(), "127.0.0.1:1".to_owned());
    Opening { purpose: Purpose::Link, set_name, node, host, nonce: [1; 32] }
}

async fn send(stream: &mut TcpStream, command: &DocBuf) {
    let body = command.as_raw();
    let request = MsgRequest { request_id: 1, flags: Flags::NONE, body, sequences: &[] };
    let mut out = Vec::new();
    request.write(&mut out);
    stream.write_all(&out).await.expect("sent");
}

/// The next answer; `None` when the connection was closed.
async fn answer(stream: &mut TcpStream, frames: &mut FrameBuffer) -> Option<Document> {
    loop {
        if let Some(message) = frames.next_message(1 << 20).expect("a message") {
            let reply = ClientReply::decode(message, DecodeLimits::default()).expect("a reply");
            return Some(reply.body().to_document());
        }
        let read = timeout(PATIENCE, stream.read_buf(frames.room())).await.expect("in time");
        if !read.is_ok_and(|read| read > 0) {
            return None;
        }
    }
}

async fn ask(stream: &mut TcpStream, command: &DocBuf) -> Option<Document> {
    send(stream, command).await;
    answer(stream, &mut FrameBuffer::new()).await
}

async fn is_closed(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut rest)).await.is_ok()
}

/// A connection that is a link of node 7 by now.
async fn link(to: &Node) -> TcpStream {
    let mut stream = TcpStream::connect(&to.host).await.expect("connected");
    let (set_name, process) = ("rs".to_owned(), ObjectId::new());
    let identity = Identity { node: 7, set_name, process, keys: Keys::new(&[]) };
    let us = (&identity, "127.0.0.1:1".to_owned());
    let whom = (Purpose::Link, Some(to.id));
    handshake::introduce(&mut stream, us, whom, &quick()).await.expect("let in");
    stream
}

#[tokio::test]
async fn an_opening_that_must_not_be_is_answered_with_its_error_and_closed() {
    let node = Node::start(5).await;
    let changed = |change: fn(&mut Document)| {
        let mut doc = opening(7).command().as_raw().to_document();
        change(&mut doc);
        DocBuf::from(&doc)
    };
    let cases: [(DocBuf, i32, &str); 6] = [
        (changed(|doc| drop(doc.insert("setName", "other"))), 108, "not of 'other'"),
        (changed(|doc| drop(doc.insert("quirePeer", 9_i64))), 188, "version 1"),
        (changed(|doc| drop(doc.insert("node", 5_i64))), 2, "itself"),
        (changed(|doc| drop(doc.remove("nonce"))), 9, "nonce"),
        (changed(|doc| drop(doc.insert("pad", "x".repeat(5000)))), 17, "so long"),
        (changed(|doc| drop(doc.insert("purpose", "x"))), 2, "purpose"),
    ];
    for (command, code, words) in cases {
        let mut stream = TcpStream::connect(&node.host).await.expect("connected");
        let answer = ask(&mut stream, &command).await.expect("an answer");
        assert_eq!(answer.get_f64("ok").ok(), Some(0.0), "{words}");
        assert_eq!(answer.get_i32("code").ok(), Some(code), "{words}");
        assert!(answer.get_str("errmsg").is_ok_and(|text| text.contains(words)), "{answer}");
        assert!(is_closed(&mut stream).await, "{words}");
    }
    assert!(node.links.shared.registry.arrival(7).is_none());
}

#[tokio::test]
async fn who_cannot_prove_to_know_the_key_is_refused_with_authentication_failed() {
    let node = Setup { keys: &["secret"], ..Setup::of(5) }.start().await;
    for proof in [None, Some([0; 32])] {
        let mut stream = TcpStream::connect(&node.host).await.expect("connected");
        let challenge = ask(&mut stream, &opening(7).command()).await.expect("a challenge");
        assert_eq!(challenge.get_bool("keyed").ok(), Some(true));
        assert!(!challenge.contains_key("proof"), "nothing of the key before the opener's proof");
        let refusal = ask(&mut stream, &proof_command(proof)).await.expect("an answer");
        assert_eq!(refusal.get_i32("code").ok(), Some(18));
        assert_eq!(refusal.get_str("codeName").ok(), Some("AuthenticationFailed"));
        assert!(!refusal.contains_key("setName"));
        assert!(is_closed(&mut stream).await);
    }
    assert!(node.links.shared.registry.arrival(7).is_none());
}

#[tokio::test]
async fn members_whose_keys_or_sets_differ_never_hear_each_other() {
    let keyed = |keys| Setup { keys, ..Setup::of(5) };
    for (number, strange) in [
        Setup { id: 6, ..keyed(&["another"]) },
        Setup { id: 6, ..keyed(&[]) },
        Setup { id: 6, set_name: "other", ..keyed(&["secret"]) },
    ]
    .into_iter()
    .enumerate()
    {
        let (node, other) = (keyed(&["secret"]).start().await, strange.start().await);
        node.knows(&other);
        other.knows(&node);
        for _ in 0..10 {
            node.says(&other, "hello");
            other.says(&node, "hello");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let heard = (node.heard.messages.lock().len(), other.heard.messages.lock().len());
        assert_eq!(heard, (0, 0), "case {number}");
        assert!(node.heard.deaths.lock().is_empty() && other.heard.deaths.lock().is_empty());
    }
}

#[tokio::test]
async fn another_member_at_the_place_of_one_is_not_taken_for_it() {
    let (a, b) = (Node::start(1).await, Node::start(2).await);
    a.links.set_peers(vec![(3, b.host.clone())]);
    for _ in 0..10 {
        a.links.shared.registry.get(3).expect("known").outbox.put(Message::Gossip(vec![1]));
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(b.heard.messages.lock().is_empty());
}

#[tokio::test]
async fn before_it_is_attached_nobody_is_let_in() {
    let (a, b) = (Node::start(1).await, Node::start(2).await);
    *b.links.shared.member.write() = None;
    let failure = a.links.probe(&b.host).await.expect_err("not ready");
    assert!(matches!(failure, Failure::Rejected { code: 94, .. }), "{failure:?}");
}

#[tokio::test]
async fn frames_that_are_no_messages_end_the_link_and_nothing_else() {
    let node = Node::start(5).await;
    let mut good = Vec::new();
    frames::append(&mut good, &Message::Gossip(b"good".to_vec()).encode());
    let too_long = u32::try_from(MESSAGE_BYTES_MAX + 1).expect("fits").to_be_bytes();
    let cases: [&[u8]; 4] =
        [&[0, 0, 0, 2, 1, 1], &[0, 0, 0, 1, 255], &too_long, b"GET / HTTP/1.1\r\n\r\n"];
    for (number, bad) in cases.into_iter().enumerate() {
        let mut stream = link(&node).await;
        stream.write_all(&[&good, bad, &good].concat()).await.expect("sent");
        assert!(is_closed(&mut stream).await, "case {number}");
        eventually("the good frame", || node.words_from(7).len() == number + 1).await;
    }
    assert!(node.heard.deaths.lock().is_empty());
    Node::start(1).await.links.probe(&node.host).await.expect("it goes on");
}

#[tokio::test]
async fn frames_sent_along_with_the_proof_are_not_lost() {
    let node = Node::start(5).await;
    let mut stream = TcpStream::connect(&node.host).await.expect("connected");
    ask(&mut stream, &opening(7).command()).await.expect("a challenge");
    let proof = proof_command(None);
    let body = proof.as_raw();
    let request = MsgRequest { request_id: 2, flags: Flags::NONE, body, sequences: &[] };
    let mut out = Vec::new();
    request.write(&mut out);
    frames::append(&mut out, &Message::Gossip(b"early".to_vec()).encode());
    stream.write_all(&out).await.expect("sent");
    eventually("it is heard", || node.words_from(7) == ["early"]).await;
}

#[tokio::test]
async fn a_handshake_that_stalls_is_given_up() {
    let node = Node::start(5).await;
    let mut stream = TcpStream::connect(&node.host).await.expect("connected");
    ask(&mut stream, &opening(7).command()).await.expect("a challenge");
    assert!(is_closed(&mut stream).await);
    // What is not the second command is no way in either, nor is a long one.
    let mut stream = TcpStream::connect(&node.host).await.expect("connected");
    ask(&mut stream, &opening(7).command()).await.expect("a challenge");
    let refusal = ask(&mut stream, &opening(7).command()).await.expect("an answer");
    assert_eq!(refusal.get_i32("code").ok(), Some(17));
    let mut stream = TcpStream::connect(&node.host).await.expect("connected");
    ask(&mut stream, &opening(7).command()).await.expect("a challenge");
    stream.write_all(&(1_i32 << 20).to_le_bytes()).await.expect("sent");
    stream.write_all(&[0; 12]).await.expect("sent");
    assert!(is_closed(&mut stream).await);
    a_while().await;
    assert!(node.links.shared.registry.arrival(7).is_none());
}
