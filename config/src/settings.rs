//! The settings as typed fields, checked against each other.
//!
//! Pure: nothing here looks at the disk, resolves a name or opens a socket.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use config::{Config, ConfigError, Map, Value, ValueKind};

use crate::Tree;
use crate::refusal::Refusal;
use crate::replica_set::ReplicaSetSetting;
use crate::support::Warning;
use crate::table::{COMPONENTS, JAVASCRIPT, PARAMETERS};

/// Everything that was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    pub net: Net,
    pub storage: Storage,
    pub log: SystemLog,
    pub process: Process,
    pub profiling: Profiling,
    pub security: Security,
    /// The MongoDB version to behave as; whether there is such a one is the server's affair.
    pub emulate_version: String,
    /// The replica set to be part of.
    pub replica_set: Option<ReplicaSetSetting>,
    pub oplog: Oplog,
    /// Server parameters by name; what a value means is the parameter's own affair.
    pub parameters: BTreeMap<String, String>,
    /// What to say about settings that were accepted and are not in force.
    pub warnings: Vec<Warning>,
    /// The command line, with passwords left out.
    pub argv: Vec<String>,
    /// What was set, by whom it was set: the tree that `getCmdLineOpts` shows.
    pub parsed: Tree,
}

/// Where clients reach us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Net {
    /// 0 picks a free one.
    pub port: u16,
    /// Host names and addresses to listen on.
    pub addresses: Vec<String>,
    pub ipv6: bool,
    pub listen_backlog: Option<u32>,
    pub max_incoming_connections: u32,
    /// Addresses and ranges from which clients connect beyond that.
    pub connections_override: Vec<String>,
    pub unix_sockets: Option<UnixSockets>,
    /// In the order they are offered.
    pub compressors: Vec<Compressor>,
    /// Health and metrics over HTTP.
    pub admin: Option<SocketAddr>,
}

/// Sockets in the file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnixSockets {
    pub directory: PathBuf,
    /// Sockets named one by one in `net.bindIp`.
    pub paths: Vec<PathBuf>,
    pub permissions: u32,
}

impl UnixSockets {
    /// The socket that clients of this port expect.
    #[must_use]
    pub fn path(&self, port: u16) -> PathBuf {
        self.directory.join(format!("mongodb-{port}.sock"))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compressor {
    Snappy,
    Zlib,
    Zstd,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    pub db_path: PathBuf,
    pub engine: StorageEngine,
    /// Memory for cached blocks; ours to choose when nothing is said.
    pub cache_bytes: Option<u64>,
    /// Check everything and exit instead of serving.
    pub repair: bool,
}

impl Storage {
    /// Where the data is, if it is on disk.
    #[must_use]
    pub fn on_disk(&self) -> Option<&Path> {
        self.engine.is_durable().then_some(self.db_path.as_path())
    }
}

/// How much of its log a member of a replica set is asked to keep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Oplog {
    pub size_mb: Option<u32>,
    pub min_retention_seconds: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StorageEngine {
    /// Durable; called wiredTiger because that is what clients and harnesses ask for.
    WiredTiger,
    InMemory,
    EphemeralForTest,
}

impl StorageEngine {
    /// The name it was asked for by.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WiredTiger => "wiredTiger",
            Self::InMemory => "inMemory",
            Self::EphemeralForTest => "ephemeralForTest",
        }
    }

