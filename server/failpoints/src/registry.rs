//! The points of a node, and the table that finds them by name.
//!
//! A point is added by its file in `points`, a field of [`FailPoints`], and a line of [`KNOWN`].

use crate::point::{FailPoint, Switch};
use crate::points::fail_command::FailCommand;
use crate::points::fail_get_more_after_cursor_checkout::FailGetMore;
use crate::points::on_primary_transactional_write::OnTransactionalWrite;
use crate::points::quire_client_bytes::ClientBytes;
use crate::points::quire_disk::Disk;
use crate::points::quire_election::Election;
use crate::points::quire_peer_traffic::PeerTraffic;
use crate::points::{
    disable_stapling, fail_command, fail_get_more_after_cursor_checkout, max_time_always_time_out,
    max_time_never_time_out, on_primary_transactional_write, quire_client_bytes, quire_disk,
    quire_election, quire_fail_apply, quire_peer_traffic, rs_sync_apply_stop, stepdown_hang,
    stop_repl_producer,
};
use quire_errors::{Code, CommandError, Result};

/// Every point of one node. All are off when it starts.
#[derive(Debug, Default)]
pub struct FailPoints {
    pub disable_stapling: FailPoint<()>,
    pub fail_command: FailPoint<FailCommand>,
    pub fail_get_more_after_cursor_checkout: FailPoint<FailGetMore>,
    pub max_time_always_time_out: FailPoint<()>,
    pub max_time_never_time_out: FailPoint<()>,
    pub on_primary_transactional_write: FailPoint<OnTransactionalWrite>,
    pub quire_client_bytes: FailPoint<ClientBytes>,
    pub quire_disk: FailPoint<Disk>,
    pub quire_election: FailPoint<Election>,
    pub quire_fail_apply: FailPoint<()>,
    pub quire_peer_traffic: FailPoint<PeerTraffic>,
    pub rs_sync_apply_stop: FailPoint<()>,
    pub stepdown_hang: FailPoint<()>,
    pub stop_repl_producer: FailPoint<()>,
}

/// One point as the table knows it.
pub struct Known {
    pub name: &'static str,
    pub(crate) switch: fn(&FailPoints) -> &dyn Switch,
}

/// In the order of their names.
static KNOWN: &[&Known] = &[
    &disable_stapling::POINT,
    &fail_command::POINT,
    &fail_get_more_after_cursor_checkout::POINT,
    &max_time_always_time_out::POINT,
    &max_time_never_time_out::POINT,
    &on_primary_transactional_write::POINT,
    &quire_client_bytes::POINT,
    &quire_disk::POINT,
    &quire_election::POINT,
    &quire_fail_apply::POINT,
    &quire_peer_traffic::POINT,
    &rs_sync_apply_stop::POINT,
    &stepdown_hang::POINT,
    &stop_repl_producer::POINT,
];

/// Every point there is.
pub fn known() -> impl Iterator<Item = &'static Known> {
    KNOWN.iter().copied()
}

impl FailPoints {
    /// The point of this name.
    pub fn find(&self, name: &str) -> Result<&dyn Switch> {
        let found = KNOWN.iter().find(|known| known.name == name);
        found
            .map(|known| (known.switch)(self))
            .ok_or_else(|| CommandError::new(Code::FailPointSetFailed, format!("{name} not found")))
    }
}

#[cfg(test)]
mod tests {
    use super::{FailPoints, KNOWN};
    use crate::mode::Mode;
    use quire_bson::{DocBuf, RawDoc, doc};

    #[test]
    fn the_table_is_in_order_and_every_name_leads_to_a_point_of_its_own() {
        assert!(KNOWN.windows(2).all(|pair| pair[0].name < pair[1].name));
        let points = FailPoints::default();
        // For each point there is something in here that switches it on.
        let data = [
            doc! { "failCommands": ["ping"], "closeConnection": true },
            doc! {},
            doc! { "action": "force" },
            doc! { "action": "cut" },
            doc! { "action": "fail", "target": "log" },
            doc! { "delayMS": 1 },
        ]
        .map(|data| DocBuf::from(&data));
        for known in KNOWN {
            let point = points.find(known.name).unwrap();
            let is_set = |data: &DocBuf| point.configure(Mode::AlwaysOn, data.as_raw()).is_ok();
            assert!(data.iter().any(is_set), "{}", known.name);
            let on = KNOWN.iter().filter(|other| {
                points.find(other.name).unwrap().shown().get_i32("mode").unwrap() == 1
            });
            assert_eq!(on.count(), 1, "{}", known.name);
            point.configure(Mode::Off, RawDoc::EMPTY).unwrap();
        }
    }

    #[test]
    fn an_unknown_name_is_refused() {
        let refused = FailPoints::default().find("nonesuch").err().unwrap();
        assert_eq!((refused.code().number(), refused.message()), (266, "nonesuch not found"));
    }
}
