use super::*;
use num_bigint::BigUint;
use proptest::prelude::*;

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap_or_else(|_| panic!("{text}"))
}

#[test]
fn text_and_bytes_are_read_and_written_alike() {
    for (text, shown) in [
        ("0", "0"),
        ("-0", "-0"),
        ("0.10", "0.10"),
        ("1e3", "1E+3"),
        ("-1.50E-3", "-0.00150"),
        ("0.000001", "0.000001"),
        ("0.0000001", "1E-7"),
        ("123.456", "123.456"),
        (".5", "0.5"),
        ("5.", "5"),
        ("+7", "7"),
        ("12345678901234567890123456789012345", "1.234567890123456789012345678901234E+34"),
        ("1234567890123456789012345678901234.5", "1234567890123456789012345678901234"),
        ("1234567890123456789012345678901235.5", "1234567890123456789012345678901236"),
        (
            "1234567890123456789012345678901234.50000000000000001",
            "1234567890123456789012345678901235",
        ),
        ("9999999999999999999999999999999999.5", "1.000000000000000000000000000000000E+34"),
        ("1E6144", "1.000000000000000000000000000000000E+6144"),
        ("1E6145", "Infinity"),
        ("-1E999999999999999999999", "-Infinity"),
        ("1E-6176", "1E-6176"),
        ("5E-6177", "0E-6176"),
        ("6E-6177", "1E-6176"),
        ("1E-9999", "0E-6176"),
        ("0E+9000", "0E+6111"),
        ("Infinity", "Infinity"),
        ("-inf", "-Infinity"),
        ("NaN", "NaN"),
        ("-nan", "NaN"),
    ] {
        let value = decimal(text);
        assert_eq!(value.to_string(), shown, "{text}");
        assert_eq!(Decimal::from_bytes(value.to_bytes()).to_string(), shown, "{text}");
        let theirs: bson::Decimal128 = shown.parse().unwrap();
        assert_eq!(theirs.bytes(), value.to_bytes(), "{text}");
    }
}

#[test]
fn text_that_is_no_number_is_refused() {
    for text in ["", "-", ".", "e5", "1e", "1e+", "1.2.3", "0x1", "1 ", " 1", "in", "--1", "1e1.5"]
    {
        assert_eq!(text.parse::<Decimal>().ok().map(|d| d.to_string()), None, "{text}");
    }
}

#[test]
fn a_coefficient_out_of_range_counts_as_zero() {
    let mut bytes = [0xFF; 16];
    bytes[14..].copy_from_slice(&[0x41, 0x30]);
    assert!(Decimal::from_bytes(bytes).is_zero());
    bytes[14..].copy_from_slice(&[0x00, 0x60]);
    assert!(Decimal::from_bytes(bytes).is_zero());
}

#[test]
fn results_have_the_exponent_that_the_operands_prefer() {
    type Op = fn(Decimal, Decimal) -> Decimal;
    let add: Op = |a, b| a + b;
    let sub: Op = |a, b| a - b;
    let mul: Op = |a, b| a * b;
    let div: Op = |a, b| a / b;
    let rem: Op = |a, b| a % b;
    for (name, op, a, b, result) in [
        ("add", add, "1.10", "1.1", "2.20"),
        ("add", add, "0.1", "0.2", "0.3"),
        ("add", add, "0E+5", "1", "1"),
        ("add", add, "1", "0E-3", "1.000"),
        ("add", add, "1E+40", "1", "1.000000000000000000000000000000000E+40"),
        ("add", add, "1E+60", "0", "1.000000000000000000000000000000000E+60"),
        ("add", add, "1E+6000", "-1E-6000", "1.000000000000000000000000000000000E+6000"),
        ("add", add, "9.999999999999999999999999999999999E+6144", "1E+6111", "Infinity"),
        ("add", add, "Infinity", "-Infinity", "NaN"),
        ("add", add, "-0", "-0", "-0"),
        ("add", add, "-0", "0", "0"),
        ("add", add, "-0E+3", "-5", "-5"),
        ("sub", sub, "1.5", "1.50", "0.00"),
        ("sub", sub, "1", "Infinity", "-Infinity"),
        ("sub", sub, "1", "NaN", "NaN"),
        ("mul", mul, "1.20", "2", "2.40"),
        ("mul", mul, "-2", "0", "-0"),
        ("mul", mul, "Infinity", "0", "NaN"),
        ("mul", mul, "1E+6000", "1E+6000", "Infinity"),
        ("mul", mul, "1E-6000", "-1E-6000", "-0E-6176"),
        ("div", div, "1", "3", "0.3333333333333333333333333333333333"),
        ("div", div, "2", "3", "0.6666666666666666666666666666666667"),
        ("div", div, "10", "4", "2.5"),
        ("div", div, "6", "2", "3"),
        ("div", div, "6.00", "2", "3.00"),
        ("div", div, "1", "-0", "-Infinity"),
        ("div", div, "0", "0", "NaN"),
        ("div", div, "0", "5", "0"),
        ("div", div, "5", "Infinity", "0E-6176"),
        ("rem", rem, "7.5", "2", "1.5"),
        ("rem", rem, "-7", "3", "-1"),
        ("rem", rem, "7", "-3", "1"),
        ("rem", rem, "1E+6000", "7", "1"),
        ("rem", rem, "1", "1E+6000", "1"),
        ("rem", rem, "1", "0.3", "0.1"),
        ("rem", rem, "1", "0", "NaN"),
        ("rem", rem, "3", "Infinity", "3"),
    ] {
        let shown = op(decimal(a), decimal(b)).to_string();
        assert_eq!(shown, result, "{a} {name} {b}");
    }
}

