//! A digest of everything that happens, to tell whether two runs were the same.

/// FNV-1a over 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceHash(pub u64);

impl Default for TraceHash {
    fn default() -> TraceHash {
        TraceHash(0xcbf2_9ce4_8422_2325)
    }
}

impl TraceHash {
    pub fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    pub fn number(&mut self, number: u64) {
        self.bytes(&number.to_le_bytes());
    }
}

/// The digest of some bytes.
pub fn digest(parts: &[&[u8]]) -> u64 {
    let mut hash = TraceHash::default();
    for part in parts {
        hash.number(part.len() as u64);
        hash.bytes(part);
    }
    hash.0
}
