use super::{Bracket, Order, encode_value, encode_value_descending, encode_with, skip_value};
use proptest::collection::vec;
use proptest::prelude::*;
use quire_bson::{
    Bson, DateTime, DocBuf, Document, JavaScriptCodeWithScope, ObjectId, RawValue, Timestamp,
    compare, compare_bson, doc,
};
use std::cmp::Ordering;

fn with_raw<T>(value: &Bson, use_it: impl FnOnce(RawValue<'_>) -> T) -> T {
    let holder = DocBuf::of_value(value);
    use_it(holder.as_raw().get("").unwrap())
}

fn ascending(value: &Bson) -> Vec<u8> {
    let mut out = Vec::new();
    with_raw(value, |raw| encode_value(&mut out, raw));
    out
}

fn descending(value: &Bson) -> Vec<u8> {
    let mut out = Vec::new();
    with_raw(value, |raw| encode_value_descending(&mut out, raw));
    out
}

fn decimal(text: &str) -> Bson {
    Bson::Decimal128(text.parse().unwrap())
}

#[test]
fn values_have_exactly_these_bytes_for_ever() {
    let id = ObjectId::from_bytes([0xAB; 12]);
    let cases: Vec<(Bson, &str)> = vec![
        (Bson::MinKey, "04"),
        (Bson::Undefined, "08"),
        (Bson::Null, "0c"),
        (Bson::Double(f64::NAN), "10"),
        (Bson::Double(f64::NEG_INFINITY), "11000f"),
        (Bson::Int32(-1), "11800f"),
        (Bson::Double(-0.0), "12"),
        (Bson::Double(0.5), "137fe0"),
        (Bson::Int64(1), "137ff0"),
        (Bson::Int32(1000), "13818fa0"),
        (Bson::Int64(1 << 53), "138740"),
        (Bson::Int64((1 << 53) + 1), "138741010101010101010002"),
        (decimal("0.1"), "137fb9cd673399cd67337fff0b00"),
        (decimal("1E+400"), "13ffefffffffffffffff81900b00"),
        (Bson::String("a\0\u{1}b".into()), "1861010101026200"),
        (Bson::Document(doc! { "a": 1 }), "1c106100137ff000"),
        (Bson::Array(vec![Bson::Null, Bson::Boolean(true)]), "200c2d00"),
        (Bson::Binary(bson_binary(4, &[1, 2])), "2402040102"),
        (Bson::ObjectId(id), "28abababababababababababab"),
        (Bson::DateTime(DateTime::from_millis(0)), "308000000000000000"),
        (Bson::Timestamp(Timestamp { time: 1, increment: 2 }), "340000000100000002"),
        (Bson::MaxKey, "7f"),
    ];
    for (value, hex) in cases {
        let bytes = ascending(&value);
        let shown: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(shown, hex, "{value:?}");
    }
}

fn bson_binary(subtype: u8, bytes: &[u8]) -> quire_bson::Binary {
    quire_bson::Binary { subtype: subtype.into(), bytes: bytes.to_vec() }
}

#[test]
fn equal_numbers_of_all_types_have_the_same_bytes() {
    for group in [
        vec![Bson::Int32(1), Bson::Int64(1), Bson::Double(1.0), decimal("1.00")],
        vec![Bson::Int32(0), Bson::Double(-0.0), decimal("-0E-10")],
        vec![Bson::Double(f64::NAN), decimal("NaN"), decimal("-NaN")],
        vec![Bson::Double(f64::INFINITY), decimal("Infinity")],
        vec![Bson::Double(-2.5), decimal("-2.50")],
        vec![Bson::Int64(i64::MAX), decimal("9223372036854775807")],
        vec![
            Bson::Int64(i64::MIN),
            Bson::Double(i64::MIN as f64),
            decimal("-9.223372036854775808E18"),
        ],
        vec![Bson::String("a".into()), Bson::Symbol("a".into())],
    ] {
        let first = ascending(&group[0]);
        for value in &group {
            assert_eq!(ascending(value), first, "{value:?}");
        }
    }
}

#[test]
fn common_keys_are_short() {
    assert_eq!(ascending(&Bson::ObjectId(ObjectId::from_bytes([7; 12]))).len(), 13);
    assert_eq!(ascending(&Bson::Int32(7)).len(), 3);
    assert!(ascending(&Bson::Int32(i32::MAX)).len() <= 7);
    assert!(ascending(&Bson::Int64(i64::MAX)).len() <= 12);
    assert_eq!(ascending(&Bson::String("name".into())).len(), 6);
    assert_eq!(ascending(&Bson::Binary(bson_binary(4, &[0; 16]))).len(), 19);
}

#[test]
fn nesting_beyond_the_limit_is_keyed_and_skipped_without_recursing_into_it() {
    let mut deep = vec![5u8, 0, 0, 0, 0];
    for _ in 0..3_000 {
        let mut outer = i32::try_from(deep.len() + 8).unwrap().to_le_bytes().to_vec();
        outer.extend_from_slice(b"\x03a\0");
        outer.extend_from_slice(&deep);
        outer.push(0);
        deep = outer;
    }
    let mut key = Vec::new();
    let raw = quire_bson::RawDoc::from_validated(&deep);
    encode_value(&mut key, RawValue::Document(raw));
    assert_eq!(skip_value(&key), Some(key.len()));
}

#[test]
fn damaged_bytes_have_no_end() {
    for bytes in [&[][..], &[0x00], &[0x28, 1, 2], &[0x18, b'a'], &[0x13, 0xFF], &[0x20, 0x0C]] {
        assert_eq!(skip_value(bytes), None, "{bytes:?}");
    }
}

/// Numbers that lie close together across the types: a seed, moved a little, in another type.
fn number() -> impl Strategy<Value = Bson> {
    let seed = prop_oneof![
        any::<i64>(),
        -3i64..3,
        (0u32..63, -2i64..3).prop_map(|(shift, step)| (1i64 << shift).saturating_add(step)),
    ];
    let text =
        ("-?[0-9]{1,34}", prop_oneof![-40i32..20, -6176i32..6078, -345i32..-300, 270i32..300])
            .prop_map(|(digits, exponent)| decimal(&format!("{digits}E{exponent}")));
    let special = prop_oneof![
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(f64::MAX),
        Just(f64::MIN_POSITIVE),
        Just(5e-324),
        Just(-0.0),
    ];
    prop_oneof![
        (seed, 0u8..7).prop_map(|(n, form)| match form {
            0 => Bson::Int32(n as i32),
            1 => Bson::Int64(n),
            2 => Bson::Int64(n.saturating_neg()),
            3 => Bson::Double(n as f64),
            4 => Bson::Double(n as f64 / 8.0),
            5 => decimal(&n.to_string()),
            _ => decimal(&format!("{n}.{}", n % 10 * (n % 10))),
        }),
        text,
        any::<f64>().prop_map(Bson::Double),
        special.clone().prop_map(Bson::Double),
        // The decimal nearest to a double, one side or the other or exactly on it.
        prop_oneof![any::<f64>(), special, (-1e6f64..1e6)].prop_map(|x| match x.is_finite() {
            true => decimal(&format!("{x:.33e}")),
            false => decimal(if x.is_nan() { "NaN" } else { "-Infinity" }),
        }),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ab\0\u{1}\u{2}]{0,3}", any::<String>()]
}

fn cstring() -> impl Strategy<Value = String> {
    "[ab\u{1}\u{2}é]{0,2}"
}

fn scalar() -> impl Strategy<Value = Bson> {
    let bytes = prop_oneof![vec(0u8..3, 0..4), vec(any::<u8>(), 250..260)];
    let id = prop_oneof![any::<[u8; 12]>(), Just([0; 12])].prop_map(ObjectId::from_bytes);
    prop_oneof![
        8 => number(),
        4 => text().prop_map(Bson::String),
        1 => text().prop_map(Bson::Symbol),
        1 => text().prop_map(Bson::JavaScriptCode),
        1 => prop_oneof![
            Just(Bson::Null), Just(Bson::Undefined), Just(Bson::MinKey), Just(Bson::MaxKey)
        ],
        1 => any::<bool>().prop_map(Bson::Boolean),
        1 => prop_oneof![any::<i64>(), -2i64..2]
            .prop_map(|n| Bson::DateTime(DateTime::from_millis(n))),
        1 => (any::<u32>(), 0u32..3)
            .prop_map(|(time, increment)| Bson::Timestamp(Timestamp { time, increment })),
        2 => (0u8..6, bytes).prop_map(|(subtype, b)| Bson::Binary(bson_binary(subtype, &b))),
        1 => id.clone().prop_map(Bson::ObjectId),
        1 => (cstring(), cstring())
            .prop_map(|(p, o)| RawValue::Regex { pattern: &p, options: &o }.to_bson()),
        1 => (text(), id).prop_map(|(n, id)| RawValue::DbPointer { namespace: &n, id }.to_bson()),
    ]
}

fn document(value: impl Strategy<Value = Bson>) -> impl Strategy<Value = Document> {
    vec((cstring(), value), 0..4).prop_map(|elements| elements.into_iter().collect())
}

fn value() -> impl Strategy<Value = Bson> {
    scalar().prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            document(inner.clone()).prop_map(Bson::Document),
            vec(inner.clone(), 0..4).prop_map(Bson::Array),
            (text(), document(inner)).prop_map(|(code, scope)| {
                Bson::JavaScriptCodeWithScope(JavaScriptCodeWithScope { code, scope })
            }),
        ]
    })
}

