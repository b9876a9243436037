//! Every setting there is, once: its paths, flags, kind, default, and whether it does something.
//!
//! Adding a setting means adding a row here and a field in [`crate::Settings`] that reads it.

use crate::setting::Kind::{
    Bool, Choice, Components, Float, Int, List, Parameters, Path, Secret, Text, Verbosity,
};
use crate::setting::{Alias, Gives, Setting, Spelling, alias, means, takes};

/// The path under which server parameters live.
pub(crate) const PARAMETERS: &str = "setParameter";

pub(crate) const JAVASCRIPT: &str = "security.javascriptEnabled";
/// The path under which the log's components live.
pub(crate) const COMPONENTS: &str = "systemLog.component";

const PORT: crate::Kind = Int { min: 0, max: 65_535 };
const COUNT: crate::Kind = Int { min: 0, max: i32::MAX as i64 };
const ANY_INT: crate::Kind = Int { min: i32::MIN as i64, max: i32::MAX as i64 };
const POSITIVE: crate::Kind = Int { min: 1, max: i32::MAX as i64 };

const NO_TLS: &str = "connections are not encrypted by this version";
const NO_ACCESS_CONTROL: &str = "access control is not enforced by this version";
const NO_KEY_FOR_CLIENTS: &str =
    "clients are not asked who they are: access control is not enforced by this version";
const NO_CLUSTER_CERTIFICATES: &str =
    "members never prove who they are by certificate in this version";
const NO_SOURCE_CHECK: &str = "connections are accepted from every address in this version";
const NO_SHARDING: &str = "there is no sharding";
const NO_ROLE: &str = "there is no sharding: this server is no part of a sharded cluster";
const OWN_STORAGE: &str = "the storage engine is not WiredTiger and tunes this itself";
const ALWAYS_DURABLE: &str = "every acknowledged write is already on disk";

const OFF_WORDS: &[&str] = &["false"];
const TLS_MODES: &[&str] = &["disabled", "allowTLS", "preferTLS", "requireTLS"];
const SSL_MODES: &[(&str, &str)] = &[
    ("disabled", "disabled"),
    ("allowSSL", "allowTLS"),
    ("preferSSL", "preferTLS"),
    ("requireSSL", "requireTLS"),
];
const PROFILE_LEVELS: &[(&str, &str)] = &[("0", "off"), ("1", "slowOp"), ("2", "all")];

/// A row under `net.tls`, none of which can be honoured yet.
const fn tls(key: &'static str, kind: crate::Kind, meaning: &'static str) -> Setting {
    let harmless: &[&str] = if matches!(kind, Bool) { OFF_WORDS } else { &[] };
    Setting::new(key, kind, meaning).unprotected(harmless, NO_TLS)
}

/// A row that tunes WiredTiger.
const fn tuning(key: &'static str, kind: crate::Kind, meaning: &'static str) -> Setting {
    Setting::new(key, kind, meaning).ignored(OWN_STORAGE)
}

