use super::*;
use proptest::prelude::*;

/// Type and value as text, so that a test sees both.
fn shown(number: Number) -> String {
    match number {
        Number::Int32(n) => format!("int {n}"),
        Number::Int64(n) => format!("long {n}"),
        Number::Double(x) => format!("double {x:?}"),
        Number::Decimal(d) => format!("decimal {d}"),
    }
}

fn optional(number: Option<Number>) -> String {
    number.map_or("none".into(), shown)
}

fn int(n: i32) -> Number {
    Number::Int32(n)
}

fn long(n: i64) -> Number {
    Number::Int64(n)
}

fn double(x: f64) -> Number {
    Number::Double(x)
}

fn decimal(text: &str) -> Number {
    Number::Decimal(text.parse().unwrap())
}

#[test]
fn sums_have_the_wider_type_and_overflow_to_the_next() {
    for (a, b, checked, widened) in [
        (int(1), int(2), "int 3", "int 3"),
        (int(i32::MAX), int(1), "long 2147483648", "long 2147483648"),
        (int(1), long(2), "long 3", "long 3"),
        (long(i64::MAX), int(1), "none", "double 9.223372036854776e18"),
        (int(1), double(0.5), "double 1.5", "double 1.5"),
        (long(1), double(1.0), "double 2.0", "double 2.0"),
        (int(1), decimal("0.10"), "decimal 1.10", "decimal 1.10"),
        (double(0.1), decimal("1"), "decimal 1.100000000000000", "decimal 1.100000000000000"),
    ] {
        assert_eq!(optional(a.checked_add(b)), checked, "{a:?} + {b:?}");
        assert_eq!(shown(a + b), widened, "{a:?} + {b:?}");
    }
}

#[test]
fn differences_and_products_follow_the_same_rule() {
    assert_eq!(shown(int(i32::MIN) - int(1)), "long -2147483649");
    assert_eq!(shown(long(i64::MIN) - int(1)), "double -9.223372036854776e18");
    assert_eq!(optional(long(i64::MIN).checked_sub(int(1))), "none");
    assert_eq!(shown(int(65536) * int(65536)), "long 4294967296");
    assert_eq!(shown(long(1 << 40) * long(1 << 40)), "double 1.2089258196146292e24");
    assert_eq!(optional(long(1 << 40).checked_mul(int(1 << 30))), "none");
    assert_eq!(shown(decimal("1.20") * int(2)), "decimal 2.40");
    assert_eq!(shown(-int(i32::MIN)), "long 2147483648");
    assert_eq!(shown(-long(i64::MIN)), "double 9.223372036854776e18");
    assert_eq!(shown(-double(0.0)), "double -0.0");
}

#[test]
fn quotients_are_doubles_unless_a_decimal_takes_part() {
    for (a, b, result) in [
        (int(6), int(2), "double 3.0"),
        (long(1), int(4), "double 0.25"),
        (decimal("1"), int(4), "decimal 0.25"),
        (int(1), int(0), "none"),
        (int(1), double(-0.0), "none"),
        (decimal("1"), decimal("0.0"), "none"),
    ] {
        assert_eq!(optional(a.divided_by(b)), result, "{a:?} / {b:?}");
    }
}

#[test]
fn remainders_have_the_sign_of_the_dividend() {
    for (a, b, result) in [
        (int(-7), int(3), "int -1"),
        (int(7), long(-3), "long 1"),
        (double(7.5), int(2), "double 1.5"),
        (long(i64::MIN), int(-1), "long 0"),
        (int(i32::MIN), int(-1), "int 0"),
        (decimal("7.5"), double(2.0), "decimal 1.50000000000000"),
        (int(1), decimal("0"), "none"),
    ] {
        assert_eq!(optional(a.modulo(b)), result, "{a:?} mod {b:?}");
    }
}

#[test]
fn magnitudes_grow_where_they_can() {
    assert_eq!(optional(int(i32::MIN).checked_abs()), "long 2147483648");
    assert_eq!(optional(long(i64::MIN).checked_abs()), "none");
    assert_eq!(optional(double(-0.0).checked_abs()), "double 0.0");
    assert_eq!(optional(decimal("-1.50").checked_abs()), "decimal 1.50");
}

#[test]
fn an_exact_integer_is_found_in_every_type() {
    for (number, exact, truncated) in [
        (int(5), Some(5), Some(5)),
        (double(5.0), Some(5), Some(5)),
        (double(-5.5), None, Some(-5)),
        (double(9223372036854775808.0), None, None),
        (double(-9223372036854775808.0), Some(i64::MIN), Some(i64::MIN)),
        (double(f64::NAN), None, None),
        (double(f64::INFINITY), None, None),
        (decimal("5.00"), Some(5), Some(5)),
        (decimal("5.01"), None, Some(5)),
    ] {
        assert_eq!((number.to_exact_i64(), number.to_i64_truncating()), (exact, truncated));
        assert_eq!(as_exact_i64(number.to_raw()), exact);
    }
    assert_eq!(as_exact_i64(RawValue::String("5")), None);
    assert_eq!(double(3e9).to_exact_i32(), None);
}

#[test]
fn a_number_survives_the_way_through_a_value() {
    for number in [int(1), long(2), double(0.5), decimal("-1.50")] {
        assert_eq!(optional(Number::from_raw(number.to_raw())), shown(number));
        assert_eq!(optional(Number::from_bson(&number.to_bson())), shown(number));
    }
    assert!(Number::from_bson(&Bson::Null).is_none());
}

proptest! {
    #[test]
    fn integers_compare_with_doubles_as_wide_integers_do(n in any::<i64>(), near in -3i64..4) {
        let x = n.saturating_add(near) as f64;
        // Every double of this size is an integer.
        prop_assume!(x.abs() > 9e15);
        prop_assert_eq!(long(n).compare(double(x)), i128::from(n).cmp(&(x as i128)));
    }

    #[test]
    fn a_checked_result_is_the_exact_one(a in any::<i64>(), b in any::<i64>(), cut in 0u32..64) {
        let (a, b) = (a >> cut, b >> cut);
        let exact = i128::from(a) * i128::from(b);
        let expected = i64::try_from(exact).ok().map(long);
        prop_assert_eq!(optional(long(a).checked_mul(long(b))), optional(expected));
    }
}
