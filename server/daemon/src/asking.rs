//! Sending a command to another member as a client would.
//!
//! Owns the connection for it, which lasts for one command: nobody does that often. Dropping the
//! future closes it, and so ends the command there too.

use quire_bson::DocBuf;
use quire_protocol::{
    ClientReply, DecodeLimits, Flags, FrameBuffer, MESSAGE_BYTES_MAX, MsgRequest,
};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a host may take to answer the call.
const CONNECT_MAX: Duration = Duration::from_secs(1);

/// A host that has not answered the kernel for so long is gone. How long the command takes is another
/// matter, and bounded by nothing here.
const SILENCE_MAX: Duration = Duration::from_secs(15);

/// How often a host that says nothing is asked whether it is there.
const PROBE_EVERY: Duration = Duration::from_secs(5);

/// The reply to a command, whatever it says.
pub(crate) async fn ask(host: String, command: DocBuf) -> Result<DocBuf, String> {
    let connected = timeout(CONNECT_MAX, TcpStream::connect(&host)).await;
    let mut stream = match connected {
        Ok(connected) => connected.map_err(|error| error.to_string())?,
        Err(_) => return Err("no answer".to_owned()),
    };
    prepare(&stream);
    let reply = exchange(&mut stream, &command).await.map_err(|error| error.to_string())?;
    Ok(DocBuf::from(reply.body()))
}

/// None of it is vital: without it the command leaves a little later, or a host that vanished without
/// closing anything is missed later.
fn prepare(stream: &TcpStream) {
    use rustix::net::sockopt;
    let _ = stream.set_nodelay(true);
    let _ = sockopt::set_socket_keepalive(stream, true);
    let _ = sockopt::set_tcp_keepidle(stream, PROBE_EVERY);
    let _ = sockopt::set_tcp_keepintvl(stream, PROBE_EVERY);
    let millis = u32::try_from(SILENCE_MAX.as_millis()).unwrap_or(u32::MAX);
    // Counts for probes that are not answered as for bytes that are not.
    let _ = sockopt::set_tcp_user_timeout(stream, millis);
}

async fn exchange(stream: &mut TcpStream, command: &DocBuf) -> io::Result<ClientReply> {
    let body = command.as_raw();
    let mut out = Vec::new();
    MsgRequest { request_id: 1, flags: Flags::NONE, body, sequences: &[] }.write(&mut out);
    stream.write_all(&out).await?;
    let mut frames = FrameBuffer::new();
    loop {
        if let Some(message) = frames.next_message(MESSAGE_BYTES_MAX).map_err(invalid)? {
            return ClientReply::decode(message, DecodeLimits::default()).map_err(invalid);
        }
        if stream.read_buf(frames.room()).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

fn invalid(error: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}
