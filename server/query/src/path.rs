//! Dotted field paths over raw documents.
//!
//! Owns MongoDB's rule for what a path such as `a.b.0` means: an array in the middle of a path is
//! entered, every document in it is asked for the rest; a numeric component is both a field name
//! and an array position; an array at the end stands for its items and for itself. Walks borrowed
//! bytes in document order, never allocates, never recurses deeper than the document is nested.
//!
//! | document | path | visited, with items |
//! |---|---|---|
//! | `{a: 5}` | `a` | `5` |
//! | `{a: [1, 2]}` | `a` | `1`, `2`, `[1, 2]` |
//! | `{}`, `{a: 5}` | `a.b` | missing |
//! | `{a: [{b: 1}, {}, 7]}` | `a.b` | `1`, missing (nothing for the 7) |
//! | `{a: [5, {b: 4}]}` | `a.1.b` | missing (field `1` of the document), `4` |
//! | `{a: [5, [2, 4]]}` | `a.1` | `[2, 4]` |

use quire_bson::{RawDoc, RawElement, RawValue};

/// A parsed dotted path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldPath {
    text: Box<str>,
    parts: Box<[Part]>,
}

/// One component of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    name: Box<str>,
    /// The array position that the name spells, if it is a number without leading zeros.
    position: Option<usize>,
}

/// What an array at the end of a path stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeafArrays {
    /// For each of its items, then for itself: how most predicates see it.
    Items,
    /// Only for itself: how `$size` and `$elemMatch` see it.
    Whole,
}

const ARRAY: u8 = 0x04;
const DOCUMENT: u8 = 0x03;

impl FieldPath {
    pub fn new(text: &str) -> FieldPath {
        let parts = text
            .split('.')
            .map(|name| Part { name: name.into(), position: array_position(name) })
            .collect();
        FieldPath { text: text.into(), parts }
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first component: the top-level field that the path starts from.
    pub fn first(&self) -> &str {
        self.parts.first().map_or("", |part| &part.name)
    }

    /// True when the path has more than one component.
    pub fn is_dotted(&self) -> bool {
        self.parts.len() > 1
    }

    /// True when a component after the first could mean an array position.
    pub fn has_position(&self) -> bool {
        self.parts.iter().skip(1).any(|part| part.position.is_some())
    }

    /// Visits what the path means in `doc` until `visit` answers true, and tells whether it did.
    ///
    /// `visit` gets the value (`None`: missing) and the position of the item in the outermost array
    /// that was entered implicitly on the way.
    pub fn any<'a, E>(
        &self,
        doc: RawDoc<'a>,
        leaf: LeafArrays,
        visit: &mut impl FnMut(Option<RawValue<'a>>, Option<usize>) -> Result<bool, E>,
    ) -> Result<bool, E> {
        walk_document(doc, &self.parts, leaf, None, visit)
    }

    /// Like [`FieldPath::any`], where the top-level field is already found.
    pub fn any_from<'a, E>(
        &self,
        field: RawElement<'a>,
        leaf: LeafArrays,
        visit: &mut impl FnMut(Option<RawValue<'a>>, Option<usize>) -> Result<bool, E>,
    ) -> Result<bool, E> {
        walk_element(field, self.parts.get(1..).unwrap_or(&[]), leaf, None, visit)
    }
}

impl std::fmt::Display for FieldPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// Visits `value` as the end of a path, as [`FieldPath::any`] does when it gets there.
pub fn any_of_value<'a, E>(
    value: RawValue<'a>,
    leaf: LeafArrays,
    visit: &mut impl FnMut(Option<RawValue<'a>>, Option<usize>) -> Result<bool, E>,
) -> Result<bool, E> {
    match value {
        RawValue::Array(items) => walk_array(items, &[], leaf, None, visit),
        _ => visit(Some(value), None),
    }
}

/// The array position that a path component spells.
pub fn array_position(name: &str) -> Option<usize> {
    let canonical = name == "0" || !name.starts_with('0');
    if canonical && !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit()) {
        name.parse().ok()
    } else {
        None
    }
}

fn walk_document<'a, E>(
    doc: RawDoc<'a>,
    parts: &[Part],
    leaf: LeafArrays,
    at: Option<usize>,
    visit: &mut impl FnMut(Option<RawValue<'a>>, Option<usize>) -> Result<bool, E>,
) -> Result<bool, E> {
    let Some((part, rest)) = parts.split_first() else {
        return visit(None, at);
    };
    match doc.find(&part.name) {
        Some(element) => walk_element(element, rest, leaf, at, visit),
        None => visit(None, at),
    }
}

fn walk_element<'a, E>(
    element: RawElement<'a>,
    rest: &[Part],
    leaf: LeafArrays,
    at: Option<usize>,
    visit: &mut impl FnMut(Option<RawValue<'a>>, Option<usize>) -> Result<bool, E>,
) -> Result<bool, E> {
    match element.value() {
        RawValue::Array(items) => walk_array(items, rest, leaf, at, visit),
        value if rest.is_empty() => visit(Some(value), at),
        RawValue::Document(inner) => walk_document(inner, rest, leaf, at, visit),
        // A scalar has no fields: whatever lies below it is missing.
        _ => visit(None, at),
    }
}

