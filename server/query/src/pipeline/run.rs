//! Running a pipeline: each stage hands documents to the one behind it.

use super::{Flow, Input, Output, Pipeline, Stage, Stopped};
use quire_bson::{DocBuf, RawDoc};
use quire_errors::Result;

/// A running pipeline. It owns all its state, so it can rest between batches.
pub struct Chain {
    stages: Vec<Box<dyn Stage>>,
    /// No more documents come in.
    ended: bool,
    /// How many stages, from the first, have given all that they kept.
    finished: usize,
}

impl Chain {
    pub fn new(stages: Vec<Box<dyn Stage>>) -> Chain {
        Chain { stages, ended: false, finished: 0 }
    }

    /// Sends documents through the stages, beginning where the last run stopped.
    pub fn run(&mut self, input: &mut dyn Input, output: &mut dyn Output) -> Result<Stopped> {
        match self.go_on(output)? {
            Flow::More => {}
            Flow::Full => return Ok(Stopped::Full),
            Flow::End => self.ended = true,
        }
        if !self.ended {
            let mut through = Behind { stages: &mut self.stages, output };
            match input.give(&mut through)? {
                Stopped::End => self.ended = true,
                stopped => return Ok(stopped),
            }
        }
        self.finish(output)
    }

    /// Lets documents come in again after it came to its end. Only for stages that give them at once.
    pub fn look_again(&mut self) {
        self.ended = false;
        self.finished = 0;
    }

    /// How many documents it takes in, at the least, to give so many.
    pub fn needs(&self, wanted: u64) -> u64 {
        self.stages.iter().rev().fold(wanted, |wanted, stage| stage.needs(wanted))
    }

    /// The last stage goes first: what a stage still has to give may only come to one that has given
    /// all of its own.
    fn go_on(&mut self, output: &mut dyn Output) -> Result<Flow> {
        for at in (0..self.stages.len()).rev() {
            match self.at(at, output, |stage, output| stage.go_on(output))? {
                Flow::More => {}
                Flow::Full => return Ok(Flow::Full),
                Flow::End => {
                    // Nothing more gets through this stage, so those before it have nothing to do.
                    self.finished = self.finished.max(at + 1);
                    return Ok(Flow::End);
                }
            }
        }
        Ok(Flow::More)
    }

    fn finish(&mut self, output: &mut dyn Output) -> Result<Stopped> {
        while self.finished < self.stages.len() {
            let flow = self.at(self.finished, output, |stage, output| stage.finish(output))?;
            if flow == Flow::Full {
                return Ok(Stopped::Full);
            }
            self.finished += 1;
        }
        Ok(Stopped::End)
    }

    /// Calls one stage with those behind it as its output.
    fn at(
        &mut self,
        at: usize,
        output: &mut dyn Output,
        call: impl FnOnce(&mut dyn Stage, &mut dyn Output) -> Result<Flow>,
    ) -> Result<Flow> {
        match self.stages.get_mut(at..).and_then(<[_]>::split_first_mut) {
            Some((stage, stages)) => call(stage.as_mut(), &mut Behind { stages, output }),
            None => Ok(Flow::More),
        }
    }
}

/// The stages behind one stage, as its output.
struct Behind<'a> {
    stages: &'a mut [Box<dyn Stage>],
    output: &'a mut dyn Output,
}

impl Output for Behind<'_> {
    fn take(&mut self, doc: RawDoc<'_>) -> Result<Flow> {
        match self.stages.split_first_mut() {
            None => self.output.take(doc),
            Some((first, stages)) => first.take(doc, &mut Behind { stages, output: self.output }),
        }
    }
}

/// A source of one document.
struct Single<'a>(RawDoc<'a>);

impl Input for Single<'_> {
    fn give(&mut self, output: &mut dyn Output) -> Result<Stopped> {
        output.take(self.0).map(|_| Stopped::End)
    }
}

pub(super) fn one(pipeline: &Pipeline, doc: RawDoc<'_>) -> Result<Option<DocBuf>> {
    let mut first = None;
    let mut keep = |doc: RawDoc<'_>| {
        first.get_or_insert_with(|| DocBuf::from(doc));
        Ok(Flow::Full)
    };
    pipeline.start().run(&mut Single(doc), &mut keep)?;
    Ok(first)
}
