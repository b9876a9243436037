//! The admin port as a scraper sees it, over real sockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::{AdminServer, AdminSource, Limits};

#[derive(Default)]
struct Source {
    ready: AtomicBool,
}

impl AdminSource for Source {
    fn ready(&self) -> Result<(), String> {
        if self.ready.load(Ordering::Relaxed) {
            Ok(())
        } else {
            Err("replaying the log".to_owned())
        }
    }

    fn page(&self) -> String {
        "<p>well".to_owned()
    }

    fn metrics(&self, out: &mut String) {
        out.push_str("# TYPE quire_up gauge\nquire_up 1\n");
    }
}

struct Port {
    address: SocketAddr,
    source: Arc<Source>,
    _stop: oneshot::Sender<()>,
}

async fn open(limits: Limits) -> Port {
    let server = AdminServer::bind(([127, 0, 0, 1], 0).into(), limits).await.expect("bound");
    let address = server.local_addr().expect("address");
    let source = Arc::new(Source::default());
    let (stop, stopped) = oneshot::channel();
    let stopped = async {
        let _ = stopped.await;
    };
    tokio::spawn(server.serve(Arc::clone(&source) as Arc<dyn AdminSource>, stopped));
    Port { address, source, _stop: stop }
}

impl Port {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("connected")
    }

    /// The status line, the head and the body.
    async fn request(&self, head: &str) -> (String, String, String) {
        let mut stream = self.connect().await;
        let request = format!("{head} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answered");
        let (head, body) = answer.split_once("\r\n\r\n").expect("head and body");
        let status = head.lines().next().unwrap_or_default().to_owned();
        (status, head.to_ascii_lowercase(), body.to_owned())
    }
}

/// Everything the server sends until it closes; a reset counts as closing.
async fn until_closed(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let reading = async {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            bytes.extend_from_slice(&buffer[..count]);
        }
    };
    tokio::time::timeout(Duration::from_secs(20), reading).await.expect("closed in time");
    bytes
}

#[tokio::test]
async fn every_path_has_its_answer_and_every_other_has_none() {
    let port = open(Limits::default()).await;
    let cases = [
        ("GET /healthz", "200 OK", "ok\n"),
        ("GET /readyz", "503 Service Unavailable", "replaying the log\n"),
        ("GET /metrics", "200 OK", "# TYPE quire_up gauge\nquire_up 1\n"),
        ("GET /metrics?x=1", "200 OK", "# TYPE quire_up gauge\nquire_up 1\n"),
        ("HEAD /metrics", "200 OK", ""),
        ("GET /", "200 OK", "<p>well"),
        ("GET /?all", "200 OK", "<p>well"),
        ("POST /", "405 Method Not Allowed", "method not allowed\n"),
        ("GET //", "404 Not Found", "not found\n"),
        ("GET /metrics/", "404 Not Found", "not found\n"),
        ("POST /nonsense", "404 Not Found", "not found\n"),
        ("POST /metrics", "405 Method Not Allowed", "method not allowed\n"),
        ("DELETE /healthz", "405 Method Not Allowed", "method not allowed\n"),
    ];
    for (request, status, body) in cases {
        let (found, _, text) = port.request(request).await;
        assert_eq!((found.as_str(), text.as_str()), (format!("HTTP/1.1 {status}").as_str(), body));
    }
    port.source.ready.store(true, Ordering::Relaxed);
    assert_eq!(port.request("GET /readyz").await.0, "HTTP/1.1 200 OK");
}

#[tokio::test]
async fn metrics_say_their_format_and_refusals_what_is_allowed() {
    let port = open(Limits::default()).await;
    let (_, head, _) = port.request("GET /metrics").await;
    assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    let (_, head, _) = port.request("GET /").await;
    assert!(head.contains("content-type: text/html; charset=utf-8"), "{head}");
    let (_, head, _) = port.request("PUT /metrics").await;
    assert!(head.contains("allow: get, head"), "{head}");
}

#[tokio::test]
async fn a_request_that_is_too_large_is_refused() {
    let port = open(Limits::default()).await;
    let mut stream = port.connect().await;
    let request = format!("GET /healthz HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(100_000));
    // The server may close before it has read all of it.
    let _ = stream.write_all(request.as_bytes()).await;
    let answer = String::from_utf8_lossy(&until_closed(&mut stream).await).into_owned();
    assert!(!answer.contains("200 OK"), "{answer}");
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let limits = Limits { request_timeout: Duration::from_millis(50), ..Limits::default() };
    let port = open(limits).await;
    let mut stream = port.connect().await;
    stream.write_all(b"GET /healthz HTTP/1.1\r\n").await.expect("sent");
    let answer = String::from_utf8_lossy(&until_closed(&mut stream).await).into_owned();
    assert!(!answer.contains("200 OK"), "{answer}");
}

#[tokio::test]
async fn a_connection_does_not_live_for_ever() {
    let limits = Limits { connection_timeout: Duration::from_millis(50), ..Limits::default() };
    let port = open(limits).await;
    let mut stream = port.connect().await;
    assert_eq!(until_closed(&mut stream).await, b"");
}

#[tokio::test]
async fn connections_beyond_the_limit_are_closed_at_once() {
    let port = open(Limits { connections_max: 1, ..Limits::default() }).await;
    let mut first = port.connect().await;
    first.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("sent");
    let mut buffer = [0; 64];
    assert!(first.read(&mut buffer).await.expect("answered") > 0);
    let mut second = port.connect().await;
    assert_eq!(until_closed(&mut second).await, b"");
    drop(first);
    for _ in 0..100 {
        let mut third = port.connect().await;
        let request = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        let _ = third.write_all(request).await;
        if until_closed(&mut third).await.starts_with(b"HTTP/1.1 200") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the place of a closed connection was never free again");
}

#[tokio::test]
async fn a_taken_address_is_an_error() {
    let port = open(Limits::default()).await;
    let error = AdminServer::bind(port.address, Limits::default()).await.err().expect("taken");
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}
