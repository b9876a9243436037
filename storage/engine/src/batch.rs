//! A group of changes that takes effect as a whole or not at all.
//!
//! Owns one byte arena and the list of operations over it, so that a batch of many small changes
//! costs few allocations and can be cleared and used again.

use crate::Space;

/// One change of a batch, borrowed from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation<'a> {
    Put {
        key: &'a [u8],
        value: &'a [u8],
    },
    Delete {
        key: &'a [u8],
    },
    /// Removes every key from `from` up to, not including, `to`; nothing when they are out of order.
    DeleteRange {
        from: &'a [u8],
        to: &'a [u8],
    },
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Put,
    Delete,
    DeleteRange,
}

#[derive(Clone, Copy, Debug)]
struct Record {
    kind: Kind,
    space: Space,
    first_end: usize,
    second_end: usize,
}

/// Changes in the order they were made; later ones win.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    arena: Vec<u8>,
    records: Vec<Record>,
}

impl Batch {
    pub fn new() -> Batch {
        Batch::default()
    }

    /// An empty batch with room for so many bytes of keys and values.
    pub fn with_capacity(bytes: usize) -> Batch {
        Batch { arena: Vec::with_capacity(bytes), records: Vec::new() }
    }

    /// [`Batch::put`] of a key and a value that are written into the batch, behind what is there.
    pub fn put_with(
        &mut self,
        space: Space,
        key: impl FnOnce(&mut Vec<u8>),
        value: impl FnOnce(&mut Vec<u8>),
    ) {
        key(&mut self.arena);
        let first_end = self.arena.len();
        value(&mut self.arena);
        let second_end = self.arena.len();
        self.records.push(Record { kind: Kind::Put, space, first_end, second_end });
    }

    /// Sets `key` to `value`, whatever it was before.
    pub fn put(&mut self, space: Space, key: &[u8], value: &[u8]) {
        self.push(Kind::Put, space, key, value);
    }

    /// Removes `key`, if it is there.
    pub fn delete(&mut self, space: Space, key: &[u8]) {
        self.push(Kind::Delete, space, key, &[]);
    }

    /// Removes every key from `from` up to, not including, `to`.
    pub fn delete_range(&mut self, space: Space, from: &[u8], to: &[u8]) {
        self.push(Kind::DeleteRange, space, from, to);
    }

    fn push(&mut self, kind: Kind, space: Space, first: &[u8], second: &[u8]) {
        self.arena.extend_from_slice(first);
        let first_end = self.arena.len();
        self.arena.extend_from_slice(second);
        self.records.push(Record { kind, space, first_end, second_end: self.arena.len() });
    }

    /// The changes in order.
    pub fn iter(&self) -> impl Iterator<Item = (Space, Operation<'_>)> {
        let starts = std::iter::once(0).chain(self.records.iter().map(|r| r.second_end));
        self.records.iter().zip(starts).map(|(record, start)| {
            let first = &self.arena[start..record.first_end];
            let second = &self.arena[record.first_end..record.second_end];
            let operation = match record.kind {
                Kind::Put => Operation::Put { key: first, value: second },
                Kind::Delete => Operation::Delete { key: first },
                Kind::DeleteRange => Operation::DeleteRange { from: first, to: second },
            };
            (record.space, operation)
        })
    }

    /// How many changes it holds.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The bytes of all keys and values.
    pub fn bytes(&self) -> usize {
        self.arena.len()
    }

    /// Empties the batch and keeps its memory for the next one.
    pub fn clear(&mut self) {
        self.arena.clear();
        self.records.clear();
    }
}