    /// Whether it keeps anything on disk.
    #[must_use]
    pub fn is_durable(self) -> bool {
        self == Self::WiredTiger
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemLog {
    pub destination: LogDestination,
    /// 0 is informational, 5 is everything.
    pub verbosity: u8,
    /// By component path, such as `network.asio`.
    pub components: BTreeMap<String, u8>,
    /// Leave out lines about connections.
    pub quiet: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogDestination {
    Stdout,
    File { path: PathBuf, append: bool, rotation: LogRotation },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogRotation {
    /// Move the file aside and begin a new one.
    Rename,
    /// Something else has moved it; open the same name again.
    Reopen,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    pub fork: bool,
    pub pid_file: Option<PathBuf>,
}

/// How members and clients prove who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Security {
    /// The file of the secret that members share; not looked at yet.
    pub key_file: Option<PathBuf>,
    /// Whether queries may bring scripts, where it is said at all.
    pub javascript: Option<bool>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Profiling {
    pub mode: ProfileMode,
    pub slow_operation_ms: i32,
    /// From 0 to 1.
    pub sample_rate: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProfileMode {
    Off,
    SlowOperations,
    All,
}

impl Settings {
    /// Reads the fields out of the layers: `all` has every default, `given` only what was set.
    pub(crate) fn read(
        all: &Config,
        parsed: Tree,
        argv: Vec<String>,
        warnings: Vec<Warning>,
    ) -> Result<Self, Refusal> {
        let all = Fields(all);
        let log = system_log(&all)?;
        let process = Process {
            fork: all.flag("processManagement.fork")?,
            pid_file: all.path("processManagement.pidFilePath")?,
        };
        if process.fork && log.destination == LogDestination::Stdout {
            return Err(Refusal::new("--fork has to be used with --logpath"));
        }
        Ok(Self {
            net: net(&all)?,
            storage: storage(&all)?,
            oplog: oplog(&all)?,
            log,
            process,
            profiling: profiling(&all)?,
            security: Security {
                key_file: all.path("security.keyFile")?,
                javascript: all.optional(JAVASCRIPT, all.0.get_bool(JAVASCRIPT))?,
            },
            emulate_version: all.text("compatibility.emulateVersion")?,
            replica_set: replica_set(&all)?,
            parameters: all.parameters()?,
            warnings,
            argv,
            parsed,
        })
    }
}

/// Typed access to the merged layers. The layers hold values of the right kind already, so that a
/// failure here is a row of the table that does not fit its field.
struct Fields<'a>(&'a Config);

impl Fields<'_> {
    fn optional<T>(&self, key: &str, got: Result<T, ConfigError>) -> Result<Option<T>, Refusal> {
        match got {
            Ok(value) => Ok(Some(value)),
            Err(ConfigError::NotFound(_)) => Ok(None),
            Err(error) => Err(Refusal::new(format!("Bad value for {key}: {error}"))),
        }
    }

    fn required<T>(&self, key: &str, got: Result<T, ConfigError>) -> Result<T, Refusal> {
        got.map_err(|error| Refusal::new(format!("Bad value for {key}: {error}")))
    }

    fn flag(&self, key: &str) -> Result<bool, Refusal> {
        self.required(key, self.0.get_bool(key))
    }

    fn text(&self, key: &str) -> Result<String, Refusal> {
        self.required(key, self.0.get_string(key))
    }

    fn number<T: TryFrom<i64>>(&self, key: &str) -> Result<T, Refusal> {
        let number = self.required(key, self.0.get_int(key))?;
        T::try_from(number).map_err(|_| Refusal::new(format!("Bad value for {key}: {number}")))
    }

    fn optional_number<T: TryFrom<i64>>(&self, key: &str) -> Result<Option<T>, Refusal> {
        match self.optional(key, self.0.get_int(key))? {
            None => Ok(None),
            Some(_) => self.number(key).map(Some),
        }
    }

    fn path(&self, key: &str) -> Result<Option<PathBuf>, Refusal> {
        Ok(self.optional(key, self.0.get_string(key))?.map(PathBuf::from))
    }

    fn words(&self, key: &str) -> Result<Vec<String>, Refusal> {
        let text = self.text(key)?;
        Ok(text
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect())
    }

    fn optional_words(&self, key: &str) -> Result<Vec<String>, Refusal> {
        match self.optional(key, self.0.get_string(key))? {
            None => Ok(Vec::new()),
            Some(_) => self.words(key),
        }
    }

    fn table(&self, key: &str) -> Result<Map<String, Value>, Refusal> {
        Ok(self.optional(key, self.0.get_table(key))?.unwrap_or_default())
    }

    fn parameters(&self) -> Result<BTreeMap<String, String>, Refusal> {
        self.table(PARAMETERS)?
            .into_iter()
            .map(|(name, value)| Ok((name, self.required(PARAMETERS, value.into_string())?)))
            .collect()
    }
}

fn net(all: &Fields<'_>) -> Result<Net, Refusal> {
    let ipv6 = all.flag("net.ipv6")?;
    let (paths, hosts): (Vec<String>, Vec<String>) =
        all.words("net.bindIp")?.into_iter().partition(|word| word.starts_with('/'));
    let mut addresses = Vec::new();
    for host in hosts {
        match host.as_str() {
            "*" => {
                addresses.push("0.0.0.0".to_owned());
                addresses.extend(ipv6.then(|| "::".to_owned()));
            }
            "localhost" => {
                addresses.push("127.0.0.1".to_owned());
                addresses.extend(ipv6.then(|| "::1".to_owned()));
            }
            _ if host.parse::<Ipv6Addr>().is_ok() && !ipv6 => {
                return Err(Refusal::new(format!(
                    "Bad value for net.bindIp: '{host}' is an IPv6 address; add --ipv6"
                )));
            }
            _ => addresses.push(host),
        }
    }
    let mut seen = Vec::new();
    addresses.retain(|address| {
        !seen.contains(address) && {
            seen.push(address.clone());
            true
        }
    });
    if addresses.is_empty() && paths.is_empty() {
        return Err(Refusal::new("Bad value for net.bindIp: no address to listen on"));
    }
    let paths = paths.into_iter().map(PathBuf::from).collect();
    let port = all.number("net.port")?;
    Ok(Net {
        port,
        addresses,
        ipv6,
        listen_backlog: all.optional_number("net.listenBacklog")?,
        max_incoming_connections: all.number("net.maxIncomingConnections")?,
        connections_override: all.optional_words("net.maxIncomingConnectionsOverride")?,
        unix_sockets: unix_sockets(all, paths)?,
        compressors: compressors(&all.words("net.compression.compressors")?)?,
        admin: admin(all, port)?,
    })
}

fn unix_sockets(all: &Fields<'_>, paths: Vec<PathBuf>) -> Result<Option<UnixSockets>, Refusal> {
    let key = "net.unixDomainSocket.filePermissions";
    let mode = all.text(key)?;
    let permissions = u32::from_str_radix(&mode, 8).ok().filter(|mode| *mode <= 0o777);
    let Some(permissions) = permissions else {
        return Err(Refusal::new(format!("Bad value for {key}: '{mode}': expected an octal mode")));
    };
    if !all.flag("net.unixDomainSocket.enabled")? {
        return Ok(None);
    }
    let directory = all.text("net.unixDomainSocket.pathPrefix")?.into();
    Ok(Some(UnixSockets { directory, paths, permissions }))
}

fn compressors(words: &[String]) -> Result<Vec<Compressor>, Refusal> {
    if let [only] = words
        && only == "disabled"
    {
        return Ok(Vec::new());
    }
    let mut compressors = Vec::new();
    for word in words {
        let compressor = match word.as_str() {
            "snappy" => Compressor::Snappy,
            "zlib" => Compressor::Zlib,
            "zstd" => Compressor::Zstd,
            _ => {
                return Err(Refusal::new(format!(
                    "Bad value for net.compression.compressors: invalid network message \
                     compressor '{word}'"
                )));
            }
        };
        if !compressors.contains(&compressor) {
            compressors.push(compressor);
        }
    }
    Ok(compressors)
}

fn admin(all: &Fields<'_>, client_port: u16) -> Result<Option<SocketAddr>, Refusal> {
    let key = "net.http.bindIp";
    let text = all.text(key)?;
    let address: IpAddr = match text.parse() {
        Ok(address) => address,
        Err(_) if text == "localhost" => IpAddr::from([127, 0, 0, 1]),
        Err(_) => {
            return Err(Refusal::new(format!(
                "Bad value for {key}: '{text}': expected an address"
            )));
        }
    };
    let port = match all.optional_number::<u16>("net.http.port")? {
        Some(port) => Some(port),
        None if all.flag("net.http.RESTInterfaceEnabled")? => Some(status_port(client_port)?),
        None => None,
    };
    Ok(port.map(|port| SocketAddr::new(address, port)))
}

/// Where mongod had its status page: a thousand above the clients' port. A client port that is
/// still to be picked says nothing about it, and then this one is picked too.
fn status_port(client_port: u16) -> Result<u16, Refusal> {
    match client_port {
        0 => Ok(0),
        _ => client_port.checked_add(1000).ok_or_else(|| {
            Refusal::new(format!(
                "--rest needs a port that is 1000 above {client_port}, and there is none; name one \
                 with --httpPort"
            ))
        }),
    }
}

fn replica_set(all: &Fields<'_>) -> Result<Option<ReplicaSetSetting>, Refusal> {
    let (key, members_key) = ("replication.replSetName", "replication.initiate");
    let members = all.optional(members_key, all.0.get_string(members_key))?;
    let Some(text) = all.optional(key, all.0.get_string(key))? else {
        return match members {
            None => Ok(None),
            Some(_) => Err(Refusal::new(format!(
                "{members_key} (--replSetInitiate) needs the name of the set: {key} (--replSet)"
            ))),
        };
    };
    let setting = ReplicaSetSetting::parse(&text)
        .map_err(|why| Refusal::new(format!("Bad value for {key} (--replSet): '{text}': {why}")))?;
    let Some(members) = members else { return Ok(Some(setting)) };
    let setting = setting.initiated_with(&members).map_err(|why| {
        Refusal::new(format!("Bad value for {members_key} (--replSetInitiate): '{members}': {why}"))
    })?;
    Ok(Some(setting))
}

fn oplog(all: &Fields<'_>) -> Result<Oplog, Refusal> {
    let key = "storage.oplogMinRetentionHours";
    let hours = all.optional(key, all.0.get_float(key))?;
    Ok(Oplog {
        size_mb: all.optional_number("replication.oplogSizeMB")?,
        // Between nothing and a billion, as its row says: far inside u64.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        min_retention_seconds: hours.map(|hours| (hours * 3600.0) as u64),
    })
}

fn storage(all: &Fields<'_>) -> Result<Storage, Refusal> {
    let engine = match all.text("storage.engine")?.as_str() {
        "inMemory" => StorageEngine::InMemory,
        "ephemeralForTest" => StorageEngine::EphemeralForTest,
        _ => StorageEngine::WiredTiger,
    };
    let key = "storage.wiredTiger.engineConfig.cacheSizeGB";
    let gigabytes = all.optional(key, all.0.get_float(key))?;
    Ok(Storage {
        db_path: all.text("storage.dbPath")?.into(),
        engine,
        // Between a quarter and ten thousand, as its row says: far inside u64.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        cache_bytes: gigabytes.map(|count| (count * f64::from(1_u32 << 30)) as u64),
        repair: all.flag("storage.repair")?,
    })
}

fn system_log(all: &Fields<'_>) -> Result<SystemLog, Refusal> {
    let append = all.flag("systemLog.logAppend")?;
    let rotation = match all.text("systemLog.logRotate")?.as_str() {
        "reopen" => LogRotation::Reopen,
        _ => LogRotation::Rename,
    };
    if rotation == LogRotation::Reopen && !append {
        return Err(Refusal::new("logAppend must equal true if logRotate is set to reopen"));
    }
    let path = all.path("systemLog.path")?;
    if path.is_none() && all.0.get_string("systemLog.destination").is_ok_and(|to| to == "file") {
        return Err(Refusal::new(
            "systemLog.path is required if systemLog.destination is to a file",
        ));
    }
    let mut components = BTreeMap::new();
    component_levels("", all.table(COMPONENTS)?, &mut components)?;
    Ok(SystemLog {
        destination: match path {
            Some(path) => LogDestination::File { path, append, rotation },
            None => LogDestination::Stdout,
        },
        verbosity: all.number("systemLog.verbosity")?,
        components,
        quiet: all.flag("systemLog.quiet")?,
    })
}

/// Components nest at most twice, as their paths in the table do.
fn component_levels(
    component: &str,
    table: Map<String, Value>,
    levels: &mut BTreeMap<String, u8>,
) -> Result<(), Refusal> {
    for (name, value) in table {
        match value.kind {
            ValueKind::Table(inner) => {
                let path = if component.is_empty() { name } else { format!("{component}.{name}") };
                component_levels(&path, inner, levels)?;
            }
            ValueKind::I64(level) => {
                let level = u8::try_from(level)
                    .map_err(|_| Refusal::new(format!("Bad value for {component}: {level}")))?;
                levels.insert(component.to_owned(), level);
            }
            _ => return Err(Refusal::new(format!("Bad value for {COMPONENTS}.{component}"))),
        }
    }
    Ok(())
}

fn profiling(all: &Fields<'_>) -> Result<Profiling, Refusal> {
    let key = "operationProfiling.slowOpSampleRate";
    Ok(Profiling {
        mode: match all.text("operationProfiling.mode")?.as_str() {
            "slowOp" => ProfileMode::SlowOperations,
            "all" => ProfileMode::All,
            _ => ProfileMode::Off,
        },
        slow_operation_ms: all.number("operationProfiling.slowOpThresholdMs")?,
        sample_rate: all.required(key, all.0.get_float(key))?,
    })
}
