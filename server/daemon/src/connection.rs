//! One connection, from its first byte to its last.
//!
//! Owns the order of things on a socket: read a message, run it, write its reply, and again. While a
//! command runs the socket is watched, so that a client that went away stops it. Buffers are given
//! back after a moment of silence: an idle connection costs little more than its task.

use crate::listener::Undecided;
use crate::peers::{self, Links};
use crate::script_threads::ScriptThreads;
use crate::traffic::Traffic;
use quire_commands::{Answer, Behaviour, Client, Response, Server, Turn};
use quire_failpoints::{ClientMessage, Direction};
use quire_protocol::{
    DecodeLimits, FrameBuffer, HTTP_ANSWER, MESSAGE_BYTES_MAX, OpenReply, Rejected, ReplyTo,
    Request, Violation, decode,
};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;

/// Silence after which buffers are given back.
const IDLE: Duration = Duration::from_secs(1);

/// Bytes of later requests taken in while a command runs; the rest waits in the socket.
const READ_AHEAD_MAX: usize = 64 << 10;

/// The reply buffer that is kept between requests.
const REPLY_BYTES_KEPT: usize = 64 << 10;

/// How long it may take until it is known whether a connection beyond a limit is a member's.
const DECISION: Duration = Duration::from_secs(1);

/// The bytes of a first message of a member, at most.
const FIRST_BYTES_MAX: usize = 64 << 10;

/// Why a connection ended.
#[derive(Debug)]
pub(crate) enum Ended {
    PeerLeft,
    /// A command said so, by way of a fail point.
    HungUp,
    Failed(io::Error),
    ProtocolBroken(Violation),
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Ended {
        Ended::Failed(error)
    }
}

pub(crate) struct Connection<S> {
    stream: S,
    server: Arc<Server>,
    client: Arc<Client>,
    traffic: Arc<Traffic>,
    /// Takes the connection over when it is a member's; `None` outside of a replica set.
    links: Option<Arc<Links>>,
    script_threads: Arc<ScriptThreads>,
    frames: FrameBuffer,
    out: Vec<u8>,
    next_response: i32,
    /// A request that was read before its turn.
    held: Option<Request>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(crate) fn new(
        stream: S,
        server: Arc<Server>,
        client: Arc<Client>,
        traffic: Arc<Traffic>,
        links: Option<Arc<Links>>,
        script_threads: Arc<ScriptThreads>,
    ) -> Connection<S> {
        let frames = FrameBuffer::new();
        Connection {
            stream,
            server,
            client,
            traffic,
            links,
            script_threads,
            frames,
            out: Vec::new(),
            next_response: 1,
            held: None,
        }
    }

    /// Serves until one side ends it.
    pub(crate) async fn serve(mut self) -> Ended {
        loop {
            if let Err(ended) = self.serve_one().await {
                return ended;
            }
        }
    }

    /// Serves when the turn has come, and another member at once.
    pub(crate) async fn serve_in_turn(mut self, turn: Turn) -> Ended {
        let begins = Instant::now() + turn.after;
        if let Some(links) = self.links.clone() {
            match tokio::time::timeout_at(begins, self.next_request()).await {
                Ok(Ok(Ok(request))) if peers::opens_link(&request) => {
                    drop(turn);
                    return self.hand_over(&links, &request).await;
                }
                Ok(Ok(Ok(request))) => self.held = Some(request),
                Ok(Ok(Err(_))) => return Ended::PeerLeft,
                Ok(Err(ended)) => return ended,
                Err(_) => {}
            }
        }
        tokio::time::sleep_until(begins).await;
        drop(turn);
        self.serve().await
    }

    /// Serves another member, and nobody else. Gives whether there was one.
    pub(crate) async fn serve_member(mut self, undecided: Undecided) -> bool {
        let Some(links) = self.links.clone() else { return false };
        let first = tokio::time::timeout(DECISION, self.first_of_member()).await;
        drop(undecided);
        let Ok(Some(first)) = first else { return false };
        self.hand_over(&links, &first).await;
        true
    }

    /// The first message, when it is one that a member begins with.
    async fn first_of_member(&mut self) -> Option<Request> {
        let message = loop {
            if let Some(message) = self.frames.next_message(FIRST_BYTES_MAX).ok()? {
                break message;
            }
            self.read().await.ok()?;
        };
        let request = decode(message, DecodeLimits::default()).ok()?;
        peers::opens_link(&request).then_some(request)
    }

