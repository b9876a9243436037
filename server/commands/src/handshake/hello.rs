//! `hello` and its older spelling `isMaster`: what this server is.
//!
//! Owns the shape of the reply, which drivers monitor, and the waiting form in which a monitor is told
//! of a change at the moment it happens.

use crate::arguments::integer;
use crate::facts::{DOCUMENT_BYTES_MAX, MESSAGE_BYTES_MAX, WRITE_BATCH_MAX};
use crate::persona::Behaviour;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::{Context, Server};
use crate::stable_api::Api;
use quire_bson::{DocBuilder, RawDoc, RawValue};
use quire_errors::{Code, CommandError, Result};
use quire_execution::wait::{Waiting, race};
use quire_protocol::RequestKind;
use quire_replset::ReplicaSet;
use quire_replset::hello::{Hello as Shown, Member, Spelling};
use quire_replset::set::Standing;
use std::time::Duration;

pub const COMMAND: Command = Command {
    api: Api::V1,
    always_admitted: true,
    known: Some(Behaviour::HelloCommand),
    ..Command::new("hello", "tells what this server is and can do", Run::Later(run))
};

pub const LEGACY: Command = Command {
    aliases: &["ismaster"],
    always_admitted: true,
    ..Command::new("isMaster", "the older spelling of hello", Run::Later(run))
};

/// What a handshake may say.
struct Hello<'a> {
    known: Option<RawDoc<'a>>,
    wait: Option<Duration>,
    compression: Option<RawDoc<'a>>,
    client: Option<RawValue<'a>>,
    hello_ok: bool,
}

fn run<'a>(context: &'a Context<'a>) -> Waiting<'a, Result<Reply>> {
    Box::pin(hello(context))
}

async fn hello(context: &Context<'_>) -> Result<Reply> {
    let hello = parse(context)?;
    if let Some(metadata) = hello.client
        && context.client.describe(metadata)?
    {
        log_metadata(context);
    }
    let compressors = negotiate(context, hello.compression);
    context.client.agree_on(compressors.clone());
    wait_for_change(context, &hello).await;
    if context.server.replica_set.is_some() {
        check_not_leaving(context.server)?;
    }
    let (version, standing) = look(context.server);
    let mut reply = Reply::with(|b| {
        append_role(b, context, standing.as_ref());
        describe(b, context, &hello, version, &compressors);
    });
    let waits =
        hello.wait.is_some() && context.server.facts.persona.has(Behaviour::TopologyVersion);
    reply.more = waits && context.request.exhaust_allowed();
    context.client.note_streamed(reply.more.then_some(version));
    Ok(reply)
}

fn parse<'a>(context: &Context<'a>) -> Result<Hello<'a>> {
    let mut args = context.arguments()?;
    let known = args.optional_doc("topologyVersion")?;
    let wait = args.take("maxAwaitTimeMS");
    let compression = args.optional_array("compression")?;
    let client = args.take("client");
    let hello_ok = args.flag("helloOk")?;
    let internal = args.optional_doc("internalClient")?;
    for accepted in [
        "saslSupportedMechs",
        "speculativeAuthenticate",
        "hostInfo",
        "loadBalanced",
        "backpressure",
        "forShell",
        "hangUpOnStepDown",
    ] {
        args.ignore(accepted);
    }
    args.finish()?;
    let wait = match (known, wait) {
        (None, None) => None,
        (Some(_), Some(millis)) => Some(await_time(millis)?),
        (None, Some(_)) => {
            return Err(CommandError::new(
                Code::Location(31368),
                "A request with a 'maxAwaitTimeMS' must include a 'topologyVersion'",
            ));
        }
        (Some(_), None) => {
            return Err(CommandError::new(
                Code::Location(31368),
                "A request with a 'topologyVersion' must include 'maxAwaitTimeMS'",
            ));
        }
    };
    if internal.is_some() {
        context.client.note_internal();
    }
    Ok(Hello { known, wait, compression, client, hello_ok })
}

fn await_time(millis: RawValue<'_>) -> Result<Duration> {
    let millis = integer(millis)
        .ok_or_else(|| CommandError::type_mismatch("maxAwaitTimeMS must be a number"))?;
    u64::try_from(millis).map(Duration::from_millis).map_err(|_| {
        CommandError::new(Code::Location(31373), "maxAwaitTimeMS must be a non-negative integer")
    })
}

/// The compressors both sides know, in the client's order of preference.
fn negotiate(context: &Context<'_>, offered: Option<RawDoc<'_>>) -> Vec<&'static str> {
    let own = &context.server.facts.compressors;
    let offered = offered.into_iter().flat_map(RawDoc::iter).filter_map(|e| e.value().as_str());
    offered.filter_map(|name| own.iter().find(|known| **known == name).copied()).collect()
}

