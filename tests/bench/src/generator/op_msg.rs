//! Raw OP_MSG over a socket.
//!
//! Owns one connection. Replies are decoded and validated as a driver would, off the clock.

use crate::action::Action;
use crate::op_msg::{self, Concern, Writer};
use crate::stream::Stream;
use quire_protocol::{ClientReply, DecodeLimits, FrameBuffer, MESSAGE_BYTES_MAX};
use quire_tests::{Failure, Result};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(super) struct Link {
    stream: TcpStream,
    frames: FrameBuffer,
    writer: Writer,
    request_id: i32,
    out: Vec<u8>,
    reply: Vec<u8>,
}

impl Link {
    pub(super) async fn open(
        address: SocketAddr,
        stream: Stream,
        concern: Concern,
    ) -> Result<Link> {
        let socket = TcpStream::connect(address).await;
        let socket = socket.map_err(Failure::during(format!("connecting to {address}")))?;
        socket.set_nodelay(true)?;
        Ok(Link {
            stream: socket,
            frames: FrameBuffer::new(),
            writer: Writer::new(stream, concern),
            request_id: 0,
            out: Vec::new(),
            reply: Vec::new(),
        })
    }

    pub(super) fn prepare(&mut self, action: Action) {
        self.request_id = self.request_id.checked_add(1).unwrap_or(1);
        self.out.clear();
        self.writer.write(action, self.request_id, &mut self.out);
    }

    pub(super) async fn exchange(&mut self) -> Result<()> {
        let sent = self.stream.write_all(&self.out).await;
        sent.map_err(Failure::during("sending a request"))?;
        loop {
            let message = self.frames.next_message(MESSAGE_BYTES_MAX);
            if let Some(message) = message.map_err(|e| Failure::new(e.to_string()))? {
                self.reply = message;
                return Ok(());
            }
            let read = self.stream.read_buf(self.frames.room()).await;
            if read.map_err(Failure::during("waiting for a reply"))? == 0 {
                return Err(Failure::new("the server closed the connection"));
            }
        }
    }

    pub(super) fn check(&mut self, action: Action) -> Result<()> {
        let message = std::mem::take(&mut self.reply);
        let reply = ClientReply::decode(message, DecodeLimits::default())
            .map_err(|fault| Failure::new(format!("no reply: {fault}")))?;
        if reply.header().response_to != self.request_id {
            return Err(Failure::new("a reply to another request"));
        }
        match op_msg::fault(action, reply.body()) {
            None => Ok(()),
            Some(fault) => Err(Failure::new(format!("{fault}: {:?}", reply.body()))),
        }
    }
}
