//! Parameters of MongoDB that tune what is not here.
//!
//! Owns the names that harnesses pass to every server they start. They are accepted, so that the
//! start does not fail over them, and named in the log, so that nobody believes they work.

/// Whole families, by the beginning of their names.
const FAMILIES: &[&str] = &[
    "diagnosticDataCollection",
    "flowControl",
    "initialSync",
    "internalPipeline",
    "internalQuery",
    "internalDocumentSource",
    "oplogFetcher",
    "replBatchLimit",
    "tcmalloc",
    "ttlIndexDelete",
    "wiredTiger",
];

const NAMES: &[&str] = &[
    "allowDiskUseByDefault",
    "disableJavaScriptJIT",
    "enableFlowControl",
    "enableLocalhostAuthBypass",
    "heapProfilingEnabled",
    "journalCommitInterval",
    "numInitialSyncAttempts",
    "numInitialSyncConnectAttempts",
    "ocspEnabled",
    "orphanCleanupDelaySecs",
    "replWriterThreadCount",
    "scramIterationCount",
    "scramSHA256IterationCount",
    "skipShardingConfigurationChecks",
    "storageEngineConcurrentReadTransactions",
    "storageEngineConcurrentWriteTransactions",
    "syncdelay",
    "tlsUseSystemCA",
    "traceExceptions",
    "ttlMonitorBatchDeletes",
    "watchdogPeriodSeconds",
];

pub(super) fn is_known(name: &str) -> bool {
    NAMES.binary_search(&name).is_ok() || FAMILIES.iter().any(|family| name.starts_with(family))
}

pub(super) fn warning(name: &str) -> String {
    format!("The server parameter '{name}' has no effect on this server")
}

#[cfg(test)]
mod tests {
    use super::{NAMES, is_known};

    #[test]
    fn the_names_are_sorted_for_the_search() {
        assert!(NAMES.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(is_known("internalQueryMaxBlockingSortMemoryUsageBytes"));
        assert!(!is_known("internal") && !is_known("noSuchParameter"));
    }
}
