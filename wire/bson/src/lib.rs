//! BSON as bytes first: borrowed views, validation, building and comparison.
//!
//! Owns the one place where the `bson` crate is named. Everything on a hot path works on [`RawDoc`],
//! a view over bytes that were validated once at the edge; [`Document`] and [`Bson`] are for values
//! that are computed (update operators, expressions, replies assembled off the hot path).
//!
//! Never does I/O, never panics on any input, never recurses deeper than [`validate::DEPTH_MAX`].

mod build;
pub mod compare;
pub mod decimal;
mod layout;
pub mod number;
mod raw;
mod scratch;
mod shell_text;
pub mod validate;

pub use bson::oid::ObjectId;
pub use bson::spec::{BinarySubtype, ElementType};
pub use bson::{
    Binary, Bson, DateTime, DbPointer, Decimal128, Document, JavaScriptCodeWithScope, Regex,
    Timestamp, bson, doc,
};

pub use build::{ArrayBuilder, DocBuf, DocBuilder, Open};
pub use compare::{canonical_type, compare, compare_bson, compare_docs, compare_documents};
pub use decimal::Decimal;
pub use layout::key_word;
pub use number::{Number, as_exact_i64};
pub use raw::{Elements, RawDoc, RawElement, RawValue};
pub use scratch::Scratch;
pub use shell_text::{shell_text, shell_value};
pub use validate::{Invalid, Limits, validate};
