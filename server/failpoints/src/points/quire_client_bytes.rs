//! `quireClientBytes`: messages between clients and this node come late, or break off. MongoDB has no
//! such point.
//!
//! | field of `data` | meaning |
//! |---|---|
//! | `direction` | `in`: requests, which are not run if they break off; `out`: replies, after the command ran; `both` is the default |
//! | `delayMS` | wait so long first |
//! | `dropAfterBytes` | a message that is longer than this breaks off there, and the connection ends |
//! | `appName` | only of this application, once its handshake is done |
//!
//! Entered once by each message. `configureFailPoint` never meets it.

use crate::direction::{Direction, Directions};
use crate::fields::Fields;
use crate::point::Data;
use crate::registry::Known;
use quire_errors::{CommandError, Result};
use std::time::Duration;

pub static POINT: Known =
    Known { name: "quireClientBytes", switch: |points| &points.quire_client_bytes };

/// The command that switches points is out of their reach.
const IMMUNE: &str = "configureFailPoint";

/// What becomes of which messages.
#[derive(Debug)]
pub struct ClientBytes {
    pub delay: Option<Duration>,
    keep: Option<usize>,
    directions: Directions,
    app_name: Option<String>,
}

/// One message on its way.
#[derive(Clone, Copy, Debug)]
pub struct ClientMessage<'a> {
    pub direction: Direction,
    pub bytes: usize,
    /// The command that it asks for or answers.
    pub command: &'a str,
    pub app_name: Option<&'a str>,
}

impl Data for ClientBytes {
    fn read(fields: &mut Fields<'_>) -> Result<ClientBytes> {
        let delay = fields.millis("delayMS")?;
        let keep = match fields.whole_number("dropAfterBytes")?.map(usize::try_from) {
            None => None,
            Some(Ok(bytes)) => Some(bytes),
            Some(Err(_)) => {
                return Err(CommandError::bad_value("'dropAfterBytes' must not be negative"));
            }
        };
        if delay.is_none() && keep.is_none() {
            return Err(CommandError::bad_value(
                "quireClientBytes needs 'delayMS' or 'dropAfterBytes' in its 'data'",
            ));
        }
        let directions = Directions::read(fields)?;
        Ok(ClientBytes { delay, keep, directions, app_name: fields.string("appName")? })
    }
}

impl ClientBytes {
    pub fn concerns(&self, message: &ClientMessage<'_>) -> bool {
        let is_app = |wanted: &String| message.app_name == Some(wanted);
        self.directions.include(message.direction)
            && message.command != IMMUNE
            && self.app_name.as_ref().is_none_or(is_app)
            && (self.delay.is_some() || self.kept_of(message.bytes).is_some())
    }

    /// How many bytes of a message pass, when it breaks off.
    pub fn kept_of(&self, bytes: usize) -> Option<usize> {
        self.keep.filter(|keep| *keep < bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::{ClientBytes, ClientMessage};
    use crate::direction::Direction;
    use crate::fields::Fields;
    use crate::point::Data;
    use quire_bson::{DocBuf, Document, doc};

    fn read(data: Document) -> Option<ClientBytes> {
        let data = DocBuf::from(&data);
        ClientBytes::read(&mut Fields::new(data.as_raw())).ok()
    }

    #[test]
    fn a_message_breaks_off_when_it_is_longer_and_all_else_fits() {
        let data = doc! { "dropAfterBytes": 20, "direction": "out", "appName": "a" };
        let point = read(data).unwrap();
        let app_name = Some("a");
        let reply =
            ClientMessage { direction: Direction::Out, bytes: 21, command: "find", app_name };
        assert!(point.concerns(&reply));
        assert_eq!(point.kept_of(21), Some(20));
        for other in [
            ClientMessage { bytes: 20, ..reply },
            ClientMessage { direction: Direction::In, ..reply },
            ClientMessage { command: "configureFailPoint", ..reply },
            ClientMessage { app_name: Some("b"), ..reply },
            ClientMessage { app_name: None, ..reply },
        ] {
            assert!(!point.concerns(&other), "{other:?}");
        }
        let slow = read(doc! { "delayMS": 1 }).unwrap();
        assert!(slow.concerns(&ClientMessage { bytes: 1, app_name: None, ..reply }));
        assert_eq!(slow.kept_of(1_000), None);
    }

    #[test]
    fn data_that_asks_for_nothing_or_for_less_is_refused() {
        for data in [doc! {}, doc! { "appName": "a" }, doc! { "dropAfterBytes": -1 }] {
            assert!(read(data.clone()).is_none(), "{data}");
        }
    }
}
