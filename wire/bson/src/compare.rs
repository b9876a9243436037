//! The total order over BSON values that sorting, range predicates, `$min`/`$max` and keys share.
//!
//! Owns the order and nothing else. Values order by canonical type first, then by value; all four
//! numeric types are one canonical type and compare by exact mathematical value, never through a
//! rounding conversion. `storage/keys` writes bytes that order as [`compare`] does, so a change here
//! is a change of the on-disk format. Knows no collation.
//!
//! | canonical | types | order within |
//! |---|---|---|
//! | 0 | min key | equal |
//! | 1 | undefined | equal |
//! | 5 | null | equal |
//! | 10 | double, int32, int64, decimal128 | NaN, then by exact value; -0 equals 0 |
//! | 15 | string, symbol | bytes |
//! | 20 | document | element by element: canonical type, name, value; a prefix is smaller |
//! | 25 | array | item by item: canonical type, value; a prefix is smaller |
//! | 30 | binary | length, subtype, bytes |
//! | 35 | object id | bytes |
//! | 40 | boolean | false, true |
//! | 45 | date | signed milliseconds |
//! | 47 | timestamp | unsigned seconds, increment |
//! | 50 | regex | pattern, options |
//! | 55 | db pointer | namespace length, namespace, id |
//! | 60 | code | bytes |
//! | 65 | code with scope | code, scope |
//! | 127 | max key | equal |

use crate::number;
use crate::raw::{RawDoc, RawValue};
use crate::validate::DEPTH_MAX;
use bson::{Bson, Document};
use std::cmp::Ordering;

/// The rank of the value's type in the cross-type order.
#[inline]
pub fn canonical_type(value: RawValue<'_>) -> u8 {
    canonical_type_of_tag(value.tag())
}

/// [`canonical_type`] for a BSON type tag, for deciding without decoding the value.
#[inline]
pub fn canonical_type_of_tag(tag: u8) -> u8 {
    match tag {
        0xFF => 0,
        0x06 => 1,
        0x0A => 5,
        0x01 | 0x10 | 0x12 | 0x13 => 10,
        0x02 | 0x0E => 15,
        0x03 => 20,
        0x04 => 25,
        0x05 => 30,
        0x07 => 35,
        0x08 => 40,
        0x09 => 45,
        0x11 => 47,
        0x0B => 50,
        0x0C => 55,
        0x0D => 60,
        0x0F => 65,
        _ => 127,
    }
}

/// Compares two values in the order of the table above.
#[inline]
pub fn compare(a: RawValue<'_>, b: RawValue<'_>) -> Ordering {
    compare_at(a, b, 0)
}

/// Compares two documents element by element.
pub fn compare_docs(a: RawDoc<'_>, b: RawDoc<'_>) -> Ordering {
    docs_at(a, b, 0)
}

fn compare_at(a: RawValue<'_>, b: RawValue<'_>, depth: usize) -> Ordering {
    use RawValue::*;
    match (a, b) {
        (Document(a), Document(b)) => docs_at(a, b, depth),
        (Array(a), Array(b)) => arrays_at(a, b, depth),
        (CodeWithScope { code: a, scope: s }, CodeWithScope { code: b, scope: t }) => {
            a.as_bytes().cmp(b.as_bytes()).then_with(|| docs_at(s, t, depth))
        }
        _ => canonical_type(a)
            .cmp(&canonical_type(b))
            .then_with(|| compare_scalars_of_one_class(a, b)),
    }
}

/// Compares two values that are known to have the same canonical type and hold no others.
fn compare_scalars_of_one_class(a: RawValue<'_>, b: RawValue<'_>) -> Ordering {
    use RawValue::*;
    match (a, b) {
        (String(a) | Symbol(a), String(b) | Symbol(b)) | (Code(a), Code(b)) => {
            a.as_bytes().cmp(b.as_bytes())
        }
        (Binary { subtype: s, bytes: a }, Binary { subtype: t, bytes: b }) => {
            (a.len(), s, a).cmp(&(b.len(), t, b))
        }
        (ObjectId(a), ObjectId(b)) => a.bytes().cmp(&b.bytes()),
        (Boolean(a), Boolean(b)) => a.cmp(&b),
        (DateTime(a), DateTime(b)) => a.cmp(&b),
        (Timestamp { time: t, increment: i }, Timestamp { time: u, increment: j }) => {
            (t, i).cmp(&(u, j))
        }
        (Regex { pattern: p, options: o }, Regex { pattern: q, options: r }) => {
            (p.as_bytes(), o.as_bytes()).cmp(&(q.as_bytes(), r.as_bytes()))
        }
        (DbPointer { namespace: n, id: i }, DbPointer { namespace: m, id: j }) => {
            (n.len(), n.as_bytes(), i.bytes()).cmp(&(m.len(), m.as_bytes(), j.bytes()))
        }
        // Null, undefined and the two ends have one value each; what is left are numbers.
        _ => number::compare_numbers(a, b).unwrap_or(Ordering::Equal),
    }
}

