//! The wire's ceiling: a server that reads requests as the real one does and always answers the same.
//!
//! Owns both ends of it: the child process (this binary, started again) and the handle of it. It cuts,
//! decodes and validates messages with the server's own code on the same kind of runtime; what the
//! real server does beyond that is what the ratio shows.

use crate::op_msg;
use crate::stream::{Store, Stream};
use crate::workloads::Workload;
use crate::zipf::Zipf;
use quire_bson::DocBuf;
use quire_protocol::{DecodeLimits, FrameBuffer, MESSAGE_BYTES_MAX, OpenReply, decode};
use quire_tests::{Failure, Result};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The canned server's process. It ends when this is dropped, or when we die.
pub(crate) struct CannedServer {
    child: Child,
    /// The child ends when this closes.
    stdin: Option<ChildStdin>,
    pub(crate) address: SocketAddr,
}

impl CannedServer {
    pub(crate) fn start(workload: &Workload) -> Result<CannedServer> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--canned", workload.name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(Failure::during("starting the canned server"))?;
        let stdin = child.stdin.take();
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let address =
            line.trim().parse().map_err(|_| Failure::new("the canned server did not start"))?;
        Ok(CannedServer { child, stdin, address })
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for CannedServer {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // Nothing depends on how it ended.
        let _ = self.child.wait();
    }
}

/// Is the canned server until standard input closes.
pub(crate) fn serve(workload: &Workload) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    writeln!(std::io::stdout().lock(), "{}", listener.local_addr()?)?;
    let store = Store::new(1000, Arc::new(Zipf::new(1000)));
    let stream = Stream { window: 0, connection: 0, store };
    let reply = Arc::new(op_msg::canned_reply((workload.actions)(stream).next()));
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let reply = reply.clone();
            // A broken connection is the load's to report.
            tokio::spawn(async move { answer(stream, &reply).await.ok() });
        }
    });
    std::io::stdin().lock().read_to_end(&mut Vec::new())?;
    runtime.shutdown_background();
    Ok(())
}

async fn answer(mut stream: TcpStream, reply: &DocBuf) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut frames = FrameBuffer::new();
    let mut out = Vec::new();
    loop {
        let message = match frames.next_message(MESSAGE_BYTES_MAX) {
            Ok(Some(message)) => message,
            Ok(None) => match stream.read_buf(frames.room()).await? {
                0 => return Ok(()),
                _ => continue,
            },
            Err(_) => return Ok(()),
        };
        let Ok(request) = decode(message, DecodeLimits::default()) else { return Ok(()) };
        let open = OpenReply::begin(&mut out, request.reply_to(), 1, false);
        out.extend_from_slice(reply.as_bytes());
        if open.finish(&mut out, MESSAGE_BYTES_MAX).is_err() {
            return Ok(());
        }
        stream.write_all(&out).await?;
        out.clear();
        frames.recycle(request.into_buffer());
    }
}
