//! Connections and traffic, counted where they happen.
//!
//! Owns the counters alone. Bytes are counted twice: as they went over the socket, and as they would
//! have without compression.

use quire_commands::{CompressionCounts, NetworkCounts, Recoded};
use quire_protocol::{Compression, Compressor, HEADER_BYTES};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Everything that is counted.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) current: AtomicU64,
    pub(crate) created: AtomicU64,
    pub(crate) rejected: AtomicU64,
    pub(crate) active: AtomicU64,
    /// Connections beyond a limit that may prove to be a member's.
    pub(crate) undecided: AtomicU64,
    requests: AtomicU64,
    received: Bytes,
    sent: Bytes,
    compressors: [Codec; 4],
}

#[derive(Debug, Default)]
struct Bytes {
    on_the_wire: AtomicU64,
    plain: AtomicU64,
}

/// What one compressor was given and what it made of it.
#[derive(Debug, Default)]
struct Codec {
    compressed: Flow,
    decompressed: Flow,
}

#[derive(Debug, Default)]
struct Flow {
    given: AtomicU64,
    made: AtomicU64,
}

impl Flow {
    fn add(&self, given: usize, made: usize) {
        self.given.fetch_add(given as u64, Ordering::Relaxed);
        self.made.fetch_add(made as u64, Ordering::Relaxed);
    }

    fn counts(&self) -> Recoded {
        let (given, made) = (&self.given, &self.made);
        Recoded { given: given.load(Ordering::Relaxed), made: made.load(Ordering::Relaxed) }
    }
}

impl Traffic {
    /// Counts a request as active for as long as the guard lives, be it cut off.
    pub(crate) fn begin(self: Arc<Self>) -> Active {
        self.active.fetch_add(1, Ordering::Relaxed);
        Active(self)
    }

    /// A message was read.
    pub(crate) fn received(&self, bytes: usize, compression: Option<Compression>) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.received.on_the_wire.fetch_add(bytes as u64, Ordering::Relaxed);
        self.received.plain.fetch_add(plain_bytes(bytes, compression), Ordering::Relaxed);
        if let Some((codec, made)) = compression.and_then(|made| Some((self.codec(made)?, made))) {
            codec.decompressed.add(made.compressed_bytes, made.plain_bytes);
        }
    }

    /// A reply is ready, and goes out.
    pub(crate) fn wrote(&self, bytes: usize, compression: Option<Compression>) {
        self.sent.plain.fetch_add(plain_bytes(bytes, compression), Ordering::Relaxed);
        if let Some((codec, made)) = compression.and_then(|made| Some((self.codec(made)?, made))) {
            codec.compressed.add(made.plain_bytes, made.compressed_bytes);
        }
    }

    /// So much of it did go out.
    pub(crate) fn sent(&self, bytes: usize) {
        self.sent.on_the_wire.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn codec(&self, compression: Compression) -> Option<&Codec> {
        self.compressors.get(usize::from(compression.compressor.id()))
    }

    pub(crate) fn network(&self) -> NetworkCounts {
        NetworkCounts {
            bytes_in: self.received.plain.load(Ordering::Relaxed),
            bytes_out: self.sent.plain.load(Ordering::Relaxed),
            physical_bytes_in: self.received.on_the_wire.load(Ordering::Relaxed),
            physical_bytes_out: self.sent.on_the_wire.load(Ordering::Relaxed),
            requests: self.requests.load(Ordering::Relaxed),
        }
    }

    /// What the compressor of a name did.
    pub(crate) fn compression(&self, name: &str) -> CompressionCounts {
        let compressor = Compressor::from_name(name);
        let codec = compressor.and_then(|found| self.compressors.get(usize::from(found.id())));
        codec.map_or_else(CompressionCounts::default, |codec| CompressionCounts {
            compressed: codec.compressed.counts(),
            decompressed: codec.decompressed.counts(),
        })
    }
}

/// The bytes of a message had it not been compressed.
fn plain_bytes(bytes: usize, compression: Option<Compression>) -> u64 {
    compression.map_or(bytes, |made| made.plain_bytes.saturating_add(HEADER_BYTES)) as u64
}

/// A request at work.
pub(crate) struct Active(Arc<Traffic>);

impl Drop for Active {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Ordering::Relaxed);
    }
}
