//! The link from here to one other member.
//!
//! Owns its task: connecting, writing what waits in the outbox, noticing the end, and trying again.
//! When a link was broken by the other end and the host then refuses, the process there is dead, and
//! the member hears of it at once.

use super::dial::{self, Failure, Name};
use super::faults::Passage;
use super::frames;
use super::handshake;
use super::hello::Purpose;
use super::links::Shared;
use super::registry::Peer;
use quire_consensus::Message;
use quire_failpoints::Direction;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The largest buffer kept between writes.
const KEPT_BYTES_MAX: usize = 1 << 20;

/// Tries, in quick succession, that may end neither with a link nor with a refusal before a broken
/// link stops being a reason to suspect: Linux closes the connections of a killed process before its
/// port, so that the first try is mostly taken by nobody and reset.
const DOUBTS_MAX: u32 = 10;
const SUSPENSE: Duration = Duration::from_millis(1);

/// Keeps the link until the task is aborted.
pub(super) async fn run(shared: Arc<Shared>, peer: Arc<Peer>) {
    let timing = shared.timing;
    let mut backoff = timing.backoff_min;
    // How many more tries may tell whether the process at the other end is dead.
    let mut doubts = 0;
    let mut name = Name::of(&peer.host);
    while peer.is_needed(timing.unneeded_max) {
        match open(&shared, &peer, (&mut name, doubts > 0)).await {
            Ok(stream) => {
                let since = Instant::now();
                let ended = carry(&shared, &peer, stream).await;
                doubts = if dial::closed_by_peer(&ended) { DOUBTS_MAX } else { 0 };
                if since.elapsed() >= timing.backoff_max {
                    // It worked for a while: what broke it is new, and worth a look at once.
                    backoff = timing.backoff_min;
                    continue;
                }
            }
            Err(failure) => {
                if failure == Failure::Refused && doubts > 0 {
                    shared.report_death(&peer);
                }
                let broken = matches!(failure, Failure::Broken(_));
                doubts = if broken { doubts.saturating_sub(1) } else { 0 };
                note(&shared, &peer, &failure);
                *peer.failure.lock() = Some(failure);
                if doubts > 0 {
                    tokio::time::sleep(SUSPENSE).await;
                    continue;
                }
            }
        }
        peer.outbox.clear();
        tokio::select! {
            () = tokio::time::sleep(backoff) => {
                backoff = backoff.saturating_mul(2).min(timing.backoff_max);
            }
            () = peer.hurry.notified() => backoff = timing.backoff_min,
        }
    }
    shared.registry.forget(&peer);
}

/// Connects and makes ourselves known. A suspect is looked for where it was: a process that died
/// with its container may have taken its name along.
async fn open(
    shared: &Shared,
    peer: &Peer,
    (name, suspect): (&mut Name, bool),
) -> Result<TcpStream, Failure> {
    let timing = &shared.timing;
    if shared.faults.cut(Direction::Out, &peer.host) {
        return Err(Failure::cut());
    }
    let last = if suspect { *peer.last_address.lock() } else { None };
    let mut stream = match last {
        Some(address) => dial::reach_address(address, timing.connect_max, timing).await?,
        None => dial::reach(name, timing).await?,
    };
    let us = (&shared.identity, shared.host());
    let whom = (Purpose::Link, Some(peer.node));
    handshake::introduce(&mut stream, us, whom, timing).await?;
    *peer.last_address.lock() = stream.peer_addr().ok();
    *peer.failure.lock() = None;
    peer.found_alive();
    Ok(stream)
}

/// Carries messages until the link breaks.
async fn carry(shared: &Shared, peer: &Peer, stream: TcpStream) -> io::Error {
    tracing::info!(
        target: "REPL",
        id = 7_100_060,
        host = peer.host,
        "A link to a member is established"
    );
    peer.connected.store(true, Ordering::Relaxed);
    let (mut reader, mut writer) = stream.into_split();
    let ended = tokio::select! {
        ended = watch(&mut reader) => ended,
        ended = write(shared, peer, &mut writer) => ended,
    };
    peer.connected.store(false, Ordering::Relaxed);
    tracing::info!(
        target: "REPL",
        id = 7_100_061,
        host = peer.host,
        reason = %ended,
        "The link to a member broke"
    );
    ended
}

/// The other end never says anything; reading tells when it is gone.
async fn watch(reader: &mut (impl AsyncRead + Unpin)) -> io::Error {
    match reader.read(&mut [0]).await {
        Ok(0) => io::ErrorKind::UnexpectedEof.into(),
        Ok(_) => io::Error::new(io::ErrorKind::InvalidData, "the other end of a link spoke"),
        Err(error) => error,
    }
}

async fn write(shared: &Shared, peer: &Peer, writer: &mut (impl AsyncWrite + Unpin)) -> io::Error {
    let timing = &shared.timing;
    let mut batch = Vec::new();
    let mut out = Vec::new();
    loop {
        if timeout(timing.idle_max, peer.outbox.filled()).await.is_ok() {
            peer.outbox.take(&mut batch);
            match shared.faults.leave(&peer.host, &mut batch) {
                Passage::Now => {}
                Passage::After(delay) => tokio::time::sleep(delay).await,
                Passage::Cut => return io::Error::other("cut off by a fail point"),
            }
            if batch.is_empty() {
                // All of it was to be lost, and the link is to stay.
                frames::append(&mut out, &[]);
            }
            encode(&mut batch, &mut out, &peer.host);
        } else if !peer.is_needed(timing.unneeded_max) {
            return io::Error::other("it is not needed any more");
        } else {
            // Nothing to say but that we are here.
            frames::append(&mut out, &[]);
        }
        if let Err(error) = write_out(writer, &out, timing.silence_max).await {
            return error;
        }
        peer.outbox.sent();
        out.clear();
        if out.capacity() > KEPT_BYTES_MAX {
            out = Vec::new();
        }
    }
}

fn encode(batch: &mut Vec<Message>, out: &mut Vec<u8>, host: &str) {
    for message in batch.drain(..) {
        let bytes = message.encode();
        if !frames::append(out, &bytes) {
            tracing::error!(
                target: "REPL",
                id = 7_100_062,
                host,
                bytes = bytes.len(),
                "A message to a member is longer than any may be, and is not sent"
            );
        }
    }
}

/// Long writes may take long, as long as something moves.
async fn write_out(
    writer: &mut (impl AsyncWrite + Unpin),
    mut out: &[u8],
    silence_max: Duration,
) -> io::Result<()> {
    while !out.is_empty() {
        let written = match timeout(silence_max, writer.write(out)).await {
            Ok(written) => written?,
            Err(_) => return Err(io::Error::new(io::ErrorKind::TimedOut, "nothing is taken")),
        };
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        out = out.get(written..).unwrap_or_default();
    }
    Ok(())
}

fn note(shared: &Shared, peer: &Peer, failure: &Failure) {
    if shared.notices.is_due(failure.kind(), peer.node) {
        tracing::info!(
            target: "REPL",
            id = 7_100_064,
            host = peer.host,
            reason = %failure,
            "A member cannot be reached"
        );
    }
}
