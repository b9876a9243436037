//! The handshake, from both ends.
//!
//! Owns its order and what must hold before a connection carries messages. The opener proves itself
//! first: whoever merely connects learns nothing that depends on the key.

use super::dial::Failure;
use super::hello::{self, Challenge, Opening, PeerHello, Purpose, Standing};
use super::proof::{self, Side, Transcript};
use super::{Identity, Timing};
use quire_bson::{DocBuf, DocBuilder};
use quire_errors::{Code, CommandError};
use quire_protocol::{
    ClientReply, DecodeLimits, Flags, FrameBuffer, MsgRequest, Rejected, ReplyTo, Request, decode,
    write_reply,
};
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// Nothing in a handshake is longer.
const MESSAGE_BYTES_MAX: usize = 4096;

/// Why an opener was not let in.
#[derive(Debug)]
pub(super) enum Unwelcome {
    /// With the reason in a word, for the log.
    Refused(&'static str, CommandError),
    Lost(io::Error),
}

impl From<io::Error> for Unwelcome {
    fn from(error: io::Error) -> Unwelcome {
        Unwelcome::Lost(error)
    }
}

/// The opener's end. `expected` is whose answer counts; anyone's without.
pub(super) async fn introduce<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    (identity, host): (&Identity, String),
    (purpose, expected): (Purpose, Option<u64>),
    timing: &Timing,
) -> Result<PeerHello, Failure> {
    let nonce = proof::nonce().ok_or_else(|| Failure::Broken("no random bits".to_owned()))?;
    let set_name = identity.set_name.clone();
    let opening = Opening { purpose, set_name, node: identity.node, host, nonce };
    let mut asking = Asking { stream, frames: FrameBuffer::new(), timing, asked: 0 };
    let answer = asking.ask(&opening.command()).await?;
    let challenge = Challenge::parse(answer.body()).map_err(nonsense)?;
    if expected.is_some_and(|expected| expected != challenge.node) {
        let text = "another data directory answers than the member's";
        return Err(Failure::Stranger(text.to_owned()));
    }
    if challenge.keyed == identity.keys.is_empty() {
        let text = "only one of the two members has a key file";
        return Err(Failure::Stranger(text.to_owned()));
    }
    let transcript = Transcript {
        opener: identity.node,
        acceptor: challenge.node,
        opener_nonce: nonce,
        acceptor_nonce: challenge.nonce,
    };
    let proof = identity.keys.prove(Side::Opener, &transcript);
    let answer = asking.ask(&hello::proof_command(proof)).await?;
    let proven = hello::proof(answer.body());
    if !identity.keys.believe(Side::Acceptor, &transcript, proven) {
        return Err(Failure::Stranger("the other side does not know the key".to_owned()));
    }
    PeerHello::parse(challenge.node, answer.body()).map_err(nonsense)
}

fn nonsense(error: CommandError) -> Failure {
    Failure::Broken(format!("not the answer of a member: {}", error.message()))
}

/// A conversation of commands and answers.
struct Asking<'a, S> {
    stream: &'a mut S,
    frames: FrameBuffer,
    timing: &'a Timing,
    asked: i32,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Asking<'_, S> {
    async fn ask(&mut self, command: &DocBuf) -> Result<ClientReply, Failure> {
        let patience = self.timing.answer_max;
        let answer = match timeout(patience, self.exchange(command)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(Failure::Broken(error.to_string())),
            Err(_) => return Err(Failure::Unreachable("no answer".to_owned())),
        };
        let body = answer.body();
        if body.get("ok").and_then(quire_bson::as_exact_i64) == Some(1) {
            return Ok(answer);
        }
        let code = body.get("code").and_then(quire_bson::as_exact_i64).unwrap_or_default();
        let message = body.get("errmsg").and_then(quire_bson::RawValue::as_str);
        Err(Failure::Rejected {
            code: i32::try_from(code).unwrap_or_default(),
            message: message.unwrap_or("no reason given").to_owned(),
        })
    }

    async fn exchange(&mut self, command: &DocBuf) -> io::Result<ClientReply> {
        self.asked = self.asked.wrapping_add(1);
        let body = command.as_raw();
        let request =
            MsgRequest { request_id: self.asked, flags: Flags::NONE, body, sequences: &[] };
        let mut out = Vec::new();
        request.write(&mut out);
        self.stream.write_all(&out).await?;
        let message = next_message(self.stream, &mut self.frames).await?;
        ClientReply::decode(message, DecodeLimits::default()).map_err(invalid)
    }
}

/// The acceptor's end, from the opener's first command on. Refusals are answered here.
pub(super) async fn welcome<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    frames: &mut FrameBuffer,
    first: &Request,
    (identity, standing): (&Identity, Result<Standing, CommandError>),
    timing: &Timing,
) -> Result<Opening, Unwelcome> {
    let mut answering = Answering { stream, frames, answered: 0 };
    let welcomed = answering.welcome(first, identity, standing);
    match timeout(timing.answer_max, welcomed).await {
        Ok(welcomed) => welcomed,
        Err(_) => Err(Unwelcome::Lost(io::ErrorKind::TimedOut.into())),
    }
}

