//! Reading the state out, chunk by chunk.
//!
//! Everything is read from one snapshot, so the copy stands at one position of the log whatever is
//! applied meanwhile. Between two chunks there is no open iterator, only the key to go on behind.

use super::chunk::{Chunk, Content, PAIR_OVERHEAD_BYTES, Totals, put_pair};
use super::{read_mark, travels};
use crate::Documents;
use crate::codec::Writer;
use crate::machine::{fatal, stopped};
use crate::open::{read_applied, space};
use quire_engine::{Direction, EngineError, KeyRange, Read};
use quire_keys::{Key, KeySpace};
use quire_log::{Applied, Completeness, Export, Fatal};
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

impl Documents {
    pub(crate) fn start_export(&self) -> Result<Exporter, Fatal> {
        let reader = self.engine().snapshot();
        // Asked of the snapshot: the store may begin to receive a copy at any time.
        if read_mark(reader.as_ref()).map_err(fatal)? == Completeness::Partial {
            return Err(stopped("a state that is still arriving cannot be copied".to_owned()));
        }
        let applied = read_applied(reader.as_ref()).map_err(fatal)?;
        let (place, totals) = (Place::default(), Totals::default());
        Ok(Exporter { reader, applied, place, number: 0, totals, ended: false })
    }
}

impl Documents {
    /// What an arbiter gets: where the log stands, who is in the set, and the mark that says that
    /// there is nothing else.
    pub(crate) fn start_export_of_position(&self) -> Result<PositionExporter, Fatal> {
        let reader = self.engine().snapshot();
        if read_mark(reader.as_ref()).map_err(fatal)? == Completeness::Partial {
            return Err(stopped("a state that is still arriving cannot be copied".to_owned()));
        }
        let applied = read_applied(reader.as_ref()).map_err(fatal)?;
        let key = Key::Configuration.encode();
        let configuration = reader.get(space(KeySpace::Meta), &key).map_err(fatal)?;
        let mut body = Body::default();
        if let Some(payload) = &configuration {
            body.put(KeySpace::Meta, &key, payload);
        }
        body.put(KeySpace::Meta, &Key::Hollow.encode(), &[]);
        let totals = Totals::default();
        Ok(PositionExporter { applied, body: Some(body), number: 0, totals, ended: false })
    }
}

/// The two pairs of a position.
pub(crate) struct PositionExporter {
    applied: Applied,
    /// Until it was given.
    body: Option<Body>,
    number: u64,
    totals: Totals,
    ended: bool,
}

impl Export for PositionExporter {
    fn applied(&self) -> Applied {
        self.applied
    }

    fn next_chunk(&mut self, _: usize) -> Result<Option<Vec<u8>>, Fatal> {
        if self.ended {
            return Ok(None);
        }
        let (applied, number) = (self.applied, self.number);
        self.number = self.number.saturating_add(1);
        let Some(body) = self.body.take() else {
            self.ended = true;
            let content = Content::End(self.totals);
            return Ok(Some(Chunk { applied, number, content }.encode()));
        };
        let pairs = body.pairs;
        let body = body.out.finish();
        self.totals = self.totals.with(pairs, &body);
        Ok(Some(Chunk { applied, number, content: Content::Pairs(&body) }.encode()))
    }
}

/// A snapshot and how far it was read.
pub(crate) struct Exporter {
    reader: Arc<dyn Read>,
    applied: Applied,
    place: Place,
    number: u64,
    totals: Totals,
    ended: bool,
}

/// Where the next chunk begins.
#[derive(Clone, Default)]
struct Place {
    /// The position of the space in [`KeySpace::ALL`].
    space: usize,
    /// The last key that was read there.
    after: Option<Vec<u8>>,
}

/// The pairs of one chunk.
#[derive(Default)]
struct Body {
    out: Writer,
    bytes: usize,
    pairs: u64,
    /// The last key of the space that is being read.
    last: Option<Vec<u8>>,
}

impl Body {
    fn put(&mut self, key_space: KeySpace, key: &[u8], value: &[u8]) {
        put_pair((key_space, key, value), &mut self.out);
        self.bytes = self.bytes.saturating_add(size(key, value));
        self.pairs = self.pairs.saturating_add(1);
        let last = self.last.get_or_insert_default();
        last.clear();
        last.extend_from_slice(key);
    }

    /// Whether a pair no longer fits. The first one always does.
    fn is_full(&self, key: &[u8], value: &[u8], bytes_max: usize) -> bool {
        self.pairs > 0 && self.bytes.saturating_add(size(key, value)) > bytes_max
    }
}

fn size(key: &[u8], value: &[u8]) -> usize {
    key.len().saturating_add(value.len()).saturating_add(PAIR_OVERHEAD_BYTES)
}

impl Exporter {
    /// Reads on from `place`, which moves along, until the body is full or the state at its end.
    fn read(&self, place: &mut Place, bytes_max: usize) -> Result<Body, EngineError> {
        let mut body = Body::default();
        while let Some(&key_space) = KeySpace::ALL.get(place.space) {
            let lower = place.after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
            let range = KeyRange { lower, upper: Bound::Unbounded };
            let mut full = false;
            self.reader.scan(space(key_space), range, Direction::Forward, &mut |key, value| {
                if !travels(key_space, key) {
                    return ControlFlow::Continue(());
                }
                full = body.is_full(key, value, bytes_max);
                if full {
                    return ControlFlow::Break(());
                }
                body.put(key_space, key, value);
                ControlFlow::Continue(())
            })?;
            let last = body.last.take();
            if full {
                place.after = last.or(place.after.take());
                break;
            }
            *place = Place { space: place.space.saturating_add(1), after: None };
        }
        Ok(body)
    }
}

impl Export for Exporter {
    fn applied(&self) -> Applied {
        self.applied
    }

    fn next_chunk(&mut self, bytes_max: usize) -> Result<Option<Vec<u8>>, Fatal> {
        if self.ended {
            return Ok(None);
        }
        // Nothing moves before the reads have succeeded, so a failed call can be made again.
        let mut place = self.place.clone();
        let body = self.read(&mut place, bytes_max).map_err(fatal)?;
        let pairs = body.pairs;
        let body = body.out.finish();
        let content = if pairs == 0 { Content::End(self.totals) } else { Content::Pairs(&body) };
        let chunk = Chunk { applied: self.applied, number: self.number, content }.encode();
        self.ended = pairs == 0;
        self.totals = self.totals.with(pairs, &body);
        self.number = self.number.saturating_add(1);
        self.place = place;
        Ok(Some(chunk))
    }
}
