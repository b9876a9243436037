//! Accepting connections.
//!
//! Owns the bound sockets, the bound on how many connections there may be, and who gets in beyond it:
//! an operator over the Unix socket or from a named address, and other members of the set, whose links
//! are known by their first message. Sockets are bound before any data is touched, so a taken port
//! costs nothing.

use crate::connection::{Connection, Ended};
use crate::connections::Connections;
use crate::exit::Failure;
use crate::logging::in_context;
use crate::peers::Links;
use crate::script_threads::ScriptThreads;
use crate::shutdown::Shutdown;
use crate::traffic::Traffic;
use quire_commands::{Client, Entry, Server};
use quire_config::Net;
use quire_config::exit::NET_ERROR;
use std::fs::Permissions;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, UnixListener, lookup_host};

/// Connections that wait to be accepted, unless the settings say otherwise.
const BACKLOG: u32 = 1024;

/// Connections over the Unix socket that are served beyond the limit: an operator has to get in, and
/// opening the socket takes the rights of the server's own user.
const RESERVED_FOR_OPERATORS: u64 = 16;

/// Connections beyond a limit that are listened to at one time, since a member may have opened them.
const UNDECIDED_MAX: u64 = 64;

/// The bound sockets.
pub(crate) struct Listeners {
    tcp: Vec<TcpListener>,
    unix: Vec<(PathBuf, UnixListener)>,
    pub(crate) port: u16,
}

/// What every accepted connection shares.
#[derive(Clone)]
pub(crate) struct Accepting {
    pub(crate) server: Arc<Server>,
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) connections: Arc<Connections>,
    pub(crate) shutdown: Arc<Shutdown>,
    pub(crate) connections_max: u64,
    pub(crate) quiet: bool,
    /// `None` outside of a replica set.
    pub(crate) links: Option<Arc<Links>>,
    pub(crate) script_threads: Arc<ScriptThreads>,
}

impl Listeners {
    /// Binds everything the settings name.
    pub(crate) async fn bind(net: &Net) -> Result<Listeners, Failure> {
        let mut tcp = Vec::new();
        let mut port = net.port;
        for address in &net.addresses {
            for resolved in resolve(address, port, net.ipv6).await? {
                let listener = bind_tcp(resolved, net.listen_backlog.unwrap_or(BACKLOG))
                    .map_err(|error| taken(&resolved.to_string(), &error))?;
                // Asked for any port, the first address picks it for all.
                port = listener.local_addr().map_or(port, |bound| bound.port());
                tcp.push(listener);
            }
        }
        let mut unix = Vec::new();
        if let Some(sockets) = &net.unix_sockets {
            let paths = std::iter::once(sockets.path(port)).chain(sockets.paths.iter().cloned());
            for path in paths {
                let listener = bind_unix(&path, sockets.permissions)
                    .map_err(|error| taken(&path.display().to_string(), &error))?;
                unix.push((path, listener));
            }
        }
        Ok(Listeners { tcp, unix, port })
    }

    /// Accepts until the process goes down.
    pub(crate) fn accept(self, accepting: &Accepting) -> Vec<tokio::task::JoinHandle<()>> {
        let mut tasks = Vec::new();
        for listener in self.tcp {
            tracing::info!(
                target: "NETWORK",
                id = 23015,
                ctx = "listener",
                address = listener.local_addr().map_or_else(|_| String::new(), |a| a.to_string()),
                "Listening on"
            );
            tasks.push(tokio::spawn(accept_tcp(listener, accepting.clone())));
        }
        for (path, listener) in self.unix {
            tracing::info!(
                target: "NETWORK",
                id = 23015,
                ctx = "listener",
                address = %path.display(),
                "Listening on"
            );
            tasks.push(tokio::spawn(accept_unix(path, listener, accepting.clone())));
        }
        tasks
    }
}

