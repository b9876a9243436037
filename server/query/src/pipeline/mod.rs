//! Pipelines: stages that documents flow through.
//!
//! A stage is plain data between calls: it keeps no reference to its input, which is handed in with
//! each call. So a cursor can rest for minutes with a half-run pipeline and no snapshot open.

use quire_bson::DocBuf;
use quire_errors::Result;

/// What a stage or source gives when asked for its next document.
#[derive(Debug)]
pub enum Step {
    Doc(DocBuf),
    /// The time slice is used up; ask again later. Nothing is lost.
    Yield,
    Done,
}

/// Where documents come from.
pub trait Input {
    fn next(&mut self) -> Result<Step>;
}

/// One running stage.
pub trait Stage: Send {
    fn next(&mut self, input: &mut dyn Input) -> Result<Step>;
}

pub struct Chain {
    stages: Vec<Box<dyn Stage>>,
}
impl Chain {
    pub fn new(stages: Vec<Box<dyn Stage>>) -> Chain {
        Chain { stages }
    }
    pub fn next(&mut self, source: &mut dyn Input) -> Result<Step> {
        let _ = &self.stages;
        source.next()
    }
}
