//! PostgreSQL's protocol, as lean as the raw OP_MSG beside it.
//!
//! Owns two forms of a connection: a blocking one for what is done beside measuring, and one of the
//! load with prepared statements. Messages are made and read by the crate `postgres-protocol`.

use crate::action::Action;
use crate::sql::{self, Expected, PLACES, Value, Values};
use crate::stream::Stream;
use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use postgres_protocol::IsNull;
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend::{self, CopyData};
use quire_tests::{Failure, Result};
use std::io::{Read, Write};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const BINARY: i16 = 1;
const TEXT: i16 = 0;

/// A blocking connection.
pub(crate) struct Conversation {
    stream: std::net::TcpStream,
    out: BytesMut,
    received: BytesMut,
}

impl Conversation {
    pub(crate) fn open(address: SocketAddr) -> Result<Conversation> {
        let stream = std::net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let (mut out, received) = (BytesMut::new(), BytesMut::new());
        start(&mut out)?;
        let mut conversation = Conversation { stream, out, received };
        conversation.send()?;
        conversation.until_ready().map(|_| conversation)
    }

    /// Runs a statement; the first value of its first row, if there is one.
    pub(crate) fn query(&mut self, statement: &str) -> Result<Option<String>> {
        frontend::query(statement, &mut self.out)?;
        self.send()?;
        self.until_ready().map_err(Failure::during(statement))
    }

    pub(crate) fn begin_copy(&mut self, statement: &str) -> Result<()> {
        frontend::query(statement, &mut self.out)?;
        self.send()?;
        loop {
            match self.message()? {
                Message::CopyInResponse(_) => return Ok(()),
                message => refuse_error(&message)?,
            }
        }
    }

    pub(crate) fn copy(&mut self, lines: &[u8]) -> Result<()> {
        CopyData::new(lines)?.write(&mut self.out);
        self.send()
    }

    pub(crate) fn end_copy(&mut self) -> Result<()> {
        frontend::copy_done(&mut self.out);
        self.send()?;
        self.until_ready().map(drop)
    }

    fn send(&mut self) -> Result<()> {
        let out = self.out.split();
        self.stream.write_all(&out).map_err(Failure::during("sending to PostgreSQL"))
    }

    /// Reads to the end of an answer, be it an error.
    fn until_ready(&mut self) -> Result<Option<String>> {
        let mut first = None;
        let mut failure = None;
        loop {
            match self.message()? {
                Message::ReadyForQuery(_) => break,
                Message::DataRow(row) if first.is_none() => {
                    let range = row.ranges().next()?.flatten();
                    let bytes = range.and_then(|range| row.buffer().get(range));
                    first = bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
                }
                message => failure = failure.or(refuse_error(&message).err()),
            }
        }
        failure.map_or(Ok(first), Err)
    }

    fn message(&mut self) -> Result<Message> {
        loop {
            if let Some(message) = Message::parse(&mut self.received)? {
                return Ok(message);
            }
            let mut bytes = [0; 4096];
            let length = self.stream.read(&mut bytes).map_err(Failure::during("PostgreSQL"))?;
            if length == 0 {
                return Err(Failure::new("PostgreSQL closed the connection"));
            }
            self.received.extend_from_slice(bytes.get(..length).unwrap_or_default());
        }
    }
}

/// A connection of the load.
pub(super) struct Link {
    stream: TcpStream,
    received: BytesMut,
    out: BytesMut,
    values: Values,
    prepared: [bool; PLACES],
    /// What the last answer had.
    rows: usize,
    changed: u64,
}

impl Link {
    pub(super) async fn open(address: SocketAddr, stream: Stream) -> Result<Link> {
        let socket = TcpStream::connect(address).await;
        let socket = socket.map_err(Failure::during(format!("connecting to {address}")))?;
        socket.set_nodelay(true)?;
        let mut link = Link {
            stream: socket,
            received: BytesMut::new(),
            out: BytesMut::new(),
            values: Values::new(stream),
            prepared: [false; PLACES],
            rows: 0,
            changed: 0,
        };
        start(&mut link.out)?;
        link.exchange().await?;
        Ok(link)
    }

