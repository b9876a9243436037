//! Bounds as explain shows them: `{a: ["[5, 5]"], b: ["[MinKey, MaxKey]"]}`.

use super::description::FieldOrder;
use super::interval::{Interval, Intervals};
use crate::render;
use quire_bson::{DocBuf, DocBuilder, RawValue};

/// The bounds of each field of a scan; a scan against a field's order shows them upside down.
pub(crate) fn bounds<'a>(
    fields: impl IntoIterator<Item = (&'a str, FieldOrder, &'a Intervals)>,
    backwards: bool,
    collated: bool,
) -> DocBuf {
    let mut builder = DocBuilder::new();
    for (path, order, intervals) in fields {
        let downwards = (order == FieldOrder::Descending) != backwards;
        let mut shown: Vec<String> =
            intervals.iter().map(|i| interval(i, downwards, collated)).collect();
        if downwards {
            shown.reverse();
        }
        builder.append_array(path, |list| {
            for text in &shown {
                list.push(RawValue::String(text));
            }
        });
    }
    builder.finish()
}

fn interval(interval: &Interval, downwards: bool, collated: bool) -> String {
    let show = |value: RawValue<'_>| match value {
        // The bytes of a key, as `quire_collation` makes strings of them.
        RawValue::String(key) if collated && !key.is_empty() => {
            let bytes: String = key.chars().map(|c| format!("{:02x}", u32::from(c))).collect();
            format!("CollationKey(0x{bytes})")
        }
        value => render::value(value),
    };
    let low = (show(interval.low.value()), interval.low_included);
    let high = (show(interval.high.value()), interval.high_included);
    let ((first, first_in), (last, last_in)) = if downwards { (high, low) } else { (low, high) };
    let open = if first_in { '[' } else { '(' };
    let close = if last_in { ']' } else { ')' };
    format!("{open}{first}, {last}{close}")
}