/// Waits while the client already knows what it would be told.
async fn wait_for_change(context: &Context<'_>, hello: &Hello<'_>) {
    if !context.server.facts.persona.has(Behaviour::TopologyVersion) {
        return;
    }
    let (Some(known), Some(wait)) = (hello.known, hello.wait) else { return };
    let topology = &context.server.topology;
    let generation = topology.changed.generation();
    let same_process = matches!(
        known.get("processId"),
        Some(RawValue::ObjectId(process)) if process == topology.process()
    );
    // A stream goes on from what it told last; the request knows only what was before it.
    let counter = context.client.streamed().or_else(|| known.get("counter").and_then(integer));
    if !same_process || counter != Some(topology.counter()) {
        return;
    }
    race(topology.changed.changed_since(generation), context.server.host.sleep(wait)).await;
}

/// How this member stands, and the version under which it may be told.
fn look(server: &Server) -> (i64, Option<Standing>) {
    let topology = &server.topology;
    loop {
        // Read first: a client that is told of an old state under a new version would not ask again.
        let version = topology.counter();
        let Some(set) = &server.replica_set else {
            topology.note_writable(version);
            return (version, None);
        };
        let standing = set.standing();
        if !standing.is_writable {
            return (version, Some(standing));
        }
        topology.note_writable(version);
        // Whoever is refused from now on hears of a newer version.
        if set.standing().is_writable {
            return (version, Some(standing));
        }
    }
}

/// Who monitors a member that goes down must turn to another: what it hears is an error that says so.
fn check_not_leaving(server: &Server) -> Result<()> {
    let left = server.topology.time_left().filter(|_| server.facts.persona.has(Behaviour::Quiesce));
    let Some(left) = left else { return Ok(()) };
    let mut more = DocBuilder::new();
    let millis = i64::try_from(left.as_millis()).unwrap_or(i64::MAX);
    more.append_i64("remainingQuiesceTimeMillis", millis);
    let words = "The server is in quiesce mode and will shut down";
    let error = CommandError::new(Code::ShutdownInProgress, words);
    Err(error.with_extra(more.finish().as_bytes().to_vec()))
}

fn append_role(b: &mut DocBuilder, context: &Context<'_>, standing: Option<&Standing>) {
    let server = context.server;
    let spelling = match context.operation.command {
        "hello" => Spelling::Hello,
        _ => Spelling::IsMaster,
    };
    match server.replica_set.as_ref().zip(standing) {
        Some((set, standing)) => append_set(b, set, standing, spelling),
        None => append_standalone(b, server, spelling),
    }
}

fn append_standalone(b: &mut DocBuilder, server: &Server, spelling: Spelling) {
    let name = match spelling {
        Spelling::Hello => "isWritablePrimary",
        Spelling::IsMaster => "ismaster",
    };
    b.append_bool(name, !server.topology.is_shutting_down());
}

/// What a member of a set shows of the set and of itself.
pub(crate) fn append_set(
    b: &mut DocBuilder,
    set: &ReplicaSet,
    standing: &Standing,
    spelling: Spelling,
) {
    let member = standing.detail.as_ref().zip(standing.own).map(|(detail, own)| Member {
        config: &detail.config,
        own,
        state: standing.state,
        is_writable: standing.is_writable,
        primary: standing.primary,
        term: standing.term,
        last_write: set.last_write(),
    });
    quire_replset::hello::append(b, &member.map_or(Shown::NoConfig, Shown::Member), spelling);
}

fn describe(
    b: &mut DocBuilder,
    context: &Context<'_>,
    hello: &Hello<'_>,
    version: i64,
    compressors: &[&'static str],
) {
    let server = context.server;
    let persona = server.facts.persona;
    let asked = hello.hello_ok || context.request.kind() == RequestKind::Query;
    if asked && persona.has(Behaviour::HelloCommand) {
        b.append_bool("helloOk", true);
    }
    if persona.has(Behaviour::TopologyVersion) {
        b.append_bson("topologyVersion", &server.topology.version(version));
    }
    b.append_i32("maxBsonObjectSize", DOCUMENT_BYTES_MAX);
    b.append_i32("maxMessageSizeBytes", MESSAGE_BYTES_MAX);
    b.append_i32("maxWriteBatchSize", WRITE_BATCH_MAX);
    b.append("localTime", RawValue::DateTime(server.now_millis()));
    b.append_i32("logicalSessionTimeoutMinutes", server.parameters.session_timeout_minutes());
    b.append_i32("connectionId", i32::try_from(context.client.id).unwrap_or(i32::MAX));
    b.append_i32("minWireVersion", 0);
    b.append_i32("maxWireVersion", persona.wire_version());
    b.append_bool("readOnly", false);
    if let Some(text) = server.parameters.automation_descriptor() {
        b.append_str("automationServiceDescriptor", &text);
    }
    if !compressors.is_empty() {
        b.append_array("compression", |list| {
            for name in compressors {
                list.push(RawValue::String(name));
            }
        });
    }
}

fn log_metadata(context: &Context<'_>) {
    let Some(metadata) = context.client.metadata() else { return };
    tracing::info!(
        target: "NETWORK",
        id = 51800,
        ctx = context.client.name(),
        remote = context.client.remote_text(),
        client = context.client.name(),
        json.doc = crate::json::text(&metadata.to_document()),
        "client metadata"
    );
}