#[test]
fn rounding_goes_where_it_is_told() {
    use Rounding::*;
    for (value, places, half_even, toward_zero, floor, ceiling) in [
        ("2.5", 0, "2", "2", "2", "3"),
        ("3.5", 0, "4", "3", "3", "4"),
        ("-2.5", 0, "-2", "-2", "-3", "-2"),
        ("2.51", 0, "3", "2", "2", "3"),
        ("0.01", 0, "0", "0", "0", "1"),
        ("-0.01", 0, "-0", "-0", "-1", "-0"),
        ("1E-6000", 0, "0", "0", "0", "1"),
        ("19.995", 2, "20.00", "19.99", "19.99", "20.00"),
        ("1.5", 3, "1.500", "1.500", "1.500", "1.500"),
        ("1250", -2, "1.2E+3", "1.2E+3", "1.2E+3", "1.3E+3"),
        ("1E+40", 0, "1E+40", "1E+40", "1E+40", "1E+40"),
        ("Infinity", 0, "Infinity", "Infinity", "Infinity", "Infinity"),
    ] {
        let shown = |rounding| decimal(value).round(places, rounding).to_string();
        assert_eq!(
            [shown(HalfEven), shown(TowardZero), shown(Floor), shown(Ceiling)],
            [half_even, toward_zero, floor, ceiling],
            "{value} to {places}"
        );
    }
}

#[test]
fn doubles_keep_fifteen_digits() {
    for (double, shown) in [
        (0.1, "0.100000000000000"),
        (2.5, "2.50000000000000"),
        (5.0, "5.00000000000000"),
        (0.0, "0"),
        (-0.0, "-0"),
        (123456789012345680.0, "1.23456789012346E+17"),
        (0.9999999999999999, "1.00000000000000"),
        (-1e300, "-1.00000000000000E+300"),
        (5e-324, "4.94065645841247E-324"),
        (f64::INFINITY, "Infinity"),
        (f64::NAN, "NaN"),
    ] {
        assert_eq!(Decimal::from_f64(double).to_string(), shown, "{double}");
    }
}

#[test]
fn conversion_to_an_int64_tells_when_it_would_lose_something() {
    for (text, truncated, exact) in [
        ("9223372036854775807", Some(i64::MAX), Some(i64::MAX)),
        ("9223372036854775808", None, None),
        ("-9223372036854775808", Some(i64::MIN), Some(i64::MIN)),
        ("-9223372036854775808.5", Some(i64::MIN), None),
        ("1.0", Some(1), Some(1)),
        ("-1.9", Some(-1), None),
        ("1E+3", Some(1000), Some(1000)),
        ("1E-6000", Some(0), None),
        ("0E+6000", Some(0), Some(0)),
        ("1E+40", None, None),
        ("NaN", None, None),
        ("Infinity", None, None),
    ] {
        let value = decimal(text);
        assert_eq!((value.to_i64_truncating(), value.to_exact_i64()), (truncated, exact), "{text}");
    }
}

