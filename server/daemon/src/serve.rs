//! From settings to a serving server, and back down again.
//!
//! Owns the order of starting (log, sockets, stores, clients) and of stopping (no new clients, running
//! commands, the log, the stores). Only constructs; what the parts do is theirs.

use crate::admin::{AdminServer, Limits};
use crate::connections::Connections;
use crate::exit::Failure;
use crate::host::{ProcessHost, WallClock};
use crate::key_file::KeyFile;
use crate::listener::{Accepting, Listeners};
use crate::logging::Logging;
use crate::metrics::Metrics;
use crate::replication::Replication;
use crate::script_threads::ScriptThreads;
use crate::shutdown::{Shutdown, Signals};
use crate::stores::{self, Stores};
use crate::traffic::Traffic;
use crate::{background, fork, machine, oplog_size, repair, starting_log};
use quire_bson::{Bson, Document, ObjectId};
use quire_commands::{
    Behaviour, Checkouts, Counters, Cursors, Facts, Operations, Parameters, Persona, ProfileLevel,
    Profiling, Server, Sessions, Stop, Topology,
};
use quire_config::exit::{ABRUPT, BAD_OPTIONS, NET_ERROR};
use quire_config::{Net, ProfileMode, Settings, Tree};
use quire_consensus::Retention;
use quire_execution::Failing;
use quire_javascript::JavaScript;
use quire_query::scripts::Engine;
use quire_replset::{HostPort, ReplicaSet};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

/// How long a primary waits for a successor before it goes down.
const LEAVE_PATIENCE: Duration = Duration::from_secs(10);

/// How long the last lines of the log may take to be written.
const LOG_PATIENCE: Duration = Duration::from_secs(2);

