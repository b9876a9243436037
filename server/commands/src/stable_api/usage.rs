//! Which versions of the API each application declared within the last day.

use super::{Declared, Version};
use crate::client::Client;
use parking_lot::Mutex;
use quire_bson::{DocBuilder, RawValue};
use std::collections::BTreeMap;

/// How long a declaration is shown.
const KEPT_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// The most applications that are remembered; one more waits until another is forgotten.
const APPLICATIONS_MAX: usize = 1_000;

/// A connection's declaration is noted again when it is this old.
const NOTED_MILLIS: i64 = 60 * 1000;

/// When an application last declared each version: none, 1 and 2.
type LastSeen = [Option<i64>; 3];

const SHOWN: [&str; 3] = ["default", "1", "2"];

/// What `serverStatus` shows as `metrics.apiVersions`.
#[derive(Debug, Default)]
pub struct Usage {
    applications: Mutex<BTreeMap<String, LastSeen>>,
}

impl Usage {
    /// Notes what a command of this client declared.
    pub fn note(&self, client: &Client, declared: &Declared, now: i64) {
        let version = match declared.version {
            None => 0,
            Some(Version::One) => 1,
            Some(Version::Two) => 2,
            Some(Version::Unknown) => return,
        };
        // The name becomes a key, which cannot hold a zero byte.
        let name = client.app_name().filter(|name| !name.is_empty() && !name.contains('\0'));
        let Some(name) = name else { return };
        if !client.is_due(version, now, NOTED_MILLIS) {
            return;
        }
        let mut applications = self.applications.lock();
        if !applications.contains_key(name) && applications.len() >= APPLICATIONS_MAX {
            applications.retain(|_, seen| seen.iter().any(|seen| is_recent(*seen, now)));
            if applications.len() >= APPLICATIONS_MAX {
                return;
            }
        }
        let seen = applications.entry(name.to_owned()).or_default();
        if let Some(seen) = seen.get_mut(version) {
            *seen = Some(now);
        }
    }

    pub fn append(&self, b: &mut DocBuilder, now: i64) {
        for (name, seen) in self.applications.lock().iter() {
            let versions = SHOWN.iter().zip(seen).filter(|(_, seen)| is_recent(**seen, now));
            let versions: Vec<&str> = versions.map(|(shown, _)| *shown).collect();
            if versions.is_empty() {
                continue;
            }
            b.append_array(name, |list| {
                for version in versions {
                    list.push(RawValue::String(version));
                }
            });
        }
    }
}

fn is_recent(seen: Option<i64>, now: i64) -> bool {
    seen.is_some_and(|seen| now.saturating_sub(seen) < KEPT_MILLIS)
}
