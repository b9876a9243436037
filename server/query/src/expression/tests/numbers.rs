//! Tables of cases: numbers.

use super::*;
use quire_bson::{DateTime, Decimal128, bson};

fn date(millis: i64) -> Bson {
    Bson::DateTime(DateTime::from_millis(millis))
}

fn decimal(text: &str) -> Bson {
    Bson::Decimal128(text.parse::<Decimal128>().unwrap())
}

const BIG: i64 = i64::MAX;

#[test]
fn sums_keep_the_narrowest_type_that_fits() {
    gives(
        doc! { "i": i32::MAX, "l": BIG, "d": 0.5, "when": date(1000), "s": "x" },
        [
            (bson!({ "$add": [1, 2] }), bson!(3)),
            (bson!({ "$add": ["$i", 1] }), bson!(2_147_483_648_i64)),
            (bson!({ "$add": ["$l", 1] }), bson!(9_223_372_036_854_775_808.0)),
            (bson!({ "$add": ["$d", 1] }), bson!(1.5)),
            (bson!({ "$add": [decimal("1.1"), 1] }), decimal("2.1")),
            (bson!({ "$add": ["$when", 500] }), date(1500)),
            (bson!({ "$add": [0.6, "$when"] }), date(1001)),
            (bson!({ "$add": ["$gone", 1] }), Bson::Null),
            (bson!({ "$add": [] }), bson!(0)),
            (bson!({ "$subtract": [5, 7] }), bson!(-2)),
            (bson!({ "$subtract": ["$when", date(400)] }), bson!(600_i64)),
            (bson!({ "$subtract": ["$when", 400] }), date(600)),
            (bson!({ "$subtract": ["$gone", 400] }), Bson::Null),
            (bson!({ "$multiply": [2, 3, 0.5] }), bson!(3.0)),
            (bson!({ "$multiply": ["$i", 2] }), bson!(4_294_967_294_i64)),
            (bson!({ "$divide": [7, 2] }), bson!(3.5)),
            (bson!({ "$divide": [6, 2] }), bson!(3.0)),
            (bson!({ "$mod": [-7, 3] }), bson!(-1)),
            (bson!({ "$mod": [7.5, 2] }), bson!(1.5)),
            (bson!({ "$abs": -3 }), bson!(3)),
            (bson!({ "$abs": i32::MIN }), bson!(2_147_483_648_i64)),
        ],
    );
}

#[test]
fn arithmetic_refuses_what_has_no_result() {
    fails(
        doc! { "s": "x", "when": date(0) },
        [
            (
                bson!({ "$add": ["$s", 1] }),
                14,
                "$add only supports numeric or date types, not string",
            ),
            (
                bson!({ "$add": ["$when", "$when"] }),
                16612,
                "only one date allowed in an $add expression",
            ),
            (bson!({ "$subtract": ["$s", 1] }), 14, "can't $subtract int from string"),
            (
                bson!({ "$multiply": [2, "$s"] }),
                14,
                "$multiply only supports numeric types, not string",
            ),
            (bson!({ "$divide": [1, 0] }), 2, "can't $divide by zero"),
            (
                bson!({ "$divide": ["$s", 1] }),
                14,
                "$divide only supports numeric types, not string and int",
            ),
            (bson!({ "$mod": [1, 0] }), 16610, "can't $mod by zero"),
            (
                bson!({ "$mod": ["$s", 1] }),
                16611,
                "$mod only supports numeric types, not string and int",
            ),
            (bson!({ "$abs": i64::MIN }), 28680, "can't take $abs of long long min"),
            (bson!({ "$abs": "$s" }), 28765, "$abs only supports numeric types, not string"),
        ],
    );
}

#[test]
fn rounding_goes_to_even_and_keeps_the_type() {
    gives(
        doc! {},
        [
            (bson!({ "$round": [2.5] }), bson!(2.0)),
            (bson!({ "$round": [3.5, 0] }), bson!(4.0)),
            (bson!({ "$round": [1.005, 2] }), bson!(1.0)),
            (bson!({ "$round": [1.25, 1] }), bson!(1.2)),
            (bson!({ "$round": [15, -1] }), bson!(20)),
            (bson!({ "$round": [25, -1] }), bson!(20)),
            (bson!({ "$round": [-26, -1] }), bson!(-30)),
            (bson!({ "$round": [decimal("1.15"), 1] }), decimal("1.2")),
            (bson!({ "$trunc": [-1.99] }), bson!(-1.0)),
            (bson!({ "$trunc": [1.29, 1] }), bson!(1.2)),
            (bson!({ "$trunc": [1234, -2] }), bson!(1200)),
            (bson!({ "$ceil": 1.2 }), bson!(2.0)),
            (bson!({ "$ceil": 7 }), bson!(7)),
            (bson!({ "$floor": -1.2 }), bson!(-2.0)),
            (bson!({ "$floor": "$gone" }), Bson::Null),
        ],
    );
    fails(
        doc! { "s": "x" },
        [
            (bson!({ "$floor": "$s" }), 28765, "$floor only supports numeric types, not string"),
            (
                bson!({ "$round": [1.5, 101] }),
                51083,
                "cannot apply $round with precision value 101 value must be in [-20, 100]",
            ),
            (
                bson!({ "$round": [1.5, 0.5] }),
                51082,
                "precision argument to  $round must be a integral value",
            ),
        ],
    );
}

