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

/// The reply to a command, whatever it says.
pub(crate) async fn ask(host: String, command: DocBuf) -> Result<DocBuf, String> {
    let connected = timeout(CONNECT_MAX, TcpStream::connect(&host)).await;
    let mut stream = match connected {
        Ok(connected) => connected.map_err(|error| error.to_string())?,
        Err(_) => return Err("no answer".to_owned()),
    };
    // Not vital: without it the command may leave a little later.
    let _ = stream.set_nodelay(true);
    let reply = exchange(&mut stream, &command).await.map_err(|error| error.to_string())?;
    Ok(DocBuf::from(reply.body()))
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
