//! A decoded request.
//!
//! Owns the message's bytes and gives out views of them, so that a handler can hold a request across
//! waits without copying a document, and the connection gets its buffer back afterwards.

use crate::compressed::Compression;
use crate::compressor::Compressor;
use crate::decode::{DecodeLimits, decode};
use crate::old;
use crate::op_msg::{Flags, Sequence};
use crate::reply::ReplyTo;
use quire_bson::RawDoc;
use std::ops::Range;

/// Which op code a request came in, and so which one its answer goes out in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    Msg,
    /// The old handshake form.
    Query,
    /// Documents are asked for by an op code of old, and answered as that was: all batches after each
    /// other if they are wanted so. `returned` were answered before.
    Documents {
        exhaust: bool,
        returned: i32,
    },
    /// An op code of old that nothing answers.
    Unanswered,
}

/// A validated request that owns its message.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    pub(crate) message: Vec<u8>,
    pub(crate) request_id: i32,
    pub(crate) kind: RequestKind,
    pub(crate) flags: Flags,
    pub(crate) secondary_ok: bool,
    pub(crate) body: Range<usize>,
    pub(crate) database: Range<usize>,
    pub(crate) sequences: Vec<Sequence>,
    pub(crate) compression: Option<Compression>,
}

impl Request {
    pub fn request_id(&self) -> i32 {
        self.request_id
    }

    pub fn kind(&self) -> RequestKind {
        self.kind
    }

    /// The OP_MSG flags; none for an OP_QUERY.
    pub fn flags(&self) -> Flags {
        self.flags
    }

    /// True when the client does not read an answer (`w: 0`): none may be sent.
    pub fn more_to_come(&self) -> bool {
        self.flags.contains(Flags::MORE_TO_COME)
    }

    /// True when the client can take many replies to this request.
    pub fn exhaust_allowed(&self) -> bool {
        self.flags.contains(Flags::EXHAUST_ALLOWED)
    }

    /// True when an OP_QUERY allowed a secondary to answer. OP_MSG says so by `$readPreference`.
    pub fn secondary_ok(&self) -> bool {
        self.secondary_ok
    }

    /// The command document.
    pub fn body(&self) -> RawDoc<'_> {
        RawDoc::from_validated(self.slice(&self.body))
    }

    /// The name of the command: the first field of the body.
    pub fn command_name(&self) -> &str {
        self.body().nth(0).map(|field| field.key()).unwrap_or_default()
    }

    /// The database the command is sent to, as the client wrote it.
    pub fn database(&self) -> &str {
        self.text(&self.database)
    }

    /// The document sequences, in the order they came in.
    pub fn sequences(&self) -> impl Iterator<Item = DocumentSequence<'_>> {
        self.sequences.iter().map(|sequence| DocumentSequence {
            name: self.text(&sequence.name),
            documents: self.documents(sequence),
        })
    }

    /// The documents of the sequence `name`.
    pub fn sequence(&self, name: &str) -> Option<Documents<'_>> {
        let found = self.sequences.iter().find(|s| self.slice(&s.name) == name.as_bytes())?;
        Some(self.documents(found))
    }

    /// What the request was compressed with.
    pub fn compressor(&self) -> Option<Compressor> {
        self.compression.map(|compression| compression.compressor)
    }

    /// What compression had made of it; `None` when it came as it is.
    pub fn compression(&self) -> Option<Compression> {
        self.compression
    }

    /// The length of the message, uncompressed.
    pub fn message_bytes(&self) -> usize {
        self.message.len()
    }

    /// What a reply needs to know of the request. A command that must not be compressed is answered
    /// uncompressed, whatever the client did.
    pub fn reply_to(&self) -> ReplyTo {
        let compressor = self.compressor().filter(|_| Compressor::may_carry(self.command_name()));
        match self.kind {
            RequestKind::Msg => ReplyTo::msg(self.request_id, self.flags, compressor),
            RequestKind::Query => ReplyTo::query(self.request_id, compressor),
            RequestKind::Documents { returned, .. } => {
                ReplyTo::documents(self.request_id, returned, compressor)
            }
            RequestKind::Unanswered => ReplyTo::msg(self.request_id, self.flags, compressor),
        }
    }

    /// The request by which a stream of documents goes on, when `answer` is not its end. It answers
    /// reply `response_id`, for that is what the client waits at.
    pub fn following(&self, answer: RawDoc<'_>, response_id: i32) -> Option<Request> {
        let RequestKind::Documents { exhaust: true, returned } = self.kind else { return None };
        let (id, documents) = old::reply::batch(answer).filter(|(id, _)| *id != 0)?;
        let names = ["find", "collection"].into_iter();
        let collection = names.filter_map(|name| self.body().get(name)?.as_str()).next()?;
        let batch_size = self.body().get("batchSize");
        let message = old::following(self.database(), collection, id, batch_size, response_id);
        let mut next = decode(message, DecodeLimits::default()).ok()?;
        let count = i32::try_from(documents.iter().count()).unwrap_or(i32::MAX);
        next.kind =
            RequestKind::Documents { exhaust: true, returned: returned.saturating_add(count) };
        (next.secondary_ok, next.compression) = (true, self.compression);
        Some(next)
    }

    /// Gives the message's buffer back, for [`crate::FrameBuffer::recycle`].
    pub fn into_buffer(self) -> Vec<u8> {
        self.message
    }

    fn documents(&self, sequence: &Sequence) -> Documents<'_> {
        Documents { rest: self.slice(&sequence.documents), count: sequence.count }
    }

    fn slice(&self, range: &Range<usize>) -> &[u8] {
        self.message.get(range.clone()).unwrap_or_default()
    }

    fn text(&self, range: &Range<usize>) -> &str {
        std::str::from_utf8(self.slice(range)).unwrap_or_default()
    }
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Field values stay out: a request may carry passwords and a debug line ends in a log.
        f.debug_struct("Request")
            .field("request_id", &self.request_id)
            .field("kind", &self.kind)
            .field("flags", &self.flags)
            .field("command", &self.command_name())
            .field("database", &self.database())
            .field("message_bytes", &self.message.len())
            .field("compression", &self.compression)
            .finish()
    }
}

/// A named run of documents beside the body.
#[derive(Clone, Debug)]
pub struct DocumentSequence<'a> {
    pub name: &'a str,
    pub documents: Documents<'a>,
}

/// The documents of a sequence, in order.
#[derive(Clone, Debug)]
pub struct Documents<'a> {
    rest: &'a [u8],
    count: usize,
}

impl<'a> Iterator for Documents<'a> {
    type Item = RawDoc<'a>;

    fn next(&mut self) -> Option<RawDoc<'a>> {
        let length = usize::try_from(crate::header::i32_at(self.rest, 0)?).ok()?;
        let (document, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        self.count = self.count.saturating_sub(1);
        Some(RawDoc::from_validated(document))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.count, Some(self.count))
    }
}

impl ExactSizeIterator for Documents<'_> {}
