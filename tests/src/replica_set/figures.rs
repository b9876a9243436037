//! What members tell of themselves in figures: on their admin ports, and as hashes of their data.
//!
//! For sets whose processes were started with an admin port.

use super::ReplicaSet;
use crate::http::get;
use quire_bson::doc;
use std::net::SocketAddr;
use std::time::Duration;

/// The line that tells the address of the admin port.
const SERVING_ADMIN: i64 = 7_100_041;

/// How long everybody has to stand still to count as settled.
const STILL: Duration = Duration::from_millis(300);

impl ReplicaSet {
    /// Where a member serves its admin pages.
    pub fn admin_address(&self, place: usize) -> SocketAddr {
        let line = self.daemon(place).logged(SERVING_ADMIN);
        let text = line.pointer("/attr/address").and_then(|a| a.as_str()).expect("an address");
        text.parse().expect("an address")
    }

    /// A figure of a member's metrics.
    pub fn figure(&self, place: usize, name: &str) -> i64 {
        let page = get(self.admin_address(place), "GET", "/metrics").body;
        let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name} in {page}"))
    }

    /// The newest entry that a member holds, knows to be committed, and has applied.
    pub fn positions(&self, place: usize) -> [i64; 3] {
        ["quire_log_last_index", "quire_log_committed_index", "quire_log_applied_index"]
            .map(|name| self.figure(place, name))
    }

    /// Waits until nothing is under way any more: all who run have the same, and it stays so.
    pub fn settled(&self) -> i64 {
        let common = |set: &ReplicaSet| {
            let running = set.running();
            let [last, ..] = set.positions(*running.first()?);
            running.iter().all(|place| set.positions(*place) == [last; 3]).then_some(last)
        };
        self.wait_for("a log that is the same everywhere", |set| {
            let before = common(set)?;
            std::thread::sleep(STILL);
            common(set).filter(|after| *after == before)
        })
    }

    /// The hash of all that a member has in the database of the tests.
    pub fn hash(&self, place: usize) -> String {
        let reply = self.connect(place).ok("test", doc! { "dbHash": 1 });
        reply.get_str("md5").expect("a hash").to_owned()
    }

    /// Waits until all who run have the same data.
    pub fn wait_until_equal(&self) {
        self.wait_until("equal hashes", |set| {
            let mut hashes: Vec<String> =
                set.running().into_iter().map(|place| set.hash(place)).collect();
            hashes.dedup();
            hashes.len() == 1
        });
    }
}