    pub(super) async fn prepare(&mut self, action: Action) -> Result<()> {
        let place = sql::place(action);
        let name = format!("s{place}");
        if let Some(prepared) = self.prepared.get_mut(place)
            && !std::mem::replace(prepared, true)
        {
            let statement = sql::statement(action);
            frontend::parse(&name, &statement.text, statement.types, &mut self.out)?;
            frontend::sync(&mut self.out);
            self.exchange().await?;
        }
        let values = self.values.of(action);
        let formats = values.iter().map(|value| match value {
            Value::Number(_) => BINARY,
            Value::Text(_) => TEXT,
        });
        let formats: Vec<i16> = formats.collect();
        let bound = frontend::bind("", &name, formats, &values, append, [TEXT], &mut self.out);
        bound.map_err(|_| Failure::new("a value cannot be sent to PostgreSQL"))?;
        frontend::execute("", 0, &mut self.out)?;
        frontend::sync(&mut self.out);
        Ok(())
    }

    pub(super) async fn exchange(&mut self) -> Result<()> {
        let sent = self.stream.write_all(&self.out).await;
        sent.map_err(Failure::during("sending to PostgreSQL"))?;
        self.out.clear();
        (self.rows, self.changed) = (0, 0);
        let mut failure = None;
        loop {
            let Some(message) = Message::parse(&mut self.received)? else {
                let read = self.stream.read_buf(&mut self.received).await;
                if read.map_err(Failure::during("waiting for PostgreSQL"))? == 0 {
                    return Err(Failure::new("PostgreSQL closed the connection"));
                }
                continue;
            };
            match message {
                Message::ReadyForQuery(_) => return failure.map_or(Ok(()), Err),
                Message::DataRow(_) => self.rows += 1,
                Message::CommandComplete(body) => {
                    // "UPDATE 1", "INSERT 0 1": the count stands last.
                    let count = body.tag()?.rsplit(' ').next().and_then(|count| count.parse().ok());
                    self.changed = count.unwrap_or(0);
                }
                message => failure = failure.or(refuse_error(&message).err()),
            }
        }
    }

    pub(super) fn check(&mut self, action: Action) -> Result<()> {
        let is_right = match sql::expected(action) {
            Expected::Rows(least) => self.rows >= least,
            Expected::Changed(count) => self.changed == count,
        };
        if is_right {
            return Ok(());
        }
        let (rows, changed) = (self.rows, self.changed);
        let expected = sql::expected(action);
        Err(Failure::new(format!("PostgreSQL: {expected:?}, not {rows} rows, {changed} changed")))
    }
}

fn start(out: &mut BytesMut) -> Result<()> {
    let parameters = [("user", "bench"), ("database", "postgres"), ("client_encoding", "UTF8")];
    Ok(frontend::startup_message(parameters, out)?)
}

type Refusal = Box<dyn std::error::Error + Sync + Send>;

fn append(value: &Value, out: &mut BytesMut) -> std::result::Result<IsNull, Refusal> {
    match value {
        Value::Number(number) => out.extend_from_slice(&number.to_be_bytes()),
        Value::Text(text) => out.extend_from_slice(text),
    }
    Ok(IsNull::No)
}

fn refuse_error(message: &Message) -> Result<()> {
    match message {
        Message::ErrorResponse(body) => {
            let words: Vec<String> = body
                .fields()
                .map(|field| Ok(String::from_utf8_lossy(field.value_bytes()).into_owned()))
                .collect()?;
            Err(Failure::new(format!("PostgreSQL: {}", words.join(" "))))
        }
        Message::AuthenticationCleartextPassword | Message::AuthenticationMd5Password(_) => {
            Err(Failure::new("PostgreSQL wants a password"))
        }
        _ => Ok(()),
    }
}
