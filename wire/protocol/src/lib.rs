//! MongoDB's wire protocol without I/O: bytes in, [`Request`] out; a reply into the connection's
//! buffer.
//!
//! Owns every length, flag and checksum of the protocol and checks each of them once, here. What
//! leaves this crate is sliced, validated BSON. It knows no sockets, no commands and no clock, and no
//! input makes it panic, loop or ask for more memory than the message may have.
//!
//! ```text
//! socket -> FrameBuffer -> decode() -> Request -> (commands) -> OpenReply -> socket
//!                             |
//!                             +-> Rejected::Refused: answered with an error, the connection lives
//!                             +-> Rejected::Closed:  the connection ends
//! ```

mod client;
mod compressed;
mod compressor;
mod cursor;
mod decode;
mod frame;
mod header;
mod old;
mod op_msg;
mod op_query;
mod rejection;
mod reply;
mod request;

pub use client::{ClientReply, MsgRequest, QueryRequest, ReplyFault, compress};
pub use compressed::Compression;
pub use compressor::{Compressor, Compressors};
pub use decode::{DecodeLimits, decode};
pub use frame::{FrameBuffer, Progress, progress};
pub use header::{HEADER_BYTES, Header, MESSAGE_BYTES_MAX, OpCode};
pub use op_msg::Flags;
pub use rejection::{HTTP_ANSWER, Refusal, Rejected, Violation};
pub use reply::{OpenReply, ReplyTo, ReplyTooLarge, write_reply};
pub use request::{DocumentSequence, Documents, Request, RequestKind};
