//! Carrying bytes from one socket to another, at the pace the way allows.
//!
//! Owns what is under way: a bounded number of chunks, each with the time at which it is due. An end or
//! a reset travels the same way as bytes do.

use super::links::Way;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::time::Instant;

const CHUNK_BYTES: usize = 16 << 10;

/// As much as kernels buffer, roughly, before a sender has to wait.
const CHUNKS_UNDER_WAY: usize = 64;

/// Carries until both directions have ended, or one is broken.
pub(super) async fn both_ways(near: TcpStream, far: TcpStream, there: Way, back: Way) {
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = far.into_split();
    let there = carry(near_read, far_write, there);
    let back = carry(far_read, near_write, back);
    // When one is broken, both halves of both sockets are dropped: each side sees an end.
    let _ = tokio::try_join!(there, back);
}

/// Closes a connection as the kernel of a dead process's machine does.
pub(super) fn reset(stream: TcpStream) {
    // Without it the connection ends in order, which says nearly the same.
    let _ = rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO));
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, way: Way) -> io::Result<()> {
    let (sender, mut under_way) = mpsc::channel::<(Instant, Vec<u8>)>(CHUNKS_UNDER_WAY);
    let reading = async {
        let sender = sender;
        loop {
            let mut chunk = vec![0; CHUNK_BYTES];
            // A broken connection ends the stream too, and is told behind what came before it.
            let read = from.read(&mut chunk).await.unwrap_or(0);
            chunk.truncate(read);
            let due = Instant::now() + way.delay();
            if sender.send((due, chunk)).await.is_err() || read == 0 {
                return io::Result::Ok(());
            }
        }
    };
    let writing = async {
        while let Some((due, chunk)) = under_way.recv().await {
            tokio::time::sleep_until(due).await;
            way.until_open().await;
            if chunk.is_empty() {
                break;
            }
            to.write_all(&chunk).await?;
        }
        to.shutdown().await
    };
    tokio::try_join!(reading, writing).map(|_| ())
}
