//! An ordered engine in memory, for tests and simulation.
//!
//! Owns two images of the store: what readers see, and what a power cut would leave. An unsynced
//! batch stays between the two until a flush or a synced batch carries everything before it over,
//! so every state a crash may leave is a prefix of the batches, as with the disk engine. Nothing
//! here depends on time, threads or chance: the same calls give the same states.

use crate::{
    Batch, Direction, Durability, Engine, EngineError, EngineStats, EntryVisitor, KeyRange,
    Operation, Read, Result, Space,
};
use parking_lot::Mutex;
use rpds::RedBlackTreeMapSync;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

/// The one file of a checkpoint directory.
const CHECKPOINT_FILE: &str = "memory.checkpoint";

/// Keys and values of one space. Copies share structure, which makes a snapshot free.
type Keys = RedBlackTreeMapSync<Vec<u8>, Arc<[u8]>>;

/// All spaces at one point in time.
#[derive(Clone)]
struct Image {
    spaces: Vec<Keys>,
}

struct State {
    live: Image,
    durable: Image,
    /// The batches that lead from `durable` to `live`.
    unsynced: Vec<Batch>,
}

/// The engine. Dropping it loses everything.
pub struct MemoryEngine {
    state: Mutex<State>,
}

impl MemoryEngine {
    /// An empty store with so many key spaces.
    pub fn new(spaces: usize) -> MemoryEngine {
        MemoryEngine::holding(Image { spaces: vec![Keys::new_sync(); spaces] })
    }

    fn holding(image: Image) -> MemoryEngine {
        let state = State { live: image.clone(), durable: image, unsynced: Vec::new() };
        MemoryEngine { state: Mutex::new(state) }
    }

    /// How many batches a power cut now could lose.
    pub fn unsynced_batches(&self) -> usize {
        self.state.lock().unsynced.len()
    }

    /// The store as a power cut now would leave it, if the first `kept` unsynced batches happened
    /// to reach the disk.
    #[must_use]
    pub fn after_crash(&self, kept: usize) -> MemoryEngine {
        let state = self.state.lock();
        let mut image = state.durable.clone();
        for batch in state.unsynced.iter().take(kept) {
            // These batches were applied to the live image before, so they fit this one.
            if image.apply(batch).is_err() {
                break;
            }
        }
        MemoryEngine::holding(image)
    }

    /// The same, with the number of surviving batches drawn from `seed`.
    #[must_use]
    pub fn after_crash_seeded(&self, seed: u64) -> MemoryEngine {
        let outcomes = self.unsynced_batches() as u64 + 1;
        self.after_crash((scramble(seed) % outcomes) as usize)
    }

    /// Opens the copy that [`Engine::checkpoint`] wrote.
    pub fn open_checkpoint(path: &Path, spaces: usize) -> Result<MemoryEngine> {
        let file = path.join(CHECKPOINT_FILE);
        let bytes = std::fs::read(&file)
            .map_err(|error| EngineError::Io(format!("{}: {error}", file.display())))?;
        let mut image = Image { spaces: vec![Keys::new_sync(); spaces] };
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let entry = take_entry(&mut rest)
                .ok_or_else(|| EngineError::Corruption(file.display().to_string()))?;
            image.keys_mut(entry.0)?.insert_mut(entry.1.to_vec(), entry.2.into());
        }
        Ok(MemoryEngine::holding(image))
    }

    fn live(&self) -> Image {
        self.state.lock().live.clone()
    }
}

impl Image {
    fn keys(&self, space: Space) -> Result<&Keys> {
        self.spaces.get(usize::from(space.0)).ok_or_else(|| unknown_space(space))
    }

    fn keys_mut(&mut self, space: Space) -> Result<&mut Keys> {
        self.spaces.get_mut(usize::from(space.0)).ok_or_else(|| unknown_space(space))
    }

