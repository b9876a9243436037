//! The values that are fixed for the whole run of one command.

use crate::scripts::Scripting;
use quire_bson::Bson;
use quire_collation::ValueOrder;

/// What a query may know of the world. The leader resolves it once per command, so evaluating the
/// same query over the same documents always gives the same result.
#[derive(Clone, Debug, Default)]
pub struct Constants {
    /// `$$NOW`, in milliseconds since the epoch.
    pub now_millis: i64,
    /// `$$CLUSTER_TIME`, seconds and increment, where there is a replica set.
    pub cluster_time: Option<(u32, u32)>,
    /// The command's `let` variables, already evaluated.
    pub variables: Vec<(String, Bson)>,
    /// Variables that get their values later: what is parsed with them can only be checked, and shows
    /// them as missing.
    pub unbound: Vec<String>,
    /// Seeds `$rand`, `$sampleRate` and `$sample`.
    pub random_seed: u64,
    /// By which values are compared, sorted and gathered.
    pub order: ValueOrder,
    /// Whether scripts may be run, and by whom.
    pub scripting: Scripting,
}

impl Constants {
    /// The same for a filter that a collection keeps: it may not bring scripts.
    pub fn for_catalog(&self) -> Constants {
        Constants { scripting: Scripting::InCatalog, ..self.clone() }
    }
}
