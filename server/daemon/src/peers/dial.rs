//! Reaching another member's host.
//!
//! Owns resolving, connecting and the kinds of failure. A host that refuses is told from one that is
//! silent: the first says that its process is gone, the second says nothing.

use super::Timing;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Why there is no link to a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The host answers, and nobody listens there.
    Refused,
    /// The name does not resolve, or nothing comes back.
    Unreachable(String),
    /// The connection broke, or what came over it was no answer.
    Broken(String),
    /// The other side said no.
    Rejected { code: i32, message: String },
    /// Whoever answers is not who was looked for, or has not proven it.
    Stranger(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Refused => write!(f, "Connection refused"),
            Failure::Unreachable(text) | Failure::Broken(text) | Failure::Stranger(text) => {
                write!(f, "{text}")
            }
            Failure::Rejected { code, message } => write!(f, "{message} ({code})"),
        }
    }
}

impl Failure {
    /// A test wants no connection.
    pub(super) fn cut() -> Failure {
        Failure::Broken("cut off by a fail point".to_owned())
    }

    /// The kind in a word, for the log.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Failure::Refused => "refused",
            Failure::Unreachable(_) => "unreachable",
            Failure::Broken(_) => "broken",
            Failure::Rejected { .. } => "rejected",
            Failure::Stranger(_) => "stranger",
        }
    }
}

/// The name of a host, and its lookup while that is running. A lookup cannot be called off: while a
/// name service is silent, asking again each time would use up the threads that wait for it.
pub(super) struct Name {
    host: String,
    running: Option<JoinHandle<io::Result<Vec<SocketAddr>>>>,
}

impl Name {
    pub(super) fn of(host: &str) -> Name {
        Name { host: host.to_owned(), running: None }
    }

    async fn addresses(&mut self, patience: Duration) -> Result<Vec<SocketAddr>, Failure> {
        let host = &self.host;
        let look_up = || {
            let host = host.clone();
            tokio::spawn(async move { lookup_host(host).await.map(Iterator::collect) })
        };
        let running = self.running.get_or_insert_with(look_up);
        let why = match timeout(patience, running).await {
            Ok(found) => {
                self.running = None;
                match found {
                    Ok(Ok(addresses)) => return Ok(addresses),
                    Ok(Err(error)) => error.to_string(),
                    Err(error) => error.to_string(),
                }
            }
            Err(_) => "no answer".to_owned(),
        };
        Err(Failure::Unreachable(format!("cannot resolve {}: {why}", self.host)))
    }
}

/// Connects to `host:port`, resolving the name anew.
pub(super) async fn reach(name: &mut Name, timing: &Timing) -> Result<TcpStream, Failure> {
    let resolved = name.addresses(timing.connect_max).await?;
    let share = u32::try_from(resolved.len()).unwrap_or(1).max(1);
    let mut failure = None;
    for address in resolved {
        match reach_address(address, timing.connect_max / share, timing).await {
            Ok(stream) => return Ok(stream),
            // Refused counts only when every address refuses.
            Err(Failure::Refused) if failure.is_some() => {}
            Err(other) => failure = Some(other),
        }
    }
    Err(failure.unwrap_or_else(|| Failure::Unreachable("the name has no address".to_owned())))
}

/// Connects to an address that was resolved before.
pub(super) async fn reach_address(
    address: SocketAddr,
    patience: Duration,
    timing: &Timing,
) -> Result<TcpStream, Failure> {
    match timeout(patience, TcpStream::connect(address)).await {
        Ok(Ok(stream)) => {
            prepare(&stream, timing);
            Ok(stream)
        }
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => Err(Failure::Refused),
        Ok(Err(error)) => Err(Failure::Unreachable(error.to_string())),
        Err(_) => Err(Failure::Unreachable("no answer".to_owned())),
    }
}

/// Neither option is vital: without them a link is slower, or notices a silent host later.
fn prepare(stream: &TcpStream, timing: &Timing) {
    let _ = stream.set_nodelay(true);
    // Counted for what was sent and not acknowledged. Ours go out all the time.
    let millis = u32::try_from(timing.silence_max.as_millis()).unwrap_or(u32::MAX);
    let _ = rustix::net::sockopt::set_tcp_user_timeout(stream, millis);
}

/// Whether an error says that the other end closed the connection, and not that it fell silent.
pub(super) fn closed_by_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}