    fn apply(&mut self, batch: &Batch) -> Result<()> {
        for (space, operation) in batch.iter() {
            let keys = self.keys_mut(space)?;
            match operation {
                Operation::Put { key, value } => keys.insert_mut(key.to_vec(), value.into()),
                Operation::Delete { key } => {
                    keys.remove_mut(key);
                }
                Operation::DeleteRange { from, to } => {
                    let doomed: Vec<Vec<u8>> = in_range(keys, KeyRange::between(from, to))
                        .map(|(key, _)| key.clone())
                        .collect();
                    for key in doomed {
                        keys.remove_mut(&key);
                    }
                }
            }
        }
        Ok(())
    }
}

impl Read for Image {
    fn get_with(&self, space: Space, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool> {
        let value = self.keys(space)?.get(key);
        if let Some(value) = value {
            visit(value);
        }
        Ok(value.is_some())
    }

    fn get_many(
        &self,
        space: Space,
        keys: &[&[u8]],
        visit: &mut dyn FnMut(usize, Option<&[u8]>),
    ) -> Result<()> {
        let stored = self.keys(space)?;
        for (position, key) in keys.iter().enumerate() {
            visit(position, stored.get(*key).map(|value| &**value));
        }
        Ok(())
    }

    fn scan(
        &self,
        space: Space,
        range: KeyRange<'_>,
        direction: Direction,
        visit: &mut EntryVisitor<'_>,
    ) -> Result<()> {
        let mut entries = in_range(self.keys(space)?, range);
        loop {
            let entry = match direction {
                Direction::Forward => entries.next(),
                Direction::Backward => entries.next_back(),
            };
            match entry {
                Some((key, value)) if visit(key, value).is_continue() => {}
                _ => return Ok(()),
            }
        }
    }
}

impl Read for MemoryEngine {
    fn get_with(&self, space: Space, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool> {
        self.live().get_with(space, key, visit)
    }

    fn get_many(
        &self,
        space: Space,
        keys: &[&[u8]],
        visit: &mut dyn FnMut(usize, Option<&[u8]>),
    ) -> Result<()> {
        self.live().get_many(space, keys, visit)
    }

    fn scan(
        &self,
        space: Space,
        range: KeyRange<'_>,
        direction: Direction,
        visit: &mut EntryVisitor<'_>,
    ) -> Result<()> {
        self.live().scan(space, range, direction, visit)
    }
}

impl Engine for MemoryEngine {
    fn snapshot(&self) -> Arc<dyn Read> {
        Arc::new(self.live())
    }

    fn write(&self, batch: &Batch, durability: Durability) -> Result<()> {
        let mut state = self.state.lock();
        // A batch that names an unknown space must change nothing at all.
        if let Some((space, _)) =
            batch.iter().find(|(space, _)| usize::from(space.0) >= state.live.spaces.len())
        {
            return Err(unknown_space(space));
        }
        state.live.apply(batch)?;
        match durability {
            Durability::Synced => state.make_durable(),
            Durability::Unsynced => state.unsynced.push(batch.clone()),
        }
        Ok(())
    }

    fn flush(&self) -> Result<()> {
        self.state.lock().make_durable();
        Ok(())
    }

    fn get_durable(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let durable = self.state.lock().durable.clone();
        durable.get(space, key)
    }

    fn checkpoint(&self, path: &Path) -> Result<()> {
        let mut bytes = Vec::new();
        for (number, keys) in self.live().spaces.iter().enumerate() {
            for (key, value) in keys.iter() {
                bytes.push(number as u8);
                for part in [key.as_slice(), value] {
                    bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
                    bytes.extend_from_slice(part);
                }
            }
        }
        std::fs::create_dir(path)
            .and_then(|()| std::fs::write(path.join(CHECKPOINT_FILE), bytes))
            .map_err(|error| EngineError::Io(format!("{}: {error}", path.display())))
    }

    fn approximate_bytes(&self, space: Space, range: KeyRange<'_>) -> u64 {
        let image = self.live();
        image.keys(space).map_or(0, |keys| bytes_of(in_range(keys, range)))
    }

    fn verify_checksums(&self) -> Result<()> {
        Ok(())
    }

