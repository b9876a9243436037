//! What a command answers.
//!
//! Owns the reply under construction. A command appends its fields; `ok` and what belongs to every
//! reply is added by the dispatcher.

use crate::dispatch::Answer;
use crate::persona::{Persona, wording};
use crate::trailer::Trailer;
use quire_bson::{DocBuf, DocBuilder, Document, RawDoc};
use quire_errors::{CommandError, Result};

const WRITE_CONCERN_ERROR: &str = "writeConcernError";

/// The fields of a successful reply, but for `ok`.
pub struct Reply {
    builder: DocBuilder,
    /// The reply is one of several to the same request: the next one is asked for at once.
    pub more: bool,
    /// A command-level failure that comes with results: `ok` stays 1.
    pub write_concern_error: Option<CommandError>,
    /// The primary gave it when it was asked from here. It has waited as the concerns ask.
    pub is_from_primary: bool,
}

impl Reply {
    /// Nothing but `ok: 1`.
    pub fn ok() -> Reply {
        Reply::begun(DocBuilder::new())
    }

    /// A reply of which some fields are there already.
    pub fn begun(builder: DocBuilder) -> Reply {
        Reply { builder, more: false, write_concern_error: None, is_from_primary: false }
    }

    /// A reply whose fields `fill` appends.
    pub fn with(fill: impl FnOnce(&mut DocBuilder)) -> Reply {
        let mut reply = Reply::ok();
        fill(&mut reply.builder);
        reply
    }

    /// A reply assembled off the hot path.
    pub fn of(doc: &Document) -> Reply {
        Reply::with(|builder| {
            for (key, value) in doc {
                builder.append_bson(key, value);
            }
        })
    }

    pub fn builder(&mut self) -> &mut DocBuilder {
        &mut self.builder
    }

    /// Ends the reply.
    fn finish(mut self, trailer: &Trailer<'_>) -> DocBuf {
        let telling = trailer.telling(None, self.write_concern_error.as_ref());
        match (trailer.injected_write_concern_error(), &self.write_concern_error) {
            (Some(injected), _) => _ = self.builder.append_doc(WRITE_CONCERN_ERROR, injected),
            (None, Some(error)) => {
                let persona = trailer.persona();
                self.builder.append_with(WRITE_CONCERN_ERROR, |b| append_error(b, persona, error));
            }
            (None, None) => {}
        }
        trailer.append_labels(&mut self.builder, &telling);
        self.builder.append_f64("ok", 1.0);
        trailer.append(&mut self.builder, &telling);
        self.builder.finish()
    }
}

/// Appends `code`, `codeName`, `errmsg` and the error's extra fields.
pub fn append_error(builder: &mut DocBuilder, persona: Persona, error: &CommandError) {
    builder.append_i32("code", error.code().number());
    builder.append_str("codeName", &wording::code_name(persona, error.code()));
    builder.append_str("errmsg", &wording::message(persona, error));
    append_extra(builder, error);
}

fn append_extra(builder: &mut DocBuilder, error: &CommandError) {
    for element in RawDoc::from_validated(error.extra()) {
        builder.append_element(element);
    }
}

/// A failure, and beside it that the write concern was not met either.
pub(crate) fn with_write_concern_error(
    error: CommandError,
    persona: Persona,
    unmet: &CommandError,
) -> CommandError {
    let mut extra = DocBuilder::new();
    append_extra(&mut extra, &error);
    extra.append_with(WRITE_CONCERN_ERROR, |b| append_error(b, persona, unmet));
    error.with_extra(extra.finish().into_bytes())
}

/// The whole reply of a failed command, where nothing is known of the server that failed.
pub fn error_reply(error: &CommandError) -> DocBuf {
    let mut builder = DocBuilder::new();
    append_failure(&mut builder, Persona::default(), error);
    append_labels(&mut builder, error.labels());
    builder.finish()
}

fn append_failure(builder: &mut DocBuilder, persona: Persona, error: &CommandError) {
    builder.append_f64("ok", 0.0);
    builder.append_str("errmsg", &wording::message(persona, error));
    builder.append_i32("code", error.code().number());
    builder.append_str("codeName", &wording::code_name(persona, error.code()));
    append_extra(builder, error);
}

/// The labels of an error.
pub fn append_labels(builder: &mut DocBuilder, labels: &[&str]) {
    if !labels.is_empty() {
        builder.append_array("errorLabels", |list| {
            for label in labels {
                list.push(quire_bson::RawValue::String(label));
            }
        });
    }
}

/// One entry of `writeErrors`.
pub fn append_write_error(builder: &mut DocBuilder, index: usize, error: &CommandError) {
    builder.append_i32("index", i32::try_from(index).unwrap_or(i32::MAX));
    builder.append_i32("code", error.code().number());
    append_extra(builder, error);
    builder.append_str("errmsg", error.message());
}

/// Turns a reply or an error into what is sent.
pub(crate) fn finished(outcome: Result<Reply>, trailer: &Trailer<'_>) -> Answer {
    match outcome {
        Ok(reply) => {
            let more = reply.more;
            Answer { body: reply.finish(trailer), more }
        }
        Err(error) => {
            let mut builder = DocBuilder::new();
            append_failure(&mut builder, trailer.persona(), &error);
            if let Some(injected) = trailer.injected_write_concern_error() {
                builder.append_doc(WRITE_CONCERN_ERROR, injected);
            }
            let telling = trailer.telling(Some(&error), None);
            trailer.append_labels(&mut builder, &telling);
            trailer.append(&mut builder, &telling);
            Answer { body: builder.finish(), more: false }
        }
    }
}