/// Every setting, grouped as in the configuration file.
pub const SETTINGS: &[Setting] = &[
    // ---- net
    Setting::new("net.port", PORT, "Port for clients; 0 picks a free one.")
        .flags(&[takes("port")])
        .default("27017"),
    Setting::new("net.bindIp", List, "Addresses to listen on, separated by commas; * is all.")
        .flags(&[takes("bind_ip"), means("bind_ip_all", "*")])
        .aliases(&[Alias { key: "net.bindIpAll", values: &[("true", "*"), ("false", "")] }])
        .default("localhost"),
    Setting::new("net.ipv6", Bool, "Listen on IPv6 addresses too.")
        .flags(&[means("ipv6", "true")])
        .default("false"),
    Setting::new("net.listenBacklog", POSITIVE, "Connections the kernel queues for us.")
        .flags(&[takes("listenBacklog")]),
    Setting::new(
        "net.maxIncomingConnections",
        Int { min: 5, max: 1_000_000 },
        "Client connections at one time.",
    )
    .flags(&[takes("maxConns")])
    .default("1000000"),
    Setting::new(
        "net.maxIncomingConnectionsOverride",
        List,
        "Addresses and ranges (10.0.0.0/8) from which clients connect beyond maxIncomingConnections.",
    ),
    Setting::new("net.wireObjectCheck", Bool, "Check documents as they arrive.")
        .flags(&[means("objcheck", "true"), means("noobjcheck", "false")])
        .ignored("every message is checked, always"),
    Setting::new("net.serviceExecutor", Text, "How connections are served.")
        .flags(&[takes("serviceExecutor")])
        .ignored("connections are tasks of one runtime"),
    Setting::new("net.compression.compressors", List, "Compressors offered; disabled is none.")
        .flags(&[takes("networkMessageCompressors")])
        .default("snappy,zstd,zlib"),
    Setting::new("net.unixDomainSocket.enabled", Bool, "Listen on a Unix socket too.")
        .flags(&[means("nounixsocket", "false")])
        .default("true"),
    Setting::new("net.unixDomainSocket.pathPrefix", Path, "Directory of the Unix socket.")
        .flags(&[takes("unixSocketPrefix")])
        .default("/tmp"),
    Setting::new("net.unixDomainSocket.filePermissions", Text, "Mode of the Unix socket, octal.")
        .flags(&[takes("filePermissions")])
        .default("0700"),
    Setting::new(
        "net.http.port",
        PORT,
        "Port for status, health and metrics over HTTP; off unless set.",
    )
    .flags(&[takes("httpPort")]),
    Setting::new(
        "net.http.RESTInterfaceEnabled",
        Bool,
        "Serve status, health and metrics over HTTP; 1000 above the port for clients unless \
         net.http.port says where.",
    )
    .flags(&[means("rest", "true")])
    .default("false"),
    Setting::new("net.http.bindIp", Text, "Address of the HTTP port.")
        .flags(&[takes("httpBindIp")])
        .default("127.0.0.1"),
    // ---- net.tls
    Setting::new("net.tls.mode", Choice(TLS_MODES), "Encrypt connections.")
        .flags(&[
            takes("tlsMode"),
            Spelling { name: "sslMode", gives: Gives::Mapped(SSL_MODES) },
            means("tlsOnNormalPorts", "requireTLS"),
            means("sslOnNormalPorts", "requireTLS"),
        ])
        .aliases(&[Alias { key: "net.ssl.mode", values: SSL_MODES }])
        .unprotected(&["disabled"], NO_TLS)
        .but_never(&["requireTLS"]),
    tls("net.tls.certificateKeyFile", Path, "Certificate and key, PEM.")
        .flags(&[takes("tlsCertificateKeyFile"), takes("sslPEMKeyFile")])
        .aliases(&[alias("net.ssl.PEMKeyFile")]),
    tls("net.tls.certificateKeyFilePassword", Secret, "Password of the key.")
        .flags(&[takes("tlsCertificateKeyFilePassword"), takes("sslPEMKeyPassword")])
        .aliases(&[alias("net.ssl.PEMKeyPassword")]),
    tls("net.tls.clusterFile", Path, "Certificate and key towards members.")
        .flags(&[takes("tlsClusterFile"), takes("sslClusterFile")])
        .aliases(&[alias("net.ssl.clusterFile")]),
    tls("net.tls.clusterPassword", Secret, "Password of the cluster key.")
        .flags(&[takes("tlsClusterPassword"), takes("sslClusterPassword")])
        .aliases(&[alias("net.ssl.clusterPassword")]),
    tls("net.tls.CAFile", Path, "Authorities trusted for clients.")
        .flags(&[takes("tlsCAFile"), takes("sslCAFile")])
        .aliases(&[alias("net.ssl.CAFile")]),
    tls("net.tls.clusterCAFile", Path, "Authorities trusted for members.")
        .flags(&[takes("tlsClusterCAFile"), takes("sslClusterCAFile")])
        .aliases(&[alias("net.ssl.clusterCAFile")]),
    tls("net.tls.CRLFile", Path, "Revoked certificates.")
        .flags(&[takes("tlsCRLFile"), takes("sslCRLFile")])
        .aliases(&[alias("net.ssl.CRLFile")]),
    tls("net.tls.disabledProtocols", List, "TLS versions not offered.")
        .flags(&[takes("tlsDisabledProtocols"), takes("sslDisabledProtocols")])
        .aliases(&[alias("net.ssl.disabledProtocols")]),
    tls("net.tls.logVersions", List, "TLS versions to log.").flags(&[takes("tlsLogVersions")]),
    tls("net.tls.allowConnectionsWithoutCertificates", Bool, "Clients need no certificate.")
        .flags(&[
            means("tlsAllowConnectionsWithoutCertificates", "true"),
            means("sslAllowConnectionsWithoutCertificates", "true"),
            means("sslWeakCertificateValidation", "true"),
        ])
        .aliases(&[
            alias("net.ssl.allowConnectionsWithoutCertificates"),
            alias("net.ssl.weakCertificateValidation"),
        ]),
    tls("net.tls.allowInvalidHostnames", Bool, "Accept certificates for other hosts.")
        .flags(&[
            means("tlsAllowInvalidHostnames", "true"),
            means("sslAllowInvalidHostnames", "true"),
        ])
        .aliases(&[alias("net.ssl.allowInvalidHostnames")]),
    tls("net.tls.allowInvalidCertificates", Bool, "Accept certificates of unknown authorities.")
        .flags(&[
            means("tlsAllowInvalidCertificates", "true"),
            means("sslAllowInvalidCertificates", "true"),
        ])
        .aliases(&[alias("net.ssl.allowInvalidCertificates")]),
    tls("net.tls.FIPSMode", Bool, "Use only FIPS cryptography.")
        .flags(&[means("tlsFIPSMode", "true"), means("sslFIPSMode", "true")])
        .aliases(&[alias("net.ssl.FIPSMode")]),
    // ---- storage
    Setting::new("storage.dbPath", Path, "Directory of the data.")
        .flags(&[takes("dbpath")])
        .default("/data/db"),
    Setting::new(
        "storage.engine",
        Choice(&["wiredTiger", "inMemory", "ephemeralForTest"]),
        "wiredTiger is the durable engine (RocksDB here); the others keep nothing on disk.",
    )
    .flags(&[takes("storageEngine")])
    .default("wiredTiger"),
    Setting::new(
        "storage.wiredTiger.engineConfig.cacheSizeGB",
        Float { min: 0.25, max: 10_000.0 },
        "Memory for cached data blocks.",
    )
    .flags(&[takes("wiredTigerCacheSizeGB")]),
    Setting::new("storage.directoryPerDB", Bool, "One directory per database.")
        .flags(&[means("directoryperdb", "true")])
        .ignored("all databases share one store"),
    Setting::new("storage.syncPeriodSecs", Float { min: 0.0, max: 1e9 }, "Seconds between syncs.")
        .flags(&[takes("syncdelay")])
        .ignored(ALWAYS_DURABLE),
    Setting::new("storage.journal.enabled", Bool, "Keep a journal.")
        .flags(&[means("journal", "true"), means("nojournal", "false")])
        .ignored(ALWAYS_DURABLE),
    Setting::new(
        "storage.journal.commitIntervalMs",
        Int { min: 1, max: 500 },
        "Milliseconds between journal syncs.",
    )
    .flags(&[takes("journalCommitInterval")])
    .ignored(ALWAYS_DURABLE),
    Setting::new(
        "storage.oplogMinRetentionHours",
        Float { min: 0.0, max: 1e9 },
        "Hours that a member of a replica set keeps its log at least, however large it is.",
    )
    .flags(&[takes("oplogMinRetentionHours")]),
    Setting::new("storage.repair", Bool, "Recover and check all data, report damage, and exit.")
        .flags(&[means("repair", "true")])
        .default("false"),
    Setting::new("storage.restore", Bool, "Finish a selective restore.")
        .flags(&[means("restore", "true")])
        .refused(OFF_WORDS, "there is no selective restore"),
    Setting::new("storage.queryableBackupMode", Bool, "Serve a backup, read only.")
        .flags(&[means("queryableBackupMode", "true")])
        .refused(OFF_WORDS, "there is no read-only mode"),
    Setting::new("storage.upgrade", Bool, "Upgrade the data files.")
        .flags(&[means("upgrade", "true")])
        .ignored("data files need no separate upgrade"),
    tuning(
        "storage.wiredTiger.engineConfig.journalCompressor",
        Choice(&["none", "snappy", "zlib", "zstd"]),
        "Compression of the journal.",
    )
    .flags(&[takes("wiredTigerJournalCompressor")]),
    tuning(
        "storage.wiredTiger.engineConfig.directoryForIndexes",
        Bool,
        "A directory for indexes alone.",
    )
    .flags(&[means("wiredTigerDirectoryForIndexes", "true")]),
    tuning(
        "storage.wiredTiger.engineConfig.maxCacheOverflowFileSizeGB",
        Float { min: 0.0, max: 1e9 },
        "Size of the cache's overflow file.",
    )
    .flags(&[takes("wiredTigerMaxCacheOverflowFileSizeGB")]),
    tuning(
        "storage.wiredTiger.engineConfig.zstdCompressionLevel",
        Int { min: 1, max: 22 },
        "Level of zstd compression.",
    )
    .flags(&[takes("zstdDefaultCompressionLevel")]),
    tuning(
        "storage.wiredTiger.engineConfig.statisticsLogDelaySecs",
        COUNT,
        "Seconds between statistics.",
    )
    .flags(&[takes("wiredTigerStatisticsLogDelaySecs")]),
    tuning("storage.wiredTiger.engineConfig.configString", Text, "Options of the engine.")
        .flags(&[takes("wiredTigerEngineConfigString")]),
    tuning(
        "storage.wiredTiger.collectionConfig.blockCompressor",
        Choice(&["none", "snappy", "zlib", "zstd"]),
        "Compression of collections.",
    )
    .flags(&[takes("wiredTigerCollectionBlockCompressor")]),
    tuning("storage.wiredTiger.collectionConfig.configString", Text, "Options of collections.")
        .flags(&[takes("wiredTigerCollectionConfigString")]),
    Setting::new(
        "storage.wiredTiger.indexConfig.prefixCompression",
        Bool,
        "Compress common prefixes of index keys.",
    )
    .flags(&[Spelling { name: "wiredTigerIndexPrefixCompression", gives: Gives::Optional("true") }])
    .ignored(OWN_STORAGE),
    tuning("storage.wiredTiger.indexConfig.configString", Text, "Options of indexes.")
        .flags(&[takes("wiredTigerIndexConfigString")]),
    Setting::new(
        "storage.inMemory.engineConfig.inMemorySizeGB",
        Float { min: 0.01, max: 10_000.0 },
        "Memory for the in-memory engine.",
    )
    .flags(&[takes("inMemorySizeGB")])
    .ignored("the in-memory engine has no limit of its own"),
    tuning(
        "storage.inMemory.engineConfig.statisticsLogDelaySecs",
        COUNT,
        "Seconds between statistics.",
    )
    .flags(&[takes("inMemoryStatisticsLogDelaySecs")]),
    // ---- compatibility
    Setting::new(
        "compatibility.emulateVersion",
        Text,
        "MongoDB version to behave as, wherever a client can tell: 4.0 to 9.0.",
    )
    .flags(&[takes("emulateVersion")])
    .default("8.0"),
    // ---- systemLog
    Setting::new("systemLog.verbosity", Verbosity, "How much to log; -v to -vvvvv.")
        .flags(&[Spelling { name: "verbose", gives: Gives::Optional("v") }])
        .default("0"),
    Setting::new(COMPONENTS, Components, "Verbosity of one component of the log."),
    Setting::new("systemLog.quiet", Bool, "Leave connections out of the log.")
        .flags(&[means("quiet", "true")])
        .default("false"),
    Setting::new("systemLog.traceAllExceptions", Bool, "Log every exception.")
        .flags(&[means("traceExceptions", "true")])
        .ignored("there are no exceptions to trace"),
    Setting::new("systemLog.destination", Choice(&["file", "syslog"]), "Where the log goes.")
        .flags(&[means("syslog", "syslog")])
        .refused(&["file"], "the log goes to standard output or to a file"),
    Setting::new("systemLog.syslogFacility", Text, "Facility for syslog.")
        .flags(&[takes("syslogFacility")])
        .ignored("the log goes to standard output or to a file"),
    Setting::new("systemLog.path", Path, "File of the log; standard output unless set.")
        .flags(&[takes("logpath")]),
    Setting::new("systemLog.logAppend", Bool, "Go on in an old log file.")
        .flags(&[means("logappend", "true")])
        .default("false"),
    Setting::new("systemLog.logRotate", Choice(&["rename", "reopen"]), "How the log rotates.")
        .flags(&[takes("logRotate")])
        .default("rename"),
    Setting::new(
        "systemLog.timeStampFormat",
        Choice(&["iso8601-utc", "iso8601-local"]),
        "How the log tells the time.",
    )
    .flags(&[takes("timeStampFormat")])
    .ignored("the log always tells UTC"),
    // ---- processManagement
    Setting::new("processManagement.fork", Bool, "Go on in the background.")
        .flags(&[means("fork", "true")])
        .default("false"),
    Setting::new("processManagement.pidFilePath", Path, "File for the process id.")
        .flags(&[takes("pidfilepath")]),
    Setting::new("processManagement.timeZoneInfo", Path, "Time zone database.")
        .flags(&[takes("timeZoneInfo")])
        .ignored("the time zone database is built in"),
    Setting::new("processManagement.shutdown", Bool, "Stop the server of this dbpath.")
        .flags(&[means("shutdown", "true")])
        .refused(OFF_WORDS, "send SIGTERM to the server instead"),
    // ---- security
    Setting::new(
        "security.authorization",
        Choice(&["disabled", "enabled"]),
        "Ask clients who they are.",
    )
    .flags(&[means("auth", "enabled"), means("noauth", "disabled")])
    .unprotected(&["disabled"], NO_ACCESS_CONTROL),
    Setting::new("security.keyFile", Path, "File of the secret that members share.")
        .flags(&[takes("keyFile")])
        .unprotected(&[], NO_KEY_FOR_CLIENTS),
    Setting::new(
        "security.clusterAuthMode",
        Choice(&["keyFile", "sendKeyFile", "sendX509", "x509"]),
        "How members prove who they are.",
    )
    .flags(&[takes("clusterAuthMode")])
    .unprotected(&["keyFile"], NO_CLUSTER_CERTIFICATES),
    Setting::new("security.transitionToAuth", Bool, "Accept clients with and without a name.")
        .flags(&[means("transitionToAuth", "true")])
        .unprotected(OFF_WORDS, NO_ACCESS_CONTROL),
    Setting::new("security.clusterIpSourceAllowlist", List, "Addresses members may come from.")
        .flags(&[takes("clusterIpSourceAllowlist"), takes("clusterIpSourceWhitelist")])
        .aliases(&[alias("security.clusterIpSourceWhitelist")])
        .unprotected(&[], NO_SOURCE_CHECK),
    Setting::new(JAVASCRIPT, Bool, "Run scripts that queries bring; else only test commands do.")
        .flags(&[means("noscripting", "false")]),
    // ---- operationProfiling
    Setting::new(
        "operationProfiling.mode",
        Choice(&["off", "slowOp", "all"]),
        "Which operations are profiled; 0, 1 or 2 as a flag.",
    )
    .flags(&[Spelling { name: "profile", gives: Gives::Mapped(PROFILE_LEVELS) }])
    .default("off"),
    Setting::new(
        "operationProfiling.slowOpThresholdMs",
        ANY_INT,
        "From when on an operation is slow.",
    )
    .flags(&[takes("slowms")])
    .default("100"),
    Setting::new(
        "operationProfiling.slowOpSampleRate",
        Float { min: 0.0, max: 1.0 },
        "Share of slow operations that are logged.",
    )
    .flags(&[takes("slowOpSampleRate")])
    .default("1.0"),
    Setting::new("operationProfiling.filter", Text, "Which operations are profiled, as a filter.")
        .flags(&[takes("profileFilter")])
        .ignored("slowOpThresholdMs and slowOpSampleRate decide alone"),
    // ---- replication and sharding
    Setting::new(
        "replication.replSetName",
        Text,
        "Name of the replica set, and after a slash members to ask: name/host:port,host:port.",
    )
    .flags(&[takes("replSet")])
    .aliases(&[alias("replication.replSet")]),
    Setting::new(
        "replication.initiate",
        List,
        "Members of the set, host:port each; the first initiates it once all of them answer and \
         none belongs to a set.",
    )
    .flags(&[takes("replSetInitiate")]),
    Setting::new(
        "replication.oplogSizeMB",
        POSITIVE,
        "Megabytes of its log that a member of a replica set keeps; 5 % of the free disk, 990 to \
         51200, when nothing is said. Counts at the first start; later ones keep what there is, \
         and replSetResizeOplog changes it.",
    )
    .flags(&[takes("oplogSize")]),
    Setting::new("replication.enableMajorityReadConcern", Bool, "Allow majority reads.")
        .flags(&[Spelling { name: "enableMajorityReadConcern", gives: Gives::Optional("true") }])
        .ignored("majority reads are always allowed"),
    Setting::new("sharding.clusterRole", Choice(&["shardsvr", "configsvr"]), "Role in a cluster.")
        .flags(&[means("shardsvr", "shardsvr"), means("configsvr", "configsvr")])
        .ignored(NO_ROLE),
    Setting::new("sharding.archiveMovedChunks", Bool, "Keep moved chunks.")
        .flags(&[means("moveParanoia", "true"), means("noMoveParanoia", "false")])
        .ignored(NO_SHARDING),
    // ---- server parameters
    Setting::new(PARAMETERS, Parameters, "Server parameters; the flag may be repeated.")
        .flags(&[takes("setParameter")]),
];

