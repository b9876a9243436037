//! Fail points: faults that a test switches on by name.
//!
//! Owns the switch itself ([`FailPoint`]), the points there are ([`FailPoints`], one per node), and
//! what each reads from its `data`. A point decides whether it is entered; what happens then is done
//! where it stands. Nothing here is global, survives a restart, or is reachable by clients unless
//! test commands are enabled. A point that is off costs one relaxed load.

mod direction;
mod fields;
mod mode;
mod point;
mod points;
mod registry;
mod requests;

pub use direction::Direction;
pub use mode::Mode;
pub use point::{Data, FailPoint, Switch};
pub use points::fail_command::{FailCommand, Outcome};
pub use points::fail_get_more_after_cursor_checkout::FailGetMore;
pub use points::on_primary_transactional_write::OnTransactionalWrite;
pub use points::quire_client_bytes::{ClientBytes, ClientMessage};
pub use points::quire_disk::{Disk, DiskFault, DiskTarget};
pub use points::quire_election::Election;
pub use points::quire_peer_traffic::{PeerFault, PeerMessage, PeerTraffic};
pub use registry::{FailPoints, Known, known};
pub use requests::Request;
