//! Which requests may run scripts, and for whom a script runs.
//!
//! Owns the question that the process asks before it runs a request: a script may take as long as its
//! operation, and keeps its thread to itself, so it must not run on one that serves others. Names are
//! looked for in the request's bytes, in the views that it reads, and in the cursor that it goes on
//! with. What is found may turn out to be a value; nothing that runs a script is missed.

use crate::operations::Operation;
use crate::server::{Context, Server};
use crate::views::DEPTH_MAX;
use quire_bson::{RawDoc, RawValue};
use quire_documents::Collection;
use quire_protocol::Request;
use quire_query::scripts::{Check, Scripting, Scripts};
use std::sync::Arc;

/// The operators that bring scripts, as their names stand in a document.
const NAMES: [&[u8]; 3] = [b"$where\0", b"$function\0", b"$accumulator\0"];

/// Whether running a request may run scripts. Without an engine it never does, which is all that
/// this looks at then.
pub fn may_run_scripts(server: &Server, request: &Request) -> bool {
    if server.script_engine.is_none() {
        return false;
    }
    match request.command_name() {
        "insert" => false,
        "getMore" => match request.body().nth(0).map(|element| element.value()) {
            Some(RawValue::Int64(id)) => server.cursors.runs_scripts(id),
            _ => false,
        },
        _ => brings_scripts(request) || reads_view_with_scripts(server, request),
    }
}

fn brings_scripts(request: &Request) -> bool {
    names_scripts(request.body())
        || request.sequences().any(|sequence| sequence.documents.clone().any(names_scripts))
}

fn names_scripts(doc: RawDoc<'_>) -> bool {
    let bytes = doc.as_bytes();
    memchr::memchr_iter(b'$', bytes).any(|at| {
        let rest = bytes.get(at..).unwrap_or_default();
        NAMES.iter().any(|name| rest.starts_with(name))
    })
}

fn reads_view_with_scripts(server: &Server, request: &Request) -> bool {
    let Some(RawValue::String(name)) = request.body().nth(0).map(|element| element.value()) else {
        return false;
    };
    let catalog = server.documents.catalog();
    let mut name = name.to_owned();
    for _ in 0..DEPTH_MAX {
        let found = catalog.find_by_name(request.database(), &name);
        let Some(view) = found.filter(|collection| collection.is_view()) else { return false };
        if option(view, "pipeline").and_then(RawValue::as_array).is_some_and(names_scripts) {
            return true;
        }
        name = option(view, "viewOn").and_then(RawValue::as_str).unwrap_or_default().to_owned();
    }
    false
}

fn option<'c>(view: &'c Collection, name: &str) -> Option<RawValue<'c>> {
    view.option(name)
}

/// By which scripts learn that their operation has to stop.
pub fn check(operation: &Arc<Operation>) -> Check {
    let operation = operation.clone();
    Arc::new(move || operation.check())
}

impl Context<'_> {
    /// Whether the command's query may bring scripts, and by whom they are run.
    pub(crate) fn scripting(&self) -> Scripting {
        match &self.server.script_engine {
            Some(engine) => {
                let begin = || engine.begin(check(self.operation));
                Scripting::On(self.scripts.get_or_init(begin).clone())
            }
            None => Scripting::Off,
        }
    }

    /// The scripts that the command has compiled.
    pub(crate) fn scripts_used(&self) -> Option<Arc<dyn Scripts>> {
        self.scripts.get().filter(|scripts| scripts.are_used()).cloned()
    }
}

#[cfg(test)]
mod tests;