    async fn serve_one(&mut self) -> Result<(), Ended> {
        let next = match self.held.take() {
            Some(held) => Ok(held),
            None => self.next_request().await?,
        };
        match next {
            Ok(request) => {
                if let Some(links) = self.links.clone().filter(|_| peers::opens_link(&request)) {
                    return Err(Box::pin(self.hand_over(&links, &request)).await);
                }
                let active = self.traffic.clone().begin();
                let bytes = request.message_bytes();
                let served = if meet(self.ends(), Direction::In, bytes, &request).await.is_some() {
                    // Only a client that is still sending could tell where it broke off.
                    Err(Ended::HungUp)
                } else {
                    self.run_all(request).await
                };
                drop(active);
                served
            }
            Err(Rejected::Refused(refusal)) => {
                let id = self.response_id();
                match refusal.write(&mut self.out, id) {
                    Ok(compression) => self.traffic.wrote(self.out.len(), compression),
                    Err(_) => self.out.clear(),
                }
                self.send().await
            }
            Err(Rejected::Closed(violation)) => Err(Ended::ProtocolBroken(violation)),
        }
    }

    async fn next_request(&mut self) -> Result<Result<Request, Rejected>, Ended> {
        let message = self.receive().await?;
        let bytes = message.len();
        let decoded = decode(message, self.limits());
        self.traffic.received(bytes, decoded.as_ref().ok().and_then(Request::compression));
        Ok(decoded)
    }

    /// What the version that is shown lets in.
    fn limits(&self) -> DecodeLimits {
        let persona = self.server.facts.persona;
        DecodeLimits {
            checksums: persona.has(Behaviour::Checksums),
            old_op_codes: persona.has(Behaviour::OldOpCodes),
            ..DecodeLimits::default()
        }
    }

    /// The client is another member: from here on this is its link.
    async fn hand_over(&mut self, links: &Links, first: &Request) -> Ended {
        self.client.note_internal();
        self.out = Vec::new();
        let remote = self.client.remote_text();
        links.accept(&mut self.stream, &mut self.frames, first, &remote).await;
        Ended::PeerLeft
    }

    async fn receive(&mut self) -> Result<Vec<u8>, Ended> {
        loop {
            match self.frames.next_message(MESSAGE_BYTES_MAX) {
                Ok(Some(message)) => return Ok(message),
                Ok(None) => {}
                Err(Violation::Http) => {
                    self.stream.write_all(HTTP_ANSWER).await?;
                    return Err(Ended::ProtocolBroken(Violation::Http));
                }
                Err(violation) => return Err(Ended::ProtocolBroken(violation)),
            }
            self.read().await?;
        }
    }

    /// Reads what is there, or waits for it with as little memory as possible.
    async fn read(&mut self) -> Result<(), Ended> {
        let first = {
            let reading = self.stream.read_buf(self.frames.room());
            tokio::time::timeout(IDLE, reading).await
        };
        let read = match first {
            Ok(read) => read?,
            Err(_) if self.frames.pending_bytes() == 0 => {
                self.frames.shrink();
                self.out = Vec::new();
                let mut first_byte = [0u8; 1];
                let read = self.stream.read(&mut first_byte).await?;
                self.frames.room().extend_from_slice(first_byte.get(..read).unwrap_or_default());
                read
            }
            Err(_) => self.stream.read_buf(self.frames.room()).await?,
        };
        if read == 0 { Err(Ended::PeerLeft) } else { Ok(()) }
    }

    /// Runs a request and those that follow from it.
    async fn run_all(&mut self, first: Request) -> Result<(), Ended> {
        let mut next = self.run_one(first).await?;
        while let Some(request) = next {
            // Streams of old are rare; every connection would have room for one.
            next = Box::pin(self.run_one(*request)).await?;
        }
        Ok(())
    }

    async fn run_one(&mut self, request: Request) -> Result<Option<Box<Request>>, Ended> {
        if quire_commands::may_run_scripts(&self.server, &request) {
            let request = Arc::new(request);
            return self.run(&request, Some(&request)).await;
        }
        let next = self.run(&request, None).await?;
        self.frames.recycle(request.into_buffer());
        Ok(next)
    }