async fn resolve(address: &str, port: u16, ipv6: bool) -> Result<Vec<SocketAddr>, Failure> {
    let resolved = lookup_host((address, port))
        .await
        .map_err(|error| taken(&format!("{address}:{port}"), &error))?;
    let mut wanted: Vec<SocketAddr> = resolved.filter(|a| ipv6 || a.is_ipv4()).collect();
    wanted.dedup();
    if wanted.is_empty() {
        let error = io::Error::new(io::ErrorKind::AddrNotAvailable, "no usable address");
        return Err(taken(&format!("{address}:{port}"), &error));
    }
    Ok(wanted)
}

fn bind_tcp(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = if address.is_ipv6() { TcpSocket::new_v6()? } else { TcpSocket::new_v4()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(backlog)
}

/// A socket file nobody listens on is a leftover and is replaced.
fn bind_unix(path: &Path, permissions: u32) -> io::Result<UnixListener> {
    if path.exists() && std::os::unix::net::UnixStream::connect(path).is_err() {
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(permissions))?;
    Ok(listener)
}

fn taken(address: &str, error: &io::Error) -> Failure {
    let text = match error.kind() {
        io::ErrorKind::AddrInUse => "Address already in use".to_owned(),
        _ => error.to_string(),
    };
    tracing::error!(
        target: "NETWORK",
        id = 22856,
        ctx = "initandlisten",
        address,
        error = text,
        "Error setting up listener"
    );
    Failure::new(
        NET_ERROR,
        format!("Failed to set up listener: SocketException: {text}: {address}"),
    )
}

async fn accept_tcp(listener: TcpListener, accepting: Accepting) {
    loop {
        let accepted = tokio::select! {
            () = accepting.shutdown.doors_closed() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, remote)) => {
                // Without it a small reply may wait for the acknowledgement of the one before.
                let _ = stream.set_nodelay(true);
                accepting.start(stream, Some(remote));
            }
            Err(error) => refused(&error).await,
        }
    }
}

async fn accept_unix(path: PathBuf, listener: UnixListener, accepting: Accepting) {
    loop {
        let accepted = tokio::select! {
            () = accepting.shutdown.doors_closed() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => accepting.start(stream, None),
            Err(error) => refused(&error).await,
        }
    }
    let _ = std::fs::remove_file(path);
}

/// Out of file descriptors, most likely: trying again at once would spin.
async fn refused(error: &io::Error) {
    tracing::warn!(
        target: "NETWORK",
        id = 23022,
        ctx = "listener",
        error = %error,
        "Error accepting new connection"
    );
    tokio::time::sleep(Duration::from_millis(100)).await;
}

impl Accepting {
    /// True when connections stay out of the log; a parameter can say so at any time.
    fn is_quiet(&self) -> bool {
        self.quiet || self.server.parameters.quiet()
    }

    fn start<S>(&self, stream: S, remote: Option<SocketAddr>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let traffic = self.traffic.clone();
        let current = traffic.current.fetch_add(1, Ordering::Relaxed) + 1;
        let open = OpenConnection { traffic: traffic.clone() };
        if current > self.connections_max && !self.may_exceed(current, remote) {
            return self.start_beyond(stream, remote, open, current - 1);
        }
        let id = traffic.created.fetch_add(1, Ordering::Relaxed) + 1;
        let client = Arc::new(Client::new(i64::try_from(id).unwrap_or(i64::MAX), remote));
        if !self.is_quiet() {
            tracing::info!(
                target: "NETWORK",
                id = 22943,
                ctx = "listener",
                remote = client.remote_text(),
                connectionId = id,
                connectionCount = current,
                "Connection accepted"
            );
        }
        let accepting = self.clone();
        let name: Arc<str> = client.name().into();
        tokio::spawn(in_context(name, async move {
            accepting.serve(stream, client).await;
            drop(open);
        }));
    }

    /// Whether a connection is served although there are too many.
    fn may_exceed(&self, current: u64, remote: Option<SocketAddr>) -> bool {
        match remote {
            None => current <= self.connections_max.saturating_add(RESERVED_FOR_OPERATORS),
            Some(remote) => self.server.parameters.connections_override().contain(remote.ip()),
        }
    }