#[test]
fn powers_of_integers_are_exact_while_they_fit() {
    gives(
        doc! {},
        [
            (bson!({ "$pow": [2, 10] }), bson!(1024)),
            (bson!({ "$pow": [2, 40] }), bson!(1_099_511_627_776_i64)),
            (bson!({ "$pow": [2, 64] }), bson!(18_446_744_073_709_551_616.0)),
            (bson!({ "$pow": [2, -1] }), bson!(0.5)),
            (bson!({ "$pow": [-1, 3] }), bson!(-1)),
            (bson!({ "$pow": [2.0, 3] }), bson!(8.0)),
            (bson!({ "$pow": [decimal("1.1"), 2] }), decimal("1.21")),
            (bson!({ "$sqrt": 16 }), bson!(4.0)),
            (bson!({ "$exp": 0 }), bson!(1.0)),
            (bson!({ "$ln": 1 }), bson!(0.0)),
            (bson!({ "$log10": 1000 }), bson!(3.0)),
            (bson!({ "$log": [8, 2] }), bson!(3.0)),
            (bson!({ "$sqrt": null }), Bson::Null),
        ],
    );
    fails(
        doc! {},
        [
            (
                bson!({ "$pow": [0, -1] }),
                28764,
                "$pow cannot take a base of 0 and a negative exponent",
            ),
            (bson!({ "$pow": ["x", 1] }), 28762, "$pow's base must be numeric, not string"),
            (bson!({ "$sqrt": -1 }), 28714, "$sqrt's argument must be greater than or equal to 0"),
            (bson!({ "$ln": 0 }), 28766, "$ln's argument must be a positive number, but is 0"),
            (
                bson!({ "$log": [1, 1] }),
                28759,
                "$log's base must be a positive number not equal to 1, but is 1",
            ),
        ],
    );
}

#[test]
fn trigonometry_knows_its_bounds() {
    gives(
        doc! {},
        [
            (bson!({ "$sin": 0 }), bson!(0.0)),
            (bson!({ "$cos": 0 }), bson!(1.0)),
            (bson!({ "$atan2": [0, 1] }), bson!(0.0)),
            (bson!({ "$degreesToRadians": 180 }), bson!(std::f64::consts::PI)),
            (bson!({ "$tanh": null }), Bson::Null),
        ],
    );
    fails(
        doc! {},
        [
            (bson!({ "$acos": 2 }), 50989, "cannot apply $acos to 2, value must be in [-1,1]"),
            (bson!({ "$acosh": 0 }), 50989, "cannot apply $acosh to 0, value must be in [1,inf]"),
            (
                bson!({ "$cos": f64::INFINITY }),
                50989,
                "cannot apply $cos to inf, value must be in (-inf,inf)",
            ),
            (bson!({ "$sin": "x" }), 28765, "$sin only supports numeric types, not string"),
        ],
    );
}

#[test]
fn bits_are_combined_as_integers() {
    gives(
        doc! {},
        [
            (bson!({ "$bitAnd": [12, 10] }), bson!(8)),
            (bson!({ "$bitOr": [12, 3_i64] }), bson!(15_i64)),
            (bson!({ "$bitXor": [12, 10] }), bson!(6)),
            (bson!({ "$bitNot": 0 }), bson!(-1)),
            (bson!({ "$bitAnd": [] }), bson!(-1)),
            (bson!({ "$bitOr": [1, null] }), Bson::Null),
        ],
    );
    fails(
        doc! {},
        [(bson!({ "$bitAnd": [1.5] }), 14, "$bitAnd only supports int and long operands.")],
    );
}

#[test]
fn summaries_take_one_array_or_several_operands() {
    gives(
        doc! { "list": [1, 2, "x", 3], "n": 4 },
        [
            (bson!({ "$sum": "$list" }), bson!(6)),
            (bson!({ "$sum": ["$list", "$n"] }), bson!(4)),
            (bson!({ "$sum": ["$n", 1.5] }), bson!(5.5)),
            (bson!({ "$sum": "$gone" }), bson!(0)),
            (bson!({ "$avg": "$list" }), bson!(2.0)),
            (bson!({ "$avg": "$gone" }), Bson::Null),
            (bson!({ "$min": [3, 1, null, 2] }), bson!(1)),
            (bson!({ "$max": ["$list"] }), bson!("x")),
            (bson!({ "$max": "$gone" }), Bson::Null),
            (bson!({ "$stdDevPop": [2, 4, 4, 4, 5, 5, 7, 9] }), bson!(2.0)),
            (bson!({ "$stdDevSamp": [1] }), Bson::Null),
            (bson!({ "$sum": [decimal("0.1"), 1] }), decimal("1.1")),
        ],
    );
}