/// A value and one that differs from it only somewhere inside, or not at all.
fn neighbours() -> impl Strategy<Value = (Bson, Bson)> {
    let around = |a: Bson, b: Bson, form: u8| match form {
        0 => (a, b),
        1 => (Bson::Array(vec![a.clone()]), Bson::Array(vec![a, b])),
        2 => (Bson::Array(vec![a.clone(), a.clone()]), Bson::Array(vec![a, b])),
        3 => (Bson::Document(doc! { "k": a }), Bson::Document(doc! { "k": b })),
        _ => (Bson::Document(doc! { "k": a.clone() }), Bson::Document(doc! { "k": a, "l": b })),
    };
    (value(), value(), 0u8..5).prop_map(move |(a, b, form)| around(a, b, form))
}

fn assert_same_order(a: &Bson, b: &Bson) -> Result<(), TestCaseError> {
    let order = with_raw(a, |a| with_raw(b, |b| compare(a, b)));
    prop_assert_eq!(order, compare_bson(a, b), "raw and decoded order: {:?} {:?}", a, b);
    let (x, y) = (ascending(a), ascending(b));
    prop_assert_eq!(x.cmp(&y), order, "{:?} {:?} {:02x?} {:02x?}", a, b, x, y);
    prop_assert_eq!(descending(a).cmp(&descending(b)), order.reverse(), "{:?} {:?}", a, b);
    if order != Ordering::Equal {
        prop_assert!(!x.starts_with(&y) && !y.starts_with(&x), "prefix: {:?} {:?}", a, b);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn bytes_order_as_numbers_compare(a in number(), b in number()) {
        assert_same_order(&a, &b)?;
    }

    #[test]
    fn bytes_order_as_values_of_any_type_compare((a, b) in neighbours()) {
        assert_same_order(&a, &b)?;
    }

    #[test]
    fn the_order_is_transitive(a in number(), b in number(), c in number()) {
        let mut three = [a, b, c];
        three.sort_by(compare_bson);
        prop_assert_ne!(compare_bson(&three[0], &three[2]), Ordering::Greater);
    }

    #[test]
    fn a_string_of_values_orders_as_the_tuple(
        left in vec(value(), 1..4), right in vec(value(), 1..4), orders in vec(any::<bool>(), 4),
        shared in 0usize..3,
    ) {
        let orders: Vec<Order> = orders
            .into_iter()
            .map(|down| if down { Order::Descending } else { Order::Ascending })
            .collect();
        let mut right = right;
        let shared = shared.min(left.len()).min(right.len());
        right[..shared].clone_from_slice(&left[..shared]);
        let key = |values: &[Bson]| {
            let mut out = Vec::new();
            for (value, order) in values.iter().zip(&orders) {
                with_raw(value, |raw| encode_with(&mut out, raw, *order));
            }
            out
        };
        let expected = left
            .iter()
            .zip(&right)
            .zip(&orders)
            .map(|((a, b), order)| match order {
                Order::Ascending => compare_bson(a, b),
                Order::Descending => compare_bson(b, a),
            })
            .find(|order| *order != Ordering::Equal)
            .unwrap_or_else(|| left.len().cmp(&right.len()));
        prop_assert_eq!(key(&left).cmp(&key(&right)), expected);
    }

    #[test]
    fn skipping_finds_the_end_of_a_value_whatever_follows(
        value in value(), tail in vec(any::<u8>(), 0..6),
    ) {
        for mut key in [ascending(&value), descending(&value)] {
            let end = key.len();
            prop_assert_eq!(skip_value(&key[..end - 1]), None, "{:?}", value);
            key.extend_from_slice(&tail);
            prop_assert_eq!(skip_value(&key), Some(end), "{:?}", value);
        }
    }

    #[test]
    fn skipping_survives_any_bytes(bytes in vec(any::<u8>(), 0..64)) {
        if let Some(end) = skip_value(&bytes) {
            prop_assert!(end <= bytes.len());
        }
    }

    #[test]
    fn a_bracket_holds_a_values_whole_type_and_nothing_else(a in value(), b in value()) {
        let same = with_raw(&a, quire_bson::canonical_type) == with_raw(&b, quire_bson::canonical_type);
        for order in [Order::Ascending, Order::Descending] {
            let bracket = with_raw(&a, |a| Bracket::of(a, order));
            let mut key = Vec::new();
            with_raw(&b, |b| encode_with(&mut key, b, order));
            prop_assert_eq!((bracket.first..=bracket.last).contains(&key[0]), same);
        }
    }
}