    /// A connection beyond the limit: refused, unless another member has opened it.
    fn start_beyond<S>(
        &self,
        stream: S,
        remote: Option<SocketAddr>,
        open: OpenConnection,
        count: u64,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let accepting = self.clone();
        let refuse = move || {
            accepting.traffic.rejected.fetch_add(1, Ordering::Relaxed);
            tracing::info!(
                target: "NETWORK",
                id = 22942,
                ctx = "listener",
                connectionCount = count,
                "Connection refused because there are too many open connections"
            );
        };
        let Some(undecided) = self.undecided() else { return refuse() };
        let connection = self.connection(stream, Arc::new(Client::new(0, remote)));
        tokio::spawn(async move {
            if !connection.serve_member(undecided).await {
                refuse();
            }
            drop(open);
        });
    }

    /// A place among the connections that may prove to be a member's.
    fn undecided(&self) -> Option<Undecided> {
        self.links.as_ref()?;
        let undecided = Undecided { traffic: self.traffic.clone() };
        let others = self.traffic.undecided.fetch_add(1, Ordering::Relaxed);
        (others < UNDECIDED_MAX).then_some(undecided)
    }

    fn connection<S>(&self, stream: S, client: Arc<Client>) -> Connection<S>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (server, traffic) = (self.server.clone(), self.traffic.clone());
        let (links, script_threads) = (self.links.clone(), self.script_threads.clone());
        Connection::new(stream, server, client, traffic, links, script_threads)
    }

    async fn admit<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        client: &Arc<Client>,
    ) -> Ended {
        let connection = self.connection(stream, client.clone());
        match self.server.admit_connection(client.remote) {
            Entry::Open => connection.serve().await,
            // Boxed, so that every connection's task need not have room for it.
            Entry::Queued(turn) => Box::pin(connection.serve_in_turn(turn)).await,
            Entry::Refused => {
                Box::pin(self.refuse(connection, client)).await;
                Ended::PeerLeft
            }
        }
    }

    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S, client: Arc<Client>) {
        let mut listed = self.connections.list(&client);
        let ended = tokio::select! {
            biased;
            ended = self.admit(stream, &client) => ended,
            () = listed.ended() => Ended::HungUp,
        };
        drop(listed);
        match ended {
            Ended::PeerLeft | Ended::HungUp => {}
            Ended::Failed(error) => tracing::debug!(
                target: "NETWORK",
                id = 22989,
                error = %error,
                remote = client.remote_text(),
                "Error receiving request from client"
            ),
            Ended::ProtocolBroken(violation) => tracing::info!(
                target: "NETWORK",
                id = 22988,
                error = %violation,
                code = violation.code().number(),
                remote = client.remote_text(),
                "Closing a connection that breaks the protocol"
            ),
        }
        if !self.is_quiet() {
            tracing::info!(
                target: "NETWORK",
                id = 22944,
                remote = client.remote_text(),
                connectionId = client.id,
                "Connection ended"
            );
        }
    }

    /// Too many came at once: it is closed without a word, unless another member has opened it.
    async fn refuse<S>(&self, connection: Connection<S>, client: &Client)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let is_member = match self.undecided() {
            Some(undecided) => connection.serve_member(undecided).await,
            None => false,
        };
        if !is_member {
            tracing::debug!(
                target: "NETWORK",
                id = 7_100_047,
                remote = client.remote_text(),
                "Connection refused because too many came at once"
            );
        }
    }
}

/// Counts a connection beyond a limit until it is known who has opened it.
pub(crate) struct Undecided {
    traffic: Arc<Traffic>,
}

impl Drop for Undecided {
    fn drop(&mut self) {
        self.traffic.undecided.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Counts a connection for as long as it lives, however it ends.
struct OpenConnection {
    traffic: Arc<Traffic>,
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.traffic.current.fetch_sub(1, Ordering::Relaxed);
    }
}