fn any_decimal() -> impl Strategy<Value = Decimal> {
    let digits =
        prop_oneof!["[0-9]{1,34}", "[0-9]{1,3}", "9{1,34}", "[1-9]0{0,33}", "[0-4]?50{0,30}"];
    let exponent = prop_oneof![-6176i32..6112, -40i32..40, -6200i32..-6100, 6050i32..6112];
    (any::<bool>(), digits, exponent).prop_map(|(negative, digits, exponent)| {
        let sign = if negative { "-" } else { "" };
        decimal(&format!("{sign}{digits}E{exponent}"))
    })
}

/// Sign, exact coefficient and exponent.
type Exact = (bool, BigUint, i64);

fn parts(value: Decimal) -> Option<Exact> {
    let Kind::Finite { coefficient, exponent } = value.kind else { return None };
    Some((value.negative, coefficient.into(), exponent.into()))
}

fn ten_to(power: i64) -> BigUint {
    BigUint::from(10u8).pow(u32::try_from(power).unwrap())
}

/// The reference rounding, on decimal text: at most 34 digits, half to even.
fn rounded((negative, coefficient, mut exponent): Exact) -> Decimal {
    let mut digits = coefficient.to_string();
    let keep = (digits.len() as i64).min(34).min(digits.len() as i64 + exponent + 6176).max(0);
    let dropped = digits.split_off(keep as usize);
    exponent += dropped.len() as i64;
    if keep == 0 && exponent < -6176 {
        return Decimal::finite(negative, 0, -6176);
    }
    let mut kept: BigUint = digits.parse().unwrap_or_default();
    let half = format!("5{}", "0".repeat(dropped.len().saturating_sub(1)));
    let odd = digits.ends_with(['1', '3', '5', '7', '9']);
    if !dropped.is_empty() && (dropped > half || (dropped == half && odd)) {
        kept += 1u8;
    }
    if kept == ten_to(34) {
        kept /= 10u8;
        exponent += 1;
    }
    while exponent > 6111 && kept < ten_to(33) && kept != BigUint::ZERO {
        kept *= 10u8;
        exponent -= 1;
    }
    if kept == BigUint::ZERO {
        exponent = exponent.clamp(-6176, 6111);
    }
    if exponent > 6111 {
        return Decimal::infinity(negative);
    }
    let text = format!("{}{kept}E{exponent}", if negative { "-" } else { "" });
    decimal(&text)
}

fn exact_sum(a: &Exact, b: &Exact) -> Exact {
    let exponent = a.2.min(b.2);
    let (x, y) = (&a.1 * ten_to(a.2 - exponent), &b.1 * ten_to(b.2 - exponent));
    if a.0 == b.0 {
        (a.0, x + y, exponent)
    } else if x > y {
        (a.0, x - y, exponent)
    } else {
        (b.0 && x != y, y - x, exponent)
    }
}