fn docs_at(a: RawDoc<'_>, b: RawDoc<'_>, depth: usize) -> Ordering {
    if depth > DEPTH_MAX {
        // Validation admits nothing this deep; an order without recursion is still an order.
        return a.as_bytes().cmp(b.as_bytes());
    }
    let mut right = b.iter();
    for x in a {
        let Some(y) = right.next() else { return Ordering::Greater };
        if x == y {
            continue;
        }
        let order = canonical_type_of_tag(x.tag())
            .cmp(&canonical_type_of_tag(y.tag()))
            .then_with(|| x.key_bytes().cmp(y.key_bytes()))
            .then_with(|| compare_at(x.value(), y.value(), depth + 1));
        if order != Ordering::Equal {
            return order;
        }
    }
    if right.next().is_some() { Ordering::Less } else { Ordering::Equal }
}

fn arrays_at(a: RawDoc<'_>, b: RawDoc<'_>, depth: usize) -> Ordering {
    if depth > DEPTH_MAX {
        return a.as_bytes().cmp(b.as_bytes());
    }
    let mut right = b.iter();
    for x in a {
        let Some(y) = right.next() else { return Ordering::Greater };
        if (x.tag(), x.value_bytes()) == (y.tag(), y.value_bytes()) {
            continue;
        }
        let order = compare_at(x.value(), y.value(), depth + 1);
        if order != Ordering::Equal {
            return order;
        }
    }
    if right.next().is_some() { Ordering::Less } else { Ordering::Equal }
}

/// [`compare`] for decoded values.
pub fn compare_bson(a: &Bson, b: &Bson) -> Ordering {
    bson_at(a, b, 0)
}

/// [`compare_docs`] for decoded documents.
pub fn compare_documents(a: &Document, b: &Document) -> Ordering {
    documents_at(a, b, 0)
}

fn bson_at(a: &Bson, b: &Bson, depth: usize) -> Ordering {
    match (a, b) {
        (Bson::Document(a), Bson::Document(b)) => documents_at(a, b, depth),
        (Bson::Array(a), Bson::Array(b)) => items_at(a, b, depth),
        (Bson::JavaScriptCodeWithScope(a), Bson::JavaScriptCodeWithScope(b)) => a
            .code
            .as_bytes()
            .cmp(b.code.as_bytes())
            .then_with(|| documents_at(&a.scope, &b.scope, depth)),
        (Bson::DbPointer(_), Bson::DbPointer(_)) => {
            // The crate shows a pointer's fields in its bytes only.
            let (a, b) = (crate::DocBuf::of_value(a), crate::DocBuf::of_value(b));
            compare_docs(a.as_raw(), b.as_raw())
        }
        _ => {
            let rank = |value: &Bson| canonical_type_of_tag(value.element_type() as u8);
            rank(a).cmp(&rank(b)).then_with(|| {
                match (RawValue::of_scalar(a), RawValue::of_scalar(b)) {
                    (Some(a), Some(b)) => compare_scalars_of_one_class(a, b),
                    _ => Ordering::Equal,
                }
            })
        }
    }
}

fn documents_at(a: &Document, b: &Document, depth: usize) -> Ordering {
    if depth > DEPTH_MAX {
        return Ordering::Equal;
    }
    let rank = |value: &Bson| canonical_type_of_tag(value.element_type() as u8);
    let mut right = b.iter();
    for (key, x) in a {
        let Some((other, y)) = right.next() else { return Ordering::Greater };
        let order = rank(x)
            .cmp(&rank(y))
            .then_with(|| key.as_bytes().cmp(other.as_bytes()))
            .then_with(|| bson_at(x, y, depth + 1));
        if order != Ordering::Equal {
            return order;
        }
    }
    if right.next().is_some() { Ordering::Less } else { Ordering::Equal }
}

fn items_at(a: &[Bson], b: &[Bson], depth: usize) -> Ordering {
    if depth > DEPTH_MAX {
        return Ordering::Equal;
    }
    let differing = a.iter().zip(b).map(|(x, y)| bson_at(x, y, depth + 1));
    let first = differing.into_iter().find(|order| *order != Ordering::Equal);
    first.unwrap_or_else(|| a.len().cmp(&b.len()))
}

#[cfg(test)]
mod tests;
