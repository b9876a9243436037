//! `quirePeerTraffic`: what this node and other members say to each other is lost, comes late, or has
//! no connection. MongoDB has no such point.
//!
//! | field of `data` | meaning |
//! |---|---|
//! | `action` | `drop`: messages vanish, connections stay; `delay`: they come `delayMS` later, in order; `cut`: connections end, and none is made |
//! | `direction` | `in`, `out` or `both`, the default |
//! | `peers` | the members by `host:port` as the configuration names them; all of them if it is not given |
//! | `kinds` | only messages of these kinds: `entries`, `heartbeat`, `vote`, `handover`, `copy`, `progress`, `gossip` |
//!
//! Entered once by each message, and by each connection that is refused.

use crate::direction::{Direction, Directions};
use crate::fields::Fields;
use crate::point::Data;
use crate::registry::Known;
use quire_errors::{CommandError, Result};
use std::time::Duration;

pub static POINT: Known =
    Known { name: "quirePeerTraffic", switch: |points| &points.quire_peer_traffic };

/// What becomes of which messages.
#[derive(Debug)]
pub struct PeerTraffic {
    pub fault: PeerFault,
    directions: Directions,
    peers: Option<Vec<String>>,
    kinds: Option<Vec<PeerMessage>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerFault {
    Drop,
    Delay(Duration),
    Cut,
}

/// The kinds of messages as tests tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerMessage {
    /// Entries of the log and the answers to them.
    Entries,
    Heartbeat,
    Vote,
    /// The order to stand for election at once.
    Handover,
    /// Pieces of a copy of the state, and what is said about it.
    Copy,
    /// How far a member has applied the log.
    Progress,
    /// What members tell of themselves beside the log.
    Gossip,
}

const KINDS: &[(&str, PeerMessage)] = &[
    ("entries", PeerMessage::Entries),
    ("heartbeat", PeerMessage::Heartbeat),
    ("vote", PeerMessage::Vote),
    ("handover", PeerMessage::Handover),
    ("copy", PeerMessage::Copy),
    ("progress", PeerMessage::Progress),
    ("gossip", PeerMessage::Gossip),
];

#[derive(Clone, Copy)]
enum Action {
    Drop,
    Delay,
    Cut,
}

const ACTIONS: &[(&str, Action)] =
    &[("drop", Action::Drop), ("delay", Action::Delay), ("cut", Action::Cut)];

impl Data for PeerTraffic {
    fn read(fields: &mut Fields<'_>) -> Result<PeerTraffic> {
        let delay = fields.millis("delayMS")?;
        let fault = match (fields.required_word("action", ACTIONS)?, delay) {
            (Action::Drop, None) => PeerFault::Drop,
            (Action::Cut, None) => PeerFault::Cut,
            (Action::Delay, Some(delay)) => PeerFault::Delay(delay),
            (Action::Delay, None) | (_, Some(_)) => {
                return Err(CommandError::bad_value(
                    "'delayMS' goes with the action 'delay', which needs it",
                ));
            }
        };
        Ok(PeerTraffic {
            fault,
            directions: Directions::read(fields)?,
            peers: fields.strings("peers")?,
            kinds: fields.words("kinds", KINDS)?,
        })
    }
}

impl PeerTraffic {
    /// Whether a message from or to the member at `host` is concerned.
    pub fn concerns(&self, direction: Direction, host: &str, kind: PeerMessage) -> bool {
        let is_kind = self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&kind));
        is_kind && self.is_between(direction, host)
    }

    /// Whether there may be no connection with the member at `host`.
    pub fn cuts(&self, direction: Direction, host: &str) -> bool {
        self.fault == PeerFault::Cut && self.kinds.is_none() && self.is_between(direction, host)
    }

    fn is_between(&self, direction: Direction, host: &str) -> bool {
        let is_peer = self.peers.as_ref().is_none_or(|peers| peers.iter().any(|peer| peer == host));
        is_peer && self.directions.include(direction)
    }
}

#[cfg(test)]
mod tests {
    use super::{PeerFault, PeerMessage, PeerTraffic};
    use crate::direction::Direction;
    use crate::fields::Fields;
    use crate::point::Data;
    use quire_bson::{DocBuf, Document, doc};
    use std::time::Duration;

    fn read(data: Document) -> Result<PeerTraffic, i32> {
        let data = DocBuf::from(&data);
        let read = PeerTraffic::read(&mut Fields::new(data.as_raw()));
        read.map_err(|error| error.code().number())
    }

    #[test]
    fn an_action_is_known_and_a_delay_has_a_length() {
        let delay = PeerFault::Delay(Duration::from_millis(7));
        let table = [
            (doc! { "action": "drop" }, Ok(PeerFault::Drop)),
            (doc! { "action": "cut" }, Ok(PeerFault::Cut)),
            (doc! { "action": "delay", "delayMS": 7 }, Ok(delay)),
            (doc! { "action": "delay" }, Err(2)),
            (doc! { "action": "delay", "delayMS": -7 }, Err(2)),
            (doc! { "action": "cut", "delayMS": 7 }, Err(2)),
            (doc! { "action": "lose" }, Err(2)),
            (doc! {}, Err(2)),
            (doc! { "action": "drop", "kinds": ["entry"] }, Err(2)),
            (doc! { "action": "drop", "direction": "up" }, Err(2)),
        ];
        for (data, wanted) in table {
            assert_eq!(read(data.clone()).map(|read| read.fault), wanted, "{data}");
        }
    }

    #[test]
    fn messages_are_told_apart_by_way_peer_and_kind() {
        use Direction::{In, Out};
        let only = read(doc! {
            "action": "drop", "direction": "in", "peers": ["a:1"], "kinds": ["vote", "entries"],
        });
        let only = only.unwrap();
        assert!(only.concerns(In, "a:1", PeerMessage::Vote));
        assert!(!only.concerns(Out, "a:1", PeerMessage::Vote));
        assert!(!only.concerns(In, "b:1", PeerMessage::Vote));
        assert!(!only.concerns(In, "a:1", PeerMessage::Gossip));
        assert!(!only.cuts(In, "a:1"));
        let all = read(doc! { "action": "cut" }).unwrap();
        assert!(all.concerns(Out, "b:1", PeerMessage::Gossip) && all.cuts(In, "b:1"));
    }
}
