//! Puts to etcd: gRPC over HTTP/2, one connection for each client.
//!
//! Owns one connection and the two messages it needs. They are written by hand, because a gRPC
//! library would only add to what the yardstick costs.

use crate::action::Action;
use crate::documents::Documents;
use crate::random::Random;
use crate::stream::Stream;
use bytes::{Bytes, BytesMut};
use h2::client::SendRequest;
use http::{Method, Request, Version};
use quire_tests::{Failure, Result};
use std::net::SocketAddr;
use tokio::net::TcpStream;

const PUT: &str = "/etcdserverpb.KV/Put";

/// Tags of protobuf for fields that are bytes.
const KEY: u8 = 1 << 3 | 2;
const VALUE: u8 = 2 << 3 | 2;

pub(super) struct Link {
    sender: SendRequest<Bytes>,
    uri: String,
    stream: Stream,
    random: Random,
    documents: Documents,
    next_key: u32,
    put: Bytes,
}

impl Link {
    pub(super) async fn open(address: SocketAddr, stream: Stream) -> Result<Link> {
        let socket = TcpStream::connect(address).await;
        let socket = socket.map_err(Failure::during(format!("connecting to {address}")))?;
        socket.set_nodelay(true)?;
        let (sender, connection) =
            h2::client::handshake(socket).await.map_err(Failure::during("HTTP/2"))?;
        // Whatever ends it also ends the requests on it.
        tokio::task::spawn_local(connection);
        Ok(Link {
            sender,
            uri: format!("http://{address}{PUT}"),
            random: stream.random(),
            stream,
            documents: Documents::with_object_ids(),
            next_key: 0,
            put: Bytes::new(),
        })
    }

    pub(super) fn prepare(&mut self, action: Action) -> Result<()> {
        let Action::Insert { .. } = action else {
            return Err(Failure::new("etcd is a yardstick of inserts only"));
        };
        let mut key = [0; 12];
        key[..4].copy_from_slice(&self.stream.window.to_be_bytes());
        key[4..6].copy_from_slice(&self.stream.connection.to_be_bytes());
        key[8..].copy_from_slice(&self.next_key.to_be_bytes());
        self.next_key = self.next_key.wrapping_add(1);
        let mut value = Vec::new();
        self.documents.append(&mut value, &mut self.random, &key);
        self.put = put(&key, &value);
        Ok(())
    }

    pub(super) async fn exchange(&mut self) -> Result<()> {
        let request = Request::builder()
            .method(Method::POST)
            .version(Version::HTTP_2)
            .uri(self.uri.as_str())
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(())
            .map_err(Failure::during("a request"))?;
        let http = |error: h2::Error| Failure::new(format!("etcd: {error}"));
        let mut sender = self.sender.clone().ready().await.map_err(http)?;
        let (answer, mut body) = sender.send_request(request, false).map_err(http)?;
        body.send_data(std::mem::take(&mut self.put), true).map_err(http)?;
        let answer = answer.await.map_err(http)?;
        let early = answer.headers().get("grpc-status").cloned();
        let mut body = answer.into_body();
        while let Some(chunk) = body.data().await {
            let length = chunk.map_err(http)?.len();
            body.flow_control().release_capacity(length).map_err(http)?;
        }
        let trailers = body.trailers().await.map_err(http)?;
        let status = trailers.and_then(|trailers| trailers.get("grpc-status").cloned()).or(early);
        match status {
            Some(status) if status == "0" => Ok(()),
            status => Err(Failure::new(format!("etcd answered with the status {status:?}"))),
        }
    }
}

/// A framed `PutRequest`.
fn put(key: &[u8], value: &[u8]) -> Bytes {
    let mut message = Vec::with_capacity(key.len() + value.len() + 16);
    for (tag, bytes) in [(KEY, key), (VALUE, value)] {
        message.push(tag);
        append_varint(&mut message, bytes.len());
        message.extend_from_slice(bytes);
    }
    let mut framed = BytesMut::with_capacity(message.len() + 5);
    // Not compressed.
    framed.extend_from_slice(&[0]);
    framed.extend_from_slice(&u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
    framed.extend_from_slice(&message);
    framed.freeze()
}

fn append_varint(out: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        out.push((number & 0x7F) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_put_is_framed_by_its_length_and_has_key_and_value() {
        let framed = put(b"ab", &[7; 300]);
        let (head, message) = framed.split_at(5);
        assert_eq!(head, [0, 0, 0, 1, 51]);
        assert_eq!(message.len(), 307);
        assert_eq!(message[..7], [0x0A, 2, b'a', b'b', 0x12, 0xAC, 0x02]);
    }
}