fn walk_array<'a, E>(
    items: RawDoc<'a>,
    rest: &[Part],
    leaf: LeafArrays,
    at: Option<usize>,
    visit: &mut impl FnMut(Option<RawValue<'a>>, Option<usize>) -> Result<bool, E>,
) -> Result<bool, E> {
    let Some((next, after)) = rest.split_first() else {
        if leaf == LeafArrays::Items {
            for (position, item) in items.iter().enumerate() {
                if visit(Some(item.value()), at.or(Some(position)))? {
                    return Ok(true);
                }
            }
        }
        return visit(Some(RawValue::Array(items)), at);
    };
    for (position, item) in items.iter().enumerate() {
        let here = at.or(Some(position));
        if item.tag() == DOCUMENT {
            let RawValue::Document(inner) = item.value() else { continue };
            if walk_document(inner, rest, leaf, here, visit)? {
                return Ok(true);
            }
        }
        if next.position == Some(position) && walk_position(item, after, leaf, at, here, visit)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The item that a numeric component names. `at` is where the walk stood before this array: a named
/// position is not an implicit one, unless the path ends with it.
fn walk_position<'a, E>(
    item: RawElement<'a>,
    after: &[Part],
    leaf: LeafArrays,
    at: Option<usize>,
    here: Option<usize>,
    visit: &mut impl FnMut(Option<RawValue<'a>>, Option<usize>) -> Result<bool, E>,
) -> Result<bool, E> {
    match item.tag() {
        // An item that is named is taken as it is: its own items are not visited.
        _ if after.is_empty() => visit(Some(item.value()), here),
        ARRAY | DOCUMENT => walk_element(item, after, leaf, at, visit),
        _ => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quire_bson::{Bson, DocBuf, Document, bson, doc};

    /// What a walk shows: a value or a missing one, and a position.
    type Visits = Vec<(Option<Bson>, Option<usize>)>;

    fn visited(doc: &Document, path: &str, leaf: LeafArrays) -> Visits {
        let buf = DocBuf::from(doc);
        let mut seen = Vec::new();
        let stopped = FieldPath::new(path).any(buf.as_raw(), leaf, &mut |value, at| {
            seen.push((value.map(RawValue::to_bson), at));
            Ok::<bool, ()>(false)
        });
        assert_eq!(stopped, Ok(false));
        seen
    }

    #[test]
    fn a_path_visits_items_then_the_array_and_enters_arrays_of_documents() {
        let items = LeafArrays::Items;
        let cases: Vec<(Document, &str, Visits)> = vec![
            (doc! {"a": 5}, "a", vec![(Some(bson!(5)), None)]),
            (doc! {}, "a", vec![(None, None)]),
            (doc! {"a": 5}, "a.b", vec![(None, None)]),
            (doc! {"a": {"b": 5}}, "a.b", vec![(Some(bson!(5)), None)]),
            (
                doc! {"a": [1, 2]},
                "a",
                vec![
                    (Some(bson!(1)), Some(0)),
                    (Some(bson!(2)), Some(1)),
                    (Some(bson!([1, 2])), None),
                ],
            ),
            (doc! {"a": []}, "a", vec![(Some(bson!([])), None)]),
            (doc! {"a": []}, "a.b", vec![]),
            (doc! {"a": [1, 2]}, "a.b", vec![]),
            (
                doc! {"a": [{"b": 1}, {}, 7]},
                "a.b",
                vec![(Some(bson!(1)), Some(0)), (None, Some(1))],
            ),
            (doc! {"a": [[{"b": 1}]]}, "a.b", vec![]),
            (doc! {"a": [5, [2, 4]]}, "a.1", vec![(Some(bson!([2, 4])), Some(1))]),
            (
                doc! {"a": [5, {"1": 4}]},
                "a.1",
                vec![(Some(bson!(4)), Some(1)), (Some(bson!({"1": 4})), Some(1))],
            ),
            (doc! {"a": [5, {"b": 4}]}, "a.1.b", vec![(None, Some(1)), (Some(bson!(4)), None)]),
            (doc! {"a": [5, [{"b": 4}]]}, "a.1.b", vec![(Some(bson!(4)), Some(0))]),
            (doc! {"a": {"01": 4}}, "a.01", vec![(Some(bson!(4)), None)]),
            (doc! {"a": [3, 4]}, "a.01", vec![]),
            (doc! {"": {"": 1}}, ".", vec![(Some(bson!(1)), None)]),
        ];
        for (doc, path, expected) in cases {
            assert_eq!(visited(&doc, path, items), expected, "{path} in {doc}");
        }
    }

    #[test]
    fn a_whole_array_is_visited_once() {
        let seen = visited(&doc! {"a": [{"b": [1, 2]}]}, "a.b", LeafArrays::Whole);
        assert_eq!(seen, vec![(Some(bson!([1, 2])), Some(0))]);
    }

    #[test]
    fn only_canonical_numbers_are_positions() {
        for (name, position) in
            [("0", Some(0)), ("12", Some(12)), ("01", None), ("", None), ("-1", None), ("1a", None)]
        {
            assert_eq!(array_position(name), position, "{name}");
        }
        assert!(FieldPath::new("a.0").has_position());
        assert!(!FieldPath::new("0.a").has_position());
    }
}
