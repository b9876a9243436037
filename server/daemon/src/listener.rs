//! Accepting connections.
//!
//! Owns the bound sockets and the bound on how many connections there may be. Sockets are bound before
//! any data is touched, so a taken port costs nothing.

use crate::connection::{Connection, Ended};
use crate::exit::Failure;
use crate::host::Traffic;
use crate::logging::in_context;
use crate::peers::Links;
use crate::shutdown::Shutdown;
use quire_commands::{Client, Server};
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
    pub(crate) shutdown: Arc<Shutdown>,
    pub(crate) connections_max: u64,
    pub(crate) quiet: bool,
    /// `None` outside of a replica set.
    pub(crate) links: Option<Arc<Links>>,
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
            () = accepting.shutdown.begun() => return,
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
            () = accepting.shutdown.begun() => break,
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
        if current > self.connections_max {
            traffic.rejected.fetch_add(1, Ordering::Relaxed);
            tracing::info!(
                target: "NETWORK",
                id = 22942,
                ctx = "listener",
                connectionCount = current - 1,
                "Connection refused because there are too many open connections"
            );
            return;
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

    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S, client: Arc<Client>) {
        let connection = Connection::new(
            stream,
            self.server.clone(),
            client.clone(),
            self.traffic.clone(),
            self.links.clone(),
        );
        match connection.serve().await {
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
