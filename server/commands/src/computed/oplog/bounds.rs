//! Which times a filter lets through.
//!
//! Owns reading bounds of `ts` off a filter, so that whoever goes on from a time does not walk the
//! whole log. The filter is still applied to what is found: bounds may be too wide and never too
//! narrow.

use quire_bson::{RawDoc, RawValue};
use quire_log::Timestamp;

/// The times of the entries that may match, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub lower: Timestamp,
    pub upper: Timestamp,
}

/// How deep `$and` is looked into.
const DEPTH_MAX: usize = 4;

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { lower: Timestamp::ZERO, upper: Timestamp(u64::MAX) }
    }
}

impl Bounds {
    pub fn of(filter: RawDoc<'_>) -> Bounds {
        let mut bounds = Bounds::default();
        bounds.narrow(filter, 0);
        bounds
    }

    fn narrow(&mut self, filter: RawDoc<'_>, depth: usize) {
        for element in filter {
            match (element.key(), element.value()) {
                ("ts", RawValue::Document(operators)) => {
                    for operator in operators {
                        self.apply(operator.key(), operator.value());
                    }
                }
                ("ts", value) => self.apply("$eq", value),
                ("$and", RawValue::Array(all)) if depth < DEPTH_MAX => {
                    for part in all.into_iter().filter_map(|part| part.value().as_document()) {
                        self.narrow(part, depth + 1);
                    }
                }
                _ => {}
            }
        }
    }

    fn apply(&mut self, operator: &str, value: RawValue<'_>) {
        let RawValue::Timestamp { time, increment } = value else { return };
        let time = Timestamp::new(time, increment);
        if ["$eq", "$gt", "$gte"].contains(&operator) {
            self.lower = self.lower.max(time);
        }
        if ["$eq", "$lt", "$lte"].contains(&operator) {
            self.upper = self.upper.min(time);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Bounds;
    use quire_bson::{Document, Timestamp, doc};

    fn at(time: u32) -> Timestamp {
        Timestamp { time, increment: 0 }
    }

    fn seconds(filter: &Document) -> (u32, u32) {
        let bounds = Bounds::of(quire_bson::DocBuf::from(filter).as_raw());
        (bounds.lower.seconds(), bounds.upper.seconds())
    }

    #[test]
    fn bounds_are_what_every_match_lies_between() {
        const END: u32 = u32::MAX;
        let table = [
            (doc! {}, (0, END)),
            (doc! {"ts": at(5)}, (5, 5)),
            (doc! {"ts": {"$gt": at(5)}}, (5, END)),
            (doc! {"ts": {"$gte": at(5), "$lte": at(9)}}, (5, 9)),
            (doc! {"ns": "a.b", "ts": {"$lt": at(9)}}, (0, 9)),
            (doc! {"$and": [{"ts": {"$gte": at(5)}}, {"ts": {"$gte": at(7)}}]}, (7, END)),
            (doc! {"$or": [{"ts": at(5)}, {"ts": at(7)}]}, (0, END)),
            (doc! {"ts": {"$not": {"$gte": at(5)}}}, (0, END)),
            (doc! {"ts": {"$ne": at(5)}}, (0, END)),
            (doc! {"ts": {"$gte": 5}}, (0, END)),
        ];
        for (filter, expected) in table {
            assert_eq!(seconds(&filter), expected, "{filter}");
        }
    }
}
