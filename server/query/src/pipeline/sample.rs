//! `$sample`: a random choice of documents, in random order, from the command's seed.

use super::sort::{Sorted, Sorter};
use super::stage::{Definition, Kind, StageSpec};
use super::{EVERYTHING, Flow, Output, Stage};
use crate::Constants;
use crate::expression::RandomStream;
use quire_bson::{Number, RawDoc, RawValue};
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
            sorter: Sorter::new(Some(self.size), refusal),
            sorted: None,
        })
    }
}

/// Each document gets a random key, and those with the smallest keys are the sample.
struct Running {
    random: RandomStream,
    sorter: Sorter,
    sorted: Option<Sorted>,
}

impl Stage for Running {
    fn take(&mut self, doc: RawDoc<'_>, _: &mut dyn Output) -> Result<Flow> {
        let key = self.random.next_u64().to_be_bytes();
        self.sorter.add(&key, doc).map(|()| Flow::More)
    }

    fn finish(&mut self, output: &mut dyn Output) -> Result<Flow> {
        self.sorted.get_or_insert_with(|| self.sorter.sorted()).give(output)
    }

    fn needs(&self, _: u64) -> u64 {
        EVERYTHING
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