/// Runs the server until it is told to stop.
pub(crate) fn serve(settings: Settings) -> Result<(), Failure> {
    let started = Instant::now();
    let logging = starting_log::open(&settings.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("worker")
        .build()
        .map_err(|error| Failure::new(ABRUPT, format!("cannot start threads: {error}")))?;
    let outcome = runtime.block_on(run(settings, logging.clone(), started));
    if let Err(failure) = &outcome {
        tracing::error!(
            target: "CONTROL",
            id = 20557,
            ctx = "initandlisten",
            fatal = true,
            error = failure.message,
            "DBException in initAndListen, terminating"
        );
    }
    runtime.shutdown_timeout(LOG_PATIENCE);
    logging.flush(LOG_PATIENCE);
    outcome
}

async fn run(settings: Settings, logging: Arc<Logging>, started: Instant) -> Result<(), Failure> {
    let persona = persona(&settings)?;
    starting_log::tell(&settings, persona);
    if settings.storage.repair {
        // Before signals are heard: whoever gives up on the check ends the process with one.
        return repair::run(&settings.storage);
    }
    let shutdown = Arc::new(Shutdown::new());
    let serving = Arc::new(OnceLock::new());
    serve_signals(&shutdown, &logging, &serving)?;
    let parameters = parameters(&settings, persona)?;
    let keys = key_file(&settings)?;
    let listeners = Listeners::bind(&settings.net).await?;
    let admin = bind_admin(&settings.net).await?;
    let facts = facts(&settings, persona, listeners.port, started);
    let (stores, replication) = open_stores(&settings, &parameters, &facts, keys.as_ref())?;
    let host = process_host(&settings, &stores, &logging, &shutdown);
    let (traffic, connections) = (host.traffic.clone(), host.connections.clone());
    let connections_max = host.connections_max;
    let set = replication.as_ref().map(|replication| replication.set.clone());
    let server = Arc::new(server(&settings, parameters, &stores, host, facts, set));
    let _ = serving.set(server.clone());
    background::start(&server, &shutdown);
    if let Some(replication) = &replication {
        replication.serve(&server, &shutdown);
    }
    if let Some(admin) = admin {
        serve_admin(admin, &server, &shutdown, &logging);
    }
    let port = listeners.port;
    let acceptors = listeners.accept(&Accepting {
        server: server.clone(),
        traffic,
        connections,
        shutdown: shutdown.clone(),
        connections_max,
        quiet: settings.log.quiet,
        links: replication.as_ref().map(|replication| replication.links.clone()),
        script_threads: Arc::new(ScriptThreads::new()),
    });
    starting_log::tell_of_port(port);
    if let Some(replication) = &replication {
        replication.initiate_unasked(&shutdown);
    }
    announce(&settings, &logging)?;
    shutdown.begun().await;
    go_down(&server, &shutdown, acceptors, replication.as_ref()).await?;
    drop(stores);
    Ok(())
}

async fn bind_admin(net: &Net) -> Result<Option<AdminServer>, Failure> {
    let Some(address) = net.admin else { return Ok(None) };
    let bound = AdminServer::bind(address, Limits::default()).await;
    let failed = |error| Failure::new(NET_ERROR, format!("the admin port {address}: {error}"));
    bound.map(Some).map_err(failed)
}

/// Opens what is kept, and what makes this process a member where it is to be one.
fn open_stores(
    settings: &Settings,
    parameters: &Parameters,
    facts: &Facts,
    keys: Option<&KeyFile>,
) -> Result<(Stores, Option<Replication>), Failure> {
    let mut replication = None;
    let points = parameters.test_commands_enabled().then(|| parameters.failpoints().clone());
    let clock = Arc::new(WallClock);
    let stores = Stores::open(&settings.storage, clock, points.as_ref(), |log, machine| {
        let machine = match &points {
            Some(points) => Arc::new(Failing::new(machine, points.clone())),
            None => machine,
        };
        let Some(setting) = &settings.replica_set else { return stores::alone(log, machine) };
        let node = stores::node_of(log.as_ref())?;
        let address = HostPort::new(facts.host.clone(), facts.port);
        let member = Replication::new(setting, keys, address, facts.process, node, points.clone());
        let retention = match parameters.retained_entries() {
            Some(count) => Retention::Entries(count),
            None => oplog_size::decide(&settings.oplog, settings.storage.on_disk()),
        };
        replication.insert(member).join(log, machine, retention)
    })?;
    if let Some(replication) = &replication {
        replication.open_doors(&stores);
    }
    Ok((stores, replication))
}

fn process_host(
    settings: &Settings,
    stores: &Stores,
    logging: &Arc<Logging>,
    shutdown: &Arc<Shutdown>,
) -> ProcessHost {
    let wanted = u64::from(settings.net.max_incoming_connections);
    ProcessHost {
        logging: logging.clone(),
        shutdown: shutdown.clone(),
        traffic: Arc::new(Traffic::default()),
        connections: Arc::new(Connections::default()),
        connections_max: machine::connections_possible(wanted),
        data: stores.directory.as_ref().map(|directory| directory.path().to_owned()),
    }
}

/// Tells whoever started the process that it serves.
fn announce(settings: &Settings, logging: &Logging) -> Result<(), Failure> {
    write_pid_file(settings)?;
    if fork::is_child() {
        // Whoever hears the word looks into the log next.
        logging.flush(LOG_PATIENCE);
        fork::announce_ready();
    }
    Ok(())
}

/// The order of the end: no new clients, what runs finishes or is stopped, everything is flushed. A
/// member of a set lets clients in as long as it waits for what runs, and tells them that it goes.
async fn go_down(
    server: &Arc<Server>,
    shutdown: &Shutdown,
    acceptors: Vec<tokio::task::JoinHandle<()>>,
    replication: Option<&Replication>,
) -> Result<(), Failure> {
    if let Some(replication) = replication {
        // Another member takes over while clients are still connected, and hear of it at once.
        replication.set.leave(LEAVE_PATIENCE).await;
    }
    let since = Instant::now();
    server.topology.shut_down(shutdown.patience());
    if !(replication.is_some() && server.facts.persona.has(Behaviour::Quiesce)) {
        shutdown.close_doors();
    }
    while server.operations.count_at_work() > 0 && since.elapsed() < shutdown.patience() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    shutdown.close_doors();
    for acceptor in acceptors {
        let _ = acceptor.await;
    }
    server.operations.stop_all(Stop::ShuttingDown);
    let replica = server.sequencer.replica().clone();
    let flushed = tokio::task::spawn_blocking(move || replica.shut_down()).await;
    match flushed {
        Ok(Ok(())) => {}
        // Everything acknowledged is in the log; the next start replays it.
        Ok(Err(fatal)) => tracing::error!(
            target: "STORAGE",
            id = 7_100_020,
            reason = fatal.reason,
            "The last flush failed"
        ),
        Err(error) => return Err(Failure::new(ABRUPT, error.to_string())),
    }
    if let Some(replication) = replication {
        replication.links.close().await;
    }
    tracing::info!(
        target: "CONTROL",
        id = 23138,
        ctx = "SignalHandler",
        exitCode = 0,
        "Shutting down"
    );
    Ok(())
}

fn server(
    settings: &Settings,
    parameters: Parameters,
    stores: &Stores,
    host: ProcessHost,
    facts: Facts,
    replica_set: Option<Arc<ReplicaSet>>,
) -> Server {
    let topology = Topology::new(facts.process);
    let script_engine = script_engine(settings, &parameters);
    Server {
        documents: stores.documents.clone(),
        sequencer: stores.sequencer.clone(),
        history: stores.history.clone(),
        host: Arc::new(host),
        facts,
        operations: Arc::new(Operations::default()),
        cursors: Cursors::default(),
        sessions: Sessions::default(),
        checkouts: Checkouts::default(),
        failpoints: parameters.failpoints().clone(),
        parameters,
        counters: Counters::default(),
        profiling: profiling(settings),
        topology,
        index_builds: Default::default(),
        temporaries: Default::default(),
        ingress: Default::default(),
        script_engine,
        replica_set,
    }
}

/// What runs the scripts of queries: nothing, unless it was asked for or test commands are there.
fn script_engine(settings: &Settings, parameters: &Parameters) -> Option<Arc<dyn Engine>> {
    let wanted = settings.security.javascript.unwrap_or(parameters.test_commands_enabled());
    wanted.then(|| Arc::new(JavaScript) as Arc<dyn Engine>)
}

/// The parameter that a setting of its own gives, too.
const CONNECTIONS_OVERRIDE: &str = "maxIncomingConnectionsOverride";

/// Read before anything is opened: what is refused here has touched nothing.
fn parameters(settings: &Settings, persona: Persona) -> Result<Parameters, Failure> {
    let mut given = settings.parameters.clone();
    if !settings.net.connections_override.is_empty() {
        let ranges = serde_json::json!({ "ranges": settings.net.connections_override });
        given.entry(CONNECTIONS_OVERRIDE.to_owned()).or_insert_with(|| ranges.to_string());
    }
    let parameters = Parameters::new(persona, &given)
        .map_err(|error| Failure::new(BAD_OPTIONS, error.message().to_owned()))?;
    for warning in parameters.warnings() {
        tracing::warn!(
            target: "CONTROL",
            id = 7_100_034,
            ctx = "initandlisten",
            tag = "startupWarnings",
            "{warning}"
        );
    }
    Ok(parameters)
}

/// The keys that members prove themselves with.
fn key_file(settings: &Settings) -> Result<Option<KeyFile>, Failure> {
    let Some(path) = &settings.security.key_file else { return Ok(None) };
    let read = KeyFile::read(path)?;
    let keys = read.keys().len();
    tracing::info!(target: "ACCESS", id = 7_100_039, ctx = "initandlisten", keys, "Key file read");
    Ok(Some(read))
}

fn profiling(settings: &Settings) -> Profiling {
    let level = match settings.profiling.mode {
        ProfileMode::Off => ProfileLevel::Off,
        ProfileMode::SlowOperations => ProfileLevel::Slow,
        ProfileMode::All => ProfileLevel::All,
    };
    let slow_millis = i64::from(settings.profiling.slow_operation_ms);
    Profiling::starting(slow_millis, level, settings.profiling.sample_rate)
}

/// The version that the settings ask for.
fn persona(settings: &Settings) -> Result<Persona, Failure> {
    let asked = &settings.emulate_version;
    Persona::named(asked).ok_or_else(|| {
        let known = Persona::names();
        Failure::new(
            BAD_OPTIONS,
            format!("Bad value for compatibility.emulateVersion: {asked}; it is one of {known}"),
        )
    })
}

fn facts(settings: &Settings, persona: Persona, port: u16, started: Instant) -> Facts {
    let name = |compressor: &quire_config::Compressor| match compressor {
        quire_config::Compressor::Snappy => "snappy",
        quire_config::Compressor::Zlib => "zlib",
        quire_config::Compressor::Zstd => "zstd",
    };
    Facts {
        persona,
        host: machine::host_name(),
        port,
        process: ObjectId::new(),
        process_id: std::process::id(),
        started,
        started_at: SystemTime::now(),
        argv: settings.argv.clone(),
        parsed: document(&settings.parsed),
        storage_engine: settings.storage.engine.name(),
        git_revision: crate::GIT_REVISION,
        compressors: settings.net.compressors.iter().map(name).collect(),
    }
}

/// A tree of settings as a document.
fn document(tree: &Tree) -> Document {
    match value(tree) {
        Bson::Document(doc) => doc,
        _ => Document::new(),
    }
}

fn value(tree: &Tree) -> Bson {
    match tree {
        Tree::Null => Bson::Null,
        Tree::Bool(flag) => Bson::Boolean(*flag),
        Tree::Number(number) => match number.as_i64() {
            Some(n) => i32::try_from(n).map_or(Bson::Int64(n), Bson::Int32),
            None => Bson::Double(number.as_f64().unwrap_or(0.0)),
        },
        Tree::String(text) => Bson::String(text.clone()),
        Tree::Array(items) => Bson::Array(items.iter().map(value).collect()),
        Tree::Object(fields) => {
            Bson::Document(fields.iter().map(|(key, field)| (key.clone(), value(field))).collect())
        }
    }
}

/// Signals are heard from here on: one that came unheard would end the process at once.
fn serve_signals(
    shutdown: &Arc<Shutdown>,
    logging: &Arc<Logging>,
    serving: &Arc<OnceLock<Arc<Server>>>,
) -> Result<(), Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |error: std::io::Error| Failure::new(ABRUPT, format!("no signals: {error}"));
    let ends = Signals::listen().map_err(failed)?;
    let watched = shutdown.clone();
    let serving = serving.clone();
    // Before there is a server nothing runs that would have to be waited for.
    let patience = move || {
        let server = serving.get();
        server.map_or(Duration::ZERO, |server| server.parameters.signal_shutdown_timeout())
    };
    tokio::spawn(async move { watched.watch(ends, patience).await });
    let mut rotations = signal(SignalKind::user_defined1()).map_err(failed)?;
    let logging = logging.clone();
    tokio::spawn(async move {
        while rotations.recv().await.is_some() {
            let logging = logging.clone();
            let rotated = tokio::task::spawn_blocking(move || logging.rotate(LOG_PATIENCE)).await;
            if let Ok(Err(error)) = rotated {
                tracing::error!(
                    target: "CONTROL",
                    id = 23168,
                    error = %error,
                    "Log rotation failed"
                );
            }
        }
    });
    Ok(())
}

fn serve_admin(
    admin: AdminServer,
    server: &Arc<Server>,
    shutdown: &Arc<Shutdown>,
    logging: &Arc<Logging>,
) {
    if let Ok(address) = admin.local_addr() {
        tracing::info!(
            target: "NETWORK",
            id = 7_100_041,
            ctx = "listener",
            address = %address,
            "Serving health and metrics"
        );
    }
    let metrics =
        Metrics { server: server.clone(), shutdown: shutdown.clone(), logging: logging.clone() };
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        admin.serve(Arc::new(metrics), async move { shutdown.begun().await }).await;
    });
}

fn write_pid_file(settings: &Settings) -> Result<(), Failure> {
    let Some(path) = &settings.process.pid_file else { return Ok(()) };
    std::fs::write(path, format!("{}\n", std::process::id()))
        .map_err(|error| Failure::new(ABRUPT, format!("cannot write {}: {error}", path.display())))
}
