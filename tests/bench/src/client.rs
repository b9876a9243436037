//! One blocking connection, for what is done before measuring.
//!
//! Owns the plain request and reply; a reply that says anything but success is a failure.

use quire_bson::as_exact_i64;
use quire_protocol::{ClientReply, DecodeLimits, FrameBuffer, MESSAGE_BYTES_MAX};
use quire_tests::{Failure, Result};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Client {
    stream: TcpStream,
    frames: FrameBuffer,
    next_request: i32,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Result<Client> {
        let stream = TcpStream::connect(address).map_err(Failure::during("connecting"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Client { stream, frames: FrameBuffer::new(), next_request: 1 })
    }

    /// Sends the request that `write` appends and waits for its success.
    pub(crate) fn run(&mut self, write: impl FnOnce(i32, &mut Vec<u8>)) -> Result<()> {
        let mut out = Vec::new();
        write(self.next_request, &mut out);
        self.next_request = self.next_request.wrapping_add(1);
        self.stream.write_all(&out).map_err(Failure::during("sending a request"))?;
        let reply = self.reply()?;
        let body = reply.body();
        let ok = body.get("ok").and_then(as_exact_i64) == Some(1);
        if !ok || body.get("writeErrors").is_some() {
            return Err(Failure::new(format!("a request failed: {body:?}")));
        }
        Ok(())
    }

    fn reply(&mut self) -> Result<ClientReply> {
        loop {
            let message = self.frames.next_message(MESSAGE_BYTES_MAX);
            if let Some(message) = message.map_err(|e| Failure::new(e.to_string()))? {
                return ClientReply::decode(message, DecodeLimits::default())
                    .map_err(|fault| Failure::new(fault.to_string()));
            }
            let mut received = [0; 4096];
            let length = self.stream.read(&mut received).map_err(Failure::during("a reply"))?;
            if length == 0 {
                return Err(Failure::new("the server closed the connection"));
            }
            self.frames.room().extend_from_slice(received.get(..length).unwrap_or_default());
        }
    }
}
