//! `$sample`: a random choice of documents, in random order, from the command's seed.

use super::sort::{Keyed, Sorter, give};
use super::stage::{Definition, Kind, StageSpec};
use super::{Input, Stage, Step};
use crate::Constants;
use crate::expression::RandomStream;
use quire_bson::{Number, RawValue};
use quire_errors::{CommandError, Result};
use std::sync::Arc;

#[derive(Clone, Debug)]
struct Sample {
    size: u64,
    seed: u64,
}

impl Definition for Sample {
    fn start(&self) -> Box<dyn Stage> {
        let refusal = || {
            format!(
                "$sample stage could not find room for its documents within {} bytes, but did not \
                 opt in to external sorting.",
                super::memory::STAGE_BYTES_MAX
            )
        };
        Box::new(Running {
            random: RandomStream::new(self.seed),
            state: State::Gathering(Sorter::new(Some(self.size), refusal)),
        })
    }
}

/// Each document gets a random key, and those with the smallest keys are the sample.
struct Running {
    random: RandomStream,
    state: State,
}

enum State {
    Gathering(Sorter),
    Giving(std::vec::IntoIter<Keyed>),
}

impl Stage for Running {
    fn next(&mut self, input: &mut dyn Input) -> Result<Step> {
        loop {
            match &mut self.state {
                State::Gathering(sorter) => match input.next()? {
                    Step::Doc(doc) => {
                        sorter.add(self.random.next_u64().to_be_bytes().to_vec(), doc)?;
                    }
                    Step::Yield => return Ok(Step::Yield),
                    Step::Done => self.state = State::Giving(sorter.finish()),
                },
                State::Giving(docs) => return Ok(give(docs)),
            }
        }
    }
}

pub(super) fn parse(
    name: &'static str,
    spec: RawValue<'_>,
    constants: &Arc<Constants>,
) -> Result<Vec<StageSpec>> {
    let refuse = |number, message: String| Err(CommandError::location(number, message));
    let RawValue::Document(fields) = spec else {
        return refuse(28745, "the $sample stage specification must be an object".to_owned());
    };
    let mut size = None;
    for field in fields {
        if field.key() != "size" {
            return refuse(28748, format!("unrecognized option to $sample: {}", field.key()));
        }
        size = Some(field.value());
    }
    let Some(size) = size else {
        return refuse(28749, "$sample stage must specify a size".to_owned());
    };
    if Number::from_raw(size).is_none() {
        return refuse(28746, "size argument to $sample must be a number".to_owned());
    }
    let size = crate::expression::exact_integer(size).and_then(|size| u64::try_from(size).ok());
    let Some(size @ 1..) = size else {
        return refuse(28747, "size argument to $sample must be a positive integer".to_owned());
    };
    let sample = Sample { size, seed: constants.random_seed };
    Ok(vec![StageSpec::new(name, spec, Kind::other(sample))])
}
