//! A position in the history of the set: the timestamp of an entry and the term it was written in.

use quire_bson::{Bson, Document, RawDoc, RawValue, Timestamp, doc};
use std::cmp::Ordering;

/// The timestamp of an entry and its term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpTime {
    pub ts: Timestamp,
    pub t: i64,
}

impl OpTime {
    /// Before everything: what members show that have nothing or were never heard of.
    pub const NULL: OpTime = OpTime { ts: Timestamp { time: 0, increment: 0 }, t: -1 };

    pub fn new(time: u32, increment: u32, term: i64) -> OpTime {
        OpTime { ts: Timestamp { time, increment }, t: term }
    }

    pub fn is_null(self) -> bool {
        self == OpTime::NULL
    }

    /// The second it was written in, in milliseconds since the epoch.
    pub fn millis(self) -> i64 {
        i64::from(self.ts.time).saturating_mul(1000)
    }

    pub fn to_document(self) -> Document {
        doc! { "ts": self.ts, "t": self.t }
    }

    /// Reads what [`OpTime::to_document`] wrote; `None` when it is something else.
    pub fn from_raw(doc: RawDoc<'_>) -> Option<OpTime> {
        let RawValue::Timestamp { time, increment } = doc.get("ts")? else { return None };
        let term = quire_bson::as_exact_i64(doc.get("t")?)?;
        Some(OpTime::new(time, increment, term))
    }
}

impl From<OpTime> for Bson {
    fn from(op_time: OpTime) -> Bson {
        Bson::Document(op_time.to_document())
    }
}

/// A later term is later whatever the timestamps say.
impl Ord for OpTime {
    fn cmp(&self, other: &OpTime) -> Ordering {
        let key = |o: &OpTime| (o.t, o.ts.time, o.ts.increment);
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for OpTime {
    fn partial_cmp(&self, other: &OpTime) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::OpTime;
    use quire_bson::{DocBuf, doc};

    #[test]
    fn op_times_are_ordered_by_term_first() {
        let ascending = [
            OpTime::NULL,
            OpTime::new(9, 9, 1),
            OpTime::new(5, 0, 2),
            OpTime::new(5, 1, 2),
            OpTime::new(6, 0, 2),
        ];
        assert!(ascending.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn an_op_time_survives_being_written() {
        let op_time = OpTime::new(1_700_000_000, 7, 3);
        let buf = DocBuf::from(&op_time.to_document());
        assert_eq!(OpTime::from_raw(buf.as_raw()), Some(op_time));
        let other = DocBuf::from(&doc! { "ts": 1, "t": 1 });
        assert_eq!(OpTime::from_raw(other.as_raw()), None);
    }
}