/// The components of the log that can have a verbosity of their own: path, and name in log lines.
pub const LOG_COMPONENTS: &[(&str, &str)] = &[
    ("accessControl", "ACCESS"),
    ("assert", "ASSERT"),
    ("command", "COMMAND"),
    ("control", "CONTROL"),
    ("executor", "EXECUTOR"),
    ("ftdc", "FTDC"),
    ("geo", "GEO"),
    ("index", "INDEX"),
    ("network", "NETWORK"),
    ("network.asio", "ASIO"),
    ("network.bridge", "BRIDGE"),
    ("network.connectionPool", "CONNPOOL"),
    ("query", "QUERY"),
    ("query.rejected", "QUERYREJ"),
    ("queryStats", "QUERYSTATS"),
    ("replication", "REPL"),
    ("replication.election", "ELECTION"),
    ("replication.heartbeats", "REPL_HB"),
    ("replication.initialSync", "INITSYNC"),
    ("replication.rollback", "ROLLBACK"),
    ("sharding", "SHARDING"),
    ("storage", "STORAGE"),
    ("storage.journal", "JOURNAL"),
    ("storage.recovery", "RECOVERY"),
    ("storage.wt", "WT"),
    ("test", "TEST"),
    ("transaction", "TXN"),
    ("write", "WRITE"),
];

/// The row with this path.
pub(crate) fn by_key(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// The row with this path or older path, and the older path's words for its values.
pub(crate) fn by_path(
    path: &str,
) -> Option<(&'static Setting, &'static [(&'static str, &'static str)])> {
    if let Some(setting) = by_key(path) {
        return Some((setting, &[]));
    }
    SETTINGS.iter().find_map(|setting| {
        let alias = setting.aliases.iter().find(|alias| alias.key == path)?;
        Some((setting, alias.values))
    })
}

/// The row that a flag sets.
pub(crate) fn by_flag(name: &str) -> Option<(&'static Setting, &'static Spelling)> {
    SETTINGS.iter().find_map(|setting| {
        let spelling = setting.flags.iter().find(|spelling| spelling.name == name)?;
        Some((setting, spelling))
    })
}
