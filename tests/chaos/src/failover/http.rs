//! One JSON request over HTTP, as etcd's gateway takes it.
//!
//! Owns nothing but the exchange: a connection per request, read to its end.

use quire_tests::{Failure, Result};
use serde_json::Value;
use std::net::Ipv4Addr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Posts `body`; `Err` unless the answer says 200 and is JSON.
pub(super) async fn post(port: u16, path: &str, body: &Value, patience: Duration) -> Result<Value> {
    let exchange = exchange(port, path, body.to_string());
    let answer = tokio::time::timeout(patience, exchange).await;
    let answer = answer.map_err(Failure::during(path))??;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    if !head.starts_with("HTTP/1.1 200") && !head.starts_with("HTTP/1.0 200") {
        return Err(Failure::new(format!("{path}: {answer}")));
    }
    serde_json::from_str(body).map_err(Failure::during(path))
}

async fn exchange(port: u16, path: &str, body: String) -> Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let length = body.len();
    // HTTP/1.0: the answer comes whole and ends with the connection.
    let request = format!(
        "POST {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
