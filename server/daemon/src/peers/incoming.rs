//! The link from one other member to here.
//!
//! Owns a connection from the moment its client turned out to be a member: the handshake, then
//! handing what arrives to the local member until the link ends. Nothing that arrives can do more
//! than end it.

use super::dial::{self, Failure, Name};
use super::frames::Frames;
use super::handshake::{self, Unwelcome};
use super::hello::{Opening, Purpose};
use super::links::{Links, Shared};
use super::registry::Peer;
use quire_consensus::Message;
use quire_failpoints::{Direction, PeerFault};
use quire_protocol::{FrameBuffer, Request};
use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::sync::Notify;
use tokio::time::timeout;

/// Looks at a process that closed its link. Linux closes the connections of a killed process before
/// its port, so that the first one mostly finds the port still open.
const LOOKS: u32 = 10;

/// How long a connection that is taken by nobody may live on. A living process leaves it open: it
/// waits for a first word.
const SUSPENSE: Duration = Duration::from_millis(20);

/// Why a link from a member ended.
#[derive(Debug)]
enum Ended {
    /// The other end closed it, or fell silent.
    Broken(io::Error),
    /// It is no message.
    Nonsense,
    /// The member opened a newer one.
    Superseded,
    Closing,
    /// A fail point said so.
    Cut,
}

impl Links {
    /// Serves a connection whose client sent `first`, for which [`super::opens_link`] holds. `frames`
    /// is what was read beyond it. Returns when the connection is to be closed.
    pub(crate) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut S,
        frames: &mut FrameBuffer,
        first: &Request,
        remote: &str,
    ) {
        let shared = &self.shared;
        let opener = Opening::parse(first.body()).map(|opening| opening.host);
        if opener.is_ok_and(|host| shared.faults.cut(Direction::In, &host)) {
            return;
        }
        let us = (&shared.identity, shared.standing());
        match handshake::welcome(stream, frames, first, us, &shared.timing).await {
            Ok(opening) if opening.purpose == Purpose::Link => {
                let frames = Frames::starting_with(std::mem::take(frames.room()));
                shared.carry(stream, frames, (opening.node, &opening.host)).await;
            }
            Ok(_) => {}
            Err(Unwelcome::Refused(reason, error)) => {
                if shared.notices.is_due(reason, 0) {
                    tracing::warn!(
                        target: "ACCESS",
                        id = 7_100_065,
                        remote,
                        error = error.message(),
                        code = error.code().number(),
                        "A connection that would be a member's is refused"
                    );
                }
            }
            Err(Unwelcome::Lost(error)) => tracing::debug!(
                target: "NETWORK",
                id = 7_100_066,
                remote,
                error = %error,
                "The handshake of a member was not finished"
            ),
        }
    }
}

impl Shared {
    async fn carry<S: AsyncRead + Unpin>(
        &self,
        stream: &mut S,
        frames: Frames,
        (node, host): (u64, &str),
    ) {
        let arrival = self.registry.arrived(node, host);
        if let Some(peer) = self.registry.get(node) {
            peer.found_alive();
            if !peer.connected.load(Ordering::Relaxed) {
                peer.hurry.notify_one();
            }
        }
        let ended = self.receive(stream, frames, (node, host), &arrival).await;
        tracing::info!(
            target: "REPL",
            id = 7_100_067,
            host,
            reason = ?ended,
            "The link from a member ended"
        );
        let suspect = match &ended {
            Ended::Broken(error) if dial::closed_by_peer(error) => self.registry.get(node),
            _ => None,
        };
        self.registry.left(node, &arrival);
        if let Some(peer) = suspect {
            self.look_after(&peer).await;
        }
    }

    /// Hands messages over until there are no more.
    async fn receive<S: AsyncRead + Unpin>(
        &self,
        stream: &mut S,
        mut frames: Frames,
        (node, host): (u64, &str),
        arrival: &Notify,
    ) -> Ended {
        let mut closing = self.closing.subscribe();
        loop {
            let Some(member) = self.member() else { return Ended::Closing };
            let mut has_waited = false;
            loop {
                match frames.next() {
                    Ok(None) => break,
                    Ok(Some([])) => {}
                    Ok(Some(bytes)) => match Message::decode(bytes) {
                        Some(message) => {
                            match self.faults.fault(Direction::In, host, &message) {
                                None => {}
                                Some(PeerFault::Drop) => continue,
                                Some(PeerFault::Cut) => return Ended::Cut,
                                // What arrived together goes on together.
                                Some(PeerFault::Delay(_)) if has_waited => {}
                                Some(PeerFault::Delay(delay)) => {
                                    has_waited = true;
                                    tokio::time::sleep(delay).await;
                                }
                            }
                            member.receive(node, message);
                        }
                        None => return Ended::Nonsense,
                    },
                    Err(_) => return Ended::Nonsense,
                }
            }
            member.attend();
            drop(member);
            let reading = timeout(self.timing.silence_max, stream.read_buf(frames.room()));
            tokio::select! {
                _ = closing.wait_for(|closing| *closing) => return Ended::Closing,
                () = arrival.notified() => return Ended::Superseded,
                read = reading => match read {
                    Ok(Ok(0)) => return Ended::Broken(io::ErrorKind::UnexpectedEof.into()),
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => return Ended::Broken(error),
                    Err(_) => return Ended::Broken(io::ErrorKind::TimedOut.into()),
                },
            }
        }
    }

    /// Whether the process that closed its link is dead.
    async fn look_after(&self, peer: &Peer) {
        let mut name = Name::of(&peer.host);
        for _ in 0..LOOKS {
            let last = *peer.last_address.lock();
            let reached = match last {
                Some(address) => {
                    dial::reach_address(address, self.timing.connect_max, &self.timing).await
                }
                None => dial::reach(&mut name, &self.timing).await,
            };
            let mut stream = match reached {
                Ok(stream) => stream,
                Err(Failure::Refused) => return self.report_death(peer),
                Err(_) => return,
            };
            if timeout(SUSPENSE, stream.read(&mut [0])).await.is_err() {
                return;
            }
        }
    }
}