struct Answering<'a, S> {
    stream: &'a mut S,
    frames: &'a mut FrameBuffer,
    answered: i32,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Answering<'_, S> {
    async fn welcome(
        &mut self,
        first: &Request,
        identity: &Identity,
        standing: Result<Standing, CommandError>,
    ) -> Result<Opening, Unwelcome> {
        let (opening, standing, nonce) = match admit(first, identity, standing) {
            Ok(admitted) => admitted,
            Err((reason, error)) => {
                return Err(self.refuse(first.reply_to(), reason, error).await);
            }
        };
        let keyed = !identity.keys.is_empty();
        let challenge = Challenge { node: identity.node, nonce, keyed };
        self.answer(first.reply_to(), |doc| challenge.append(doc)).await?;
        let message = next_message(self.stream, self.frames).await?;
        let second = match decode(message, DecodeLimits::default()) {
            Ok(second) => second,
            Err(Rejected::Refused(refusal)) => return Err(invalid(format!("{refusal:?}")).into()),
            Err(Rejected::Closed(violation)) => return Err(invalid(violation).into()),
        };
        let transcript = Transcript {
            opener: opening.node,
            acceptor: identity.node,
            opener_nonce: opening.nonce,
            acceptor_nonce: nonce,
        };
        if let Err((reason, error)) = check_proof(&second, identity, &transcript) {
            return Err(self.refuse(second.reply_to(), reason, error).await);
        }
        let (set_name, process) = (identity.set_name.clone(), identity.process);
        let hello = PeerHello { node: identity.node, set_name, process, standing };
        let proof = identity.keys.prove(Side::Acceptor, &transcript);
        self.answer(second.reply_to(), |doc| hello.append(proof, doc)).await?;
        Ok(opening)
    }

    async fn refuse(
        &mut self,
        reply_to: ReplyTo,
        reason: &'static str,
        error: CommandError,
    ) -> Unwelcome {
        let body = quire_commands::error_reply(&error);
        let copy = |doc: &mut DocBuilder| {
            for element in body.as_raw() {
                doc.append_element(element);
            }
        };
        match self.answer(reply_to, copy).await {
            Ok(()) => Unwelcome::Refused(reason, error),
            Err(lost) => Unwelcome::Lost(lost),
        }
    }

    async fn answer(
        &mut self,
        reply_to: ReplyTo,
        fill: impl FnOnce(&mut DocBuilder),
    ) -> io::Result<()> {
        self.answered = self.answered.wrapping_add(1);
        let mut out = Vec::new();
        write_reply(&mut out, reply_to, self.answered, MESSAGE_BYTES_MAX, fill).map_err(invalid)?;
        self.stream.write_all(&out).await
    }
}

type Refusal = (&'static str, CommandError);

/// What can be said before the opener has proven anything.
fn admit(
    first: &Request,
    identity: &Identity,
    standing: Result<Standing, CommandError>,
) -> Result<(Opening, Standing, proof::Nonce), Refusal> {
    if first.message_bytes() > MESSAGE_BYTES_MAX {
        let text = "a handshake's message is never so long";
        return Err(("malformed", CommandError::new(Code::ProtocolError, text)));
    }
    let opening = Opening::parse(first.body()).map_err(|error| ("malformed", error))?;
    let standing = standing.map_err(|error| ("not ready", error))?;
    if opening.purpose == Purpose::Link && opening.set_name != identity.set_name {
        let text = format!(
            "this is a member of the set '{}', not of '{}'",
            identity.set_name, opening.set_name
        );
        let error = CommandError::new(Code::InconsistentReplicaSetNames, text);
        return Err(("another set", error));
    }
    if opening.purpose == Purpose::Link && opening.node == identity.node {
        let text = "a member needs no link to itself; a copy of its data directory may not run";
        return Err(("own id", CommandError::bad_value(text)));
    }
    let nonce = proof::nonce().ok_or_else(|| {
        ("no random bits", CommandError::internal("no random bits for a handshake"))
    })?;
    Ok((opening, standing, nonce))
}

fn check_proof(
    second: &Request,
    identity: &Identity,
    transcript: &Transcript,
) -> Result<(), Refusal> {
    let proof = hello::parse_proof_command(second).map_err(|error| ("malformed", error))?;
    if identity.keys.believe(Side::Opener, transcript, proof) {
        return Ok(());
    }
    Err(("wrong key", CommandError::new(Code::AuthenticationFailed, "Authentication failed.")))
}

async fn next_message<S: AsyncRead + Unpin>(
    stream: &mut S,
    frames: &mut FrameBuffer,
) -> io::Result<Vec<u8>> {
    loop {
        if let Some(message) = frames.next_message(MESSAGE_BYTES_MAX).map_err(invalid)? {
            return Ok(message);
        }
        if stream.read_buf(frames.room()).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

fn invalid(error: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}