    fn stats(&self) -> EngineStats {
        let memtable_bytes = self.live().spaces.iter().map(|keys| bytes_of(keys.iter())).sum();
        EngineStats { name: "memory", memtable_bytes, ..EngineStats::default() }
    }
}

impl State {
    fn make_durable(&mut self) {
        self.durable = self.live.clone();
        self.unsynced.clear();
    }
}

fn unknown_space(space: Space) -> EngineError {
    EngineError::Io(format!("key space {} does not exist", space.0))
}

/// The entries of a range. One whose ends are out of order holds nothing.
fn in_range<'a>(
    keys: &'a Keys,
    range: KeyRange<'a>,
) -> impl DoubleEndedIterator<Item = (&'a Vec<u8>, &'a Arc<[u8]>)> {
    let bounds = if range.is_empty() {
        (Bound::Included(&[][..]), Bound::Excluded(&[][..]))
    } else {
        (range.lower, range.upper)
    };
    keys.range::<[u8], _>(bounds)
}

fn bytes_of<'a>(entries: impl Iterator<Item = (&'a Vec<u8>, &'a Arc<[u8]>)>) -> u64 {
    entries.map(|(key, value)| (key.len() + value.len()) as u64).sum()
}

fn take_entry<'a>(rest: &mut &'a [u8]) -> Option<(Space, &'a [u8], &'a [u8])> {
    let (space, tail) = rest.split_first()?;
    *rest = tail;
    Some((Space(*space), take_part(rest)?, take_part(rest)?))
}

fn take_part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, tail) = rest.split_first_chunk::<8>()?;
    let (part, tail) = tail.split_at_checked(usize::try_from(u64::from_be_bytes(*length)).ok()?)?;
    *rest = tail;
    Some(part)
}

/// Spreads a seed over all bits, so that neighbouring seeds give unrelated outcomes (SplitMix64).
fn scramble(seed: u64) -> u64 {
    let mut bits = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPACE: Space = Space(0);

    fn with_unsynced(count: u8) -> MemoryEngine {
        let engine = MemoryEngine::new(1);
        for number in 0..=count {
            let durability = if number == 0 { Durability::Synced } else { Durability::Unsynced };
            let mut batch = Batch::new();
            batch.put(SPACE, b"number", &[number]);
            engine.write(&batch, durability).unwrap();
        }
        engine
    }

    fn number(engine: &MemoryEngine) -> u8 {
        engine.get(SPACE, b"number").unwrap().unwrap()[0]
    }

    #[test]
    fn a_crash_keeps_as_many_unsynced_batches_as_asked() {
        let engine = with_unsynced(3);
        assert_eq!(engine.unsynced_batches(), 3);
        for (kept, expected) in [(0, 0), (1, 1), (3, 3), (9, 3)] {
            let after = engine.after_crash(kept);
            assert_eq!(number(&after), expected);
            assert_eq!(after.unsynced_batches(), 0);
        }
        assert_eq!(number(&engine), 3, "the running engine goes on");
    }

    #[test]
    fn seeds_reach_every_outcome_of_a_crash_and_repeat_it() {
        let engine = with_unsynced(3);
        let outcomes: Vec<u8> =
            (0..50).map(|seed| number(&engine.after_crash_seeded(seed))).collect();
        assert!((0..=3).all(|outcome| outcomes.contains(&outcome)));
        assert_eq!(number(&engine.after_crash_seeded(7)), outcomes[7]);
    }

    #[test]
    fn a_damaged_checkpoint_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("copy");
        with_unsynced(1).checkpoint(&path).unwrap();
        let file = path.join(CHECKPOINT_FILE);
        let whole = std::fs::read(&file).unwrap();
        for length in 1..whole.len() {
            std::fs::write(&file, &whole[..length]).unwrap();
            let opened = MemoryEngine::open_checkpoint(&path, 1);
            assert!(matches!(opened, Err(EngineError::Corruption(_))), "cut at {length}");
        }
    }
}
