//! Status, health and metrics over HTTP, on a port of its own: `/`, `/healthz`, `/readyz`, `/metrics`.
//!
//! Owns the listener and its small limits: few connections, small requests, short lives, so that a
//! scraper gone wild cannot take the server's memory. Reads nothing but what [`AdminSource`] tells,
//! changes nothing, and answers no other path or method.

mod respond;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time;

use respond::respond;

/// What this port tells about the server.
pub(crate) trait AdminSource: Send + Sync + 'static {
    /// Whether clients should be sent here.
    ///
    /// # Errors
    /// Why not, in a few words.
    fn ready(&self) -> Result<(), String>;

    /// The page for people, in HTML.
    fn page(&self) -> String;

    /// Appends the metrics in Prometheus's text format.
    fn metrics(&self, out: &mut String);
}

/// The limits of this port.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// More are closed at once.
    pub(crate) connections_max: usize,
    /// How long a request may take to arrive, and a connection to stay idle.
    pub(crate) request_timeout: Duration,
    /// How long a connection may live; scrapers open a new one.
    pub(crate) connection_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 64,
            request_timeout: Duration::from_secs(5),
            connection_timeout: Duration::from_secs(300),
        }
    }
}

/// The request line and headers together; hyper refuses less than this.
const REQUEST_BYTES_MAX: usize = 8192;
const HEADERS_MAX: usize = 64;

/// The bound port.
pub(crate) struct AdminServer {
    listener: TcpListener,
    limits: Limits,
}

impl AdminServer {
    /// Binds the address.
    ///
    /// # Errors
    /// It is taken or not ours.
    pub(crate) async fn bind(address: SocketAddr, limits: Limits) -> io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(address).await?, limits })
    }

    /// The address with the port that was picked.
    ///
    /// # Errors
    /// The socket is gone.
    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` is done. Connections that are open then end with their tasks.
    pub(crate) async fn serve(self, source: Arc<dyn AdminSource>, stop: impl Future<Output = ()>) {
        let permits = Arc::new(Semaphore::new(self.limits.connections_max));
        tokio::pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => return,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else { continue };
                    let source = Arc::clone(&source);
                    let limits = self.limits;
                    tokio::spawn(async move {
                        serve_connection(stream, source, limits).await;
                        drop(permit);
                    });
                }
                // Out of file descriptors, most likely: trying again at once would spin.
                Err(_) => time::sleep(Duration::from_millis(100)).await,
            }
        }
    }
}

/// A broken connection concerns nobody but its peer.
async fn serve_connection(stream: TcpStream, source: Arc<dyn AdminSource>, limits: Limits) {
    let service = service_fn(move |request| {
        let response = respond(&request, source.as_ref());
        async move { Ok::<_, Infallible>(response) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.request_timeout)
        .max_buf_size(REQUEST_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let _ = time::timeout(limits.connection_timeout, connection).await;
}

#[cfg(test)]
mod tests;