/// Same sign, same digits, same exponent.
fn assert_identical(ours: Decimal, expected: Decimal) -> Result<(), TestCaseError> {
    prop_assert_eq!(ours.to_string(), expected.to_string());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn sums_are_the_exact_sums_rounded_once(a in any_decimal(), b in any_decimal()) {
        let (x, y) = (parts(a).unwrap(), parts(b).unwrap());
        let expected = rounded(exact_sum(&x, &y));
        prop_assert_eq!(a + b, expected, "{} + {} = {}", a, b, a + b);
        prop_assert_eq!(a - b, a + -b);
        prop_assert_eq!(a + b, b + a);
        if a.compare(b).is_ne() && !expected.is_zero() {
            assert_identical(a + b, b + a)?;
        }
    }

    #[test]
    fn products_are_the_exact_products_rounded_once(a in any_decimal(), b in any_decimal()) {
        let (x, y) = (parts(a).unwrap(), parts(b).unwrap());
        let exact = (x.0 != y.0, x.1 * y.1, x.2 + y.2);
        assert_identical(a * b, rounded(exact))?;
    }

    #[test]
    fn quotients_are_the_exact_quotients_rounded_once(a in any_decimal(), b in any_decimal()) {
        prop_assume!(!b.is_zero());
        let (x, y) = (parts(a).unwrap(), parts(b).unwrap());
        let scaled = x.1 * ten_to(80);
        let mut quotient = &scaled / &y.1 * 10u8;
        if &scaled % &y.1 != BigUint::ZERO {
            quotient += 1u8;
        }
        let expected = rounded((x.0 != y.0, quotient, x.2 - y.2 - 81));
        prop_assert_eq!(a / b, expected, "{} / {} = {}", a, b, a / b);
    }

    #[test]
    fn remainders_are_exact(a in any_decimal(), b in any_decimal()) {
        prop_assume!(!b.is_zero());
        let (x, y) = (parts(a).unwrap(), parts(b).unwrap());
        let exponent = x.2.min(y.2);
        let rest = (x.1 * ten_to(x.2 - exponent)) % (y.1 * ten_to(y.2 - exponent));
        assert_identical(a % b, rounded((x.0, rest, exponent)))?;
    }

    #[test]
    fn decimals_compare_as_their_exact_values(a in any_decimal(), b in any_decimal()) {
        let difference = exact_sum(&parts(a).unwrap(), &parts(-b).unwrap());
        let expected = match (difference.1 == BigUint::ZERO, difference.0) {
            (true, _) => Ordering::Equal,
            (false, true) => Ordering::Less,
            (false, false) => Ordering::Greater,
        };
        prop_assert_eq!(a.compare(b), expected);
    }

    #[test]
    fn a_decimal_compares_with_a_double_as_exact_values(
        x in any::<f64>().prop_filter("finite", |x| x.is_finite()), digits in 0usize..34, step in -1i8..2,
    ) {
        // A decimal close to the double, often as close as decimals get.
        let near = decimal(&format!("{x:.digits$e}"));
        let Kind::Finite { coefficient, exponent } = near.kind else { return Ok(()) };
        let moved = coefficient.saturating_add_signed(step.into()).min(COEFFICIENT_END - 1);
        let near = Decimal::finite(near.negative, moved, exponent);
        // Every double has at most 767 significant digits, so its text is exact.
        let exact = format!("{x:.766e}");
        let (mantissa, power) = exact.split_once('e').unwrap();
        let whole: BigUint = mantissa.replace(['.', '-'], "").parse().unwrap();
        let theirs: Exact = (x < 0.0, whole, power.parse::<i64>().unwrap() - 766);
        let mine = parts(near).unwrap();
        let difference = exact_sum(&mine, &(!theirs.0, theirs.1, theirs.2));
        let expected = match (difference.1 == BigUint::ZERO, difference.0) {
            (true, _) => Ordering::Equal,
            (false, true) => Ordering::Less,
            (false, false) => Ordering::Greater,
        };
        prop_assert_eq!(near.compare_f64(x), expected, "{} and {:e}", near, x);
    }

    #[test]
    fn text_round_trips(a in any_decimal()) {
        assert_identical(decimal(&a.to_string()), a)?;
        assert_identical(Decimal::from_bytes(a.to_bytes()), a)?;
    }

    #[test]
    fn any_bytes_are_some_decimal_and_no_operation_panics(
        a in any::<[u8; 16]>(), b in any::<[u8; 16]>(), places in any::<i32>(),
    ) {
        let (a, b) = (Decimal::from_bytes(a), Decimal::from_bytes(b));
        for result in [a + b, a - b, a * b, a / b, a % b, a.round(places, Rounding::HalfEven)] {
            let again = Decimal::from_bytes(result.to_bytes());
            prop_assert_eq!(again.to_string(), result.to_string());
        }
    }

    #[test]
    fn any_text_is_a_number_or_refused(text in "[-+0-9.eEinfaN]{0,60}") {
        let _ = text.parse::<Decimal>();
    }

    #[test]
    fn a_double_cut_to_fifteen_digits_is_what_its_text_says(x in any::<f64>()) {
        prop_assume!(x.is_finite() && x != 0.0);
        prop_assert_eq!(Decimal::from_f64(x), decimal(&format!("{x:.14e}")));
    }

    #[test]
    fn the_nearest_double_of_a_doubles_decimal_is_the_double(x in any::<f64>()) {
        prop_assume!(x.is_finite());
        prop_assert_eq!(Decimal::from_f64_34_digits(x).to_f64(), x);
    }
}