    /// Runs a request and answers it, more than once when it streams. One that may run scripts is
    /// shared, so that another thread can. Gives the request that goes on with a stream of old.
    async fn run(
        &mut self,
        request: &Request,
        shared: Option<&Arc<Request>>,
    ) -> Result<Option<Box<Request>>, Ended> {
        let mut reply_to = request.reply_to();
        loop {
            let answer = match self.run_once(request, shared).await? {
                Response::Answer(answer) => answer,
                Response::HangUp => return Err(Ended::HungUp),
            };
            if request.more_to_come() {
                return Ok(None);
            }
            let id = self.response_id();
            self.write(reply_to, id, &answer);
            let kept = meet(self.ends(), Direction::Out, self.out.len(), request).await;
            if let Some(kept) = kept {
                self.out.truncate(kept);
            }
            self.send().await?;
            if kept.is_some() {
                return Err(Ended::HungUp);
            }
            if !answer.more {
                return Ok(request.following(answer.body.as_raw(), id).map(Box::new));
            }
            reply_to = reply_to.following(id);
        }
    }

    /// Runs a request while watching for the client's end, unless a version is shown that did not.
    async fn run_once(
        &mut self,
        request: &Request,
        shared: Option<&Arc<Request>>,
    ) -> Result<Response, Ended> {
        let (server, client, threads) = (&self.server, &self.client, &self.script_threads);
        let work = async {
            match shared {
                Some(request) => threads.run(server, client, request).await,
                None => quire_commands::run(server, client, request).await,
            }
        };
        // Not a part of the connection's own task, which would be as large while it is idle.
        let mut work = Box::pin(work);
        let watches = self.server.facts.persona.has(Behaviour::StopsForTheGone);
        loop {
            let watch = watches && self.frames.pending_bytes() < READ_AHEAD_MAX;
            tokio::select! {
                biased;
                response = &mut work => return Ok(response),
                read = read_ahead(&mut self.stream, &mut self.frames), if watch => {
                    if read? == 0 {
                        return Err(Ended::PeerLeft);
                    }
                }
            }
        }
    }

    /// Who speaks with whom.
    fn ends(&self) -> (&Server, &Client) {
        (&self.server, &self.client)
    }

    fn response_id(&mut self) -> i32 {
        let id = self.next_response;
        self.next_response = id.checked_add(1).unwrap_or(1);
        id
    }

    fn write(&mut self, reply_to: ReplyTo, id: i32, answer: &Answer) {
        let open = OpenReply::begin(&mut self.out, reply_to, id, answer.more);
        self.out.extend_from_slice(answer.body.as_bytes());
        let finished = open.finish(&mut self.out, MESSAGE_BYTES_MAX).or_else(|too_large| {
            let error = quire_errors::CommandError::new(
                quire_errors::Code::BSONObjectTooLarge,
                too_large.to_string(),
            );
            let open = OpenReply::begin(&mut self.out, reply_to, id, false);
            let body = quire_commands::error_reply(&error);
            self.out.extend_from_slice(body.as_bytes());
            open.finish(&mut self.out, MESSAGE_BYTES_MAX)
        });
        match finished {
            Ok(compression) => self.traffic.wrote(self.out.len(), compression),
            Err(_) => self.out.clear(),
        }
    }

    async fn send(&mut self) -> Result<(), Ended> {
        self.stream.write_all(&self.out).await?;
        self.traffic.sent(self.out.len());
        self.out.clear();
        if self.out.capacity() > REPLY_BYTES_KEPT {
            self.out = Vec::new();
        }
        Ok(())
    }
}

/// Takes in what comes while a command runs. Few clients send anything then, and memory is for those
/// that do.
async fn read_ahead<S: AsyncRead + Unpin>(
    stream: &mut S,
    frames: &mut FrameBuffer,
) -> io::Result<usize> {
    if frames.pending_bytes() > 0 {
        return stream.read_buf(frames.room()).await;
    }
    let mut first = [0u8; 64];
    let read = stream.read(&mut first).await?;
    if read > 0 {
        frames.room().extend_from_slice(first.get(..read).unwrap_or_default());
    }
    Ok(read)
}

/// Lets the fail point `quireClientBytes` delay a message, or say after how many bytes it breaks off.
async fn meet(
    (server, client): (&Server, &Client),
    direction: Direction,
    bytes: usize,
    request: &Request,
) -> Option<usize> {
    let point = &server.failpoints.quire_client_bytes;
    if !point.is_on() {
        return None;
    }
    let (command, app_name) = (request.command_name(), client.app_name());
    let message = ClientMessage { direction, bytes, command, app_name };
    let entered = point.enter_if(|data| data.concerns(&message))?;
    if let Some(delay) = entered.delay {
        tokio::time::sleep(delay).await;
    }
    entered.kept_of(bytes)
}
