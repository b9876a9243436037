//! What stands between a numbered write and its commit: the fail point that tests switch on there.

use crate::operations::Operation;
use quire_errors::Result;
use quire_execution::CommitGate;
use quire_failpoints::FailPoints;

/// The gate of one command.
pub struct Gate<'a> {
    points: &'a FailPoints,
    operation: &'a Operation,
    number: i64,
}

impl<'a> Gate<'a> {
    pub fn new(points: &'a FailPoints, operation: &'a Operation, number: i64) -> Gate<'a> {
        Gate { points, operation, number }
    }
}

impl CommitGate for Gate<'_> {
    fn pass(&self) -> Result<()> {
        let point = &self.points.on_primary_transactional_write;
        let Some(fault) = point.enter() else { return Ok(()) };
        if fault.close_connection {
            self.operation.hang_up();
        }
        fault.error(self.number).map_or(Ok(()), Err)
    }
}
