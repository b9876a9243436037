//! When a point that is switched on is entered.
//!
//! Owns the `mode` of `configureFailPoint`: reading it, counting by it, and showing it.

use quire_bson::{RawDoc, RawValue};
use quire_errors::{Code, CommandError, Result};

/// How a point decides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    Off,
    AlwaysOn,
    /// Entered so many times more, and then off.
    Times(u32),
    /// Passed by so many times more, and then always entered.
    Skip(u32),
    /// Entered with this probability.
    Random(f64),
}

impl Mode {
    pub fn parse(mode: Option<RawValue<'_>>) -> Result<Mode> {
        match mode {
            None => Err(CommandError::new(
                Code::IllegalOperation,
                "When setting a failpoint, you must supply a 'mode'",
            )),
            Some(RawValue::String("off")) => Ok(Mode::Off),
            Some(RawValue::String("alwaysOn")) => Ok(Mode::AlwaysOn),
            Some(RawValue::String(unknown)) => {
                Err(CommandError::bad_value(format!("unknown mode: {unknown}")))
            }
            Some(RawValue::Document(mode)) => parse_document(mode),
            Some(_) => Err(CommandError::type_mismatch("'mode' must be a string or JSON object")),
        }
    }

    /// Counts one that would be entered, and says whether it is. `random` is evenly spread.
    pub(crate) fn decide(&mut self, random: impl FnOnce() -> u64) -> bool {
        match *self {
            Mode::Off | Mode::Times(0) => {
                *self = Mode::Off;
                false
            }
            Mode::AlwaysOn | Mode::Skip(0) => true,
            Mode::Times(left) => {
                *self = if left == 1 { Mode::Off } else { Mode::Times(left - 1) };
                true
            }
            Mode::Skip(left) => {
                *self = Mode::Skip(left - 1);
                false
            }
            Mode::Random(probability) => {
                // The upper 53 bits are all that a double holds.
                let share = (random() >> 11) as f64 / (1_u64 << 53) as f64;
                share < probability
            }
        }
    }

    /// Whether anything can be entered at all.
    pub(crate) fn is_on(self) -> bool {
        !matches!(self, Mode::Off | Mode::Times(0))
    }

    /// The number by which `getParameter` shows it.
    pub(crate) fn number(self) -> i32 {
        match self {
            Mode::Off => 0,
            Mode::AlwaysOn => 1,
            Mode::Random(_) => 2,
            Mode::Times(_) => 3,
            Mode::Skip(_) => 4,
        }
    }
}

fn parse_document(mode: RawDoc<'_>) -> Result<Mode> {
    let mut fields = mode.iter();
    let Some(field) = fields.next() else { return Err(no_such_mode()) };
    if fields.next().is_some() {
        return Err(CommandError::bad_value(
            "'mode' must have exactly one of 'times', 'skip' and 'activationProbability'",
        ));
    }
    match (field.key(), field.value()) {
        (name @ "times", count) => Ok(Mode::Times(parse_count(name, count)?)),
        (name @ "skip", count) => Ok(Mode::Skip(parse_count(name, count)?)),
        ("activationProbability", probability) => parse_probability(probability),
        _ => Err(no_such_mode()),
    }
}

fn no_such_mode() -> CommandError {
    CommandError::bad_value(
        "'mode' must be one of 'off', 'alwaysOn', 'times', 'skip', and 'activationProbability'",
    )
}

fn parse_count(name: &str, count: RawValue<'_>) -> Result<u32> {
    let count = match count {
        RawValue::Int32(n) => i64::from(n),
        RawValue::Int64(n) => n,
        RawValue::Double(x) if x.fract() == 0.0 => x as i64,
        RawValue::Double(x) => {
            return Err(CommandError::bad_value(format!(
                "Expected field \"{name}\" to have a value exactly representable as a 64-bit \
                 integer, but found {name}: {x}"
            )));
        }
        other => {
            return Err(CommandError::type_mismatch(format!(
                "Expected field \"{name}\" to have numeric type, but found {}",
                other.type_name()
            )));
        }
    };
    if count < 0 {
        return Err(CommandError::bad_value(format!("'{name}' option to 'mode' must be positive")));
    }
    match i32::try_from(count) {
        Ok(count) => Ok(count.unsigned_abs()),
        Err(_) => Err(CommandError::bad_value(format!("'{name}' option to 'mode' is too large"))),
    }
}

fn parse_probability(probability: RawValue<'_>) -> Result<Mode> {
    let probability = match probability {
        RawValue::Double(x) => x,
        RawValue::Int32(n) => f64::from(n),
        RawValue::Int64(n) => n as f64,
        _ => {
            return Err(CommandError::type_mismatch(
                "the 'activationProbability' option to 'mode' must be a double between 0 and 1",
            ));
        }
    };
    if !(0.0..=1.0).contains(&probability) {
        return Err(CommandError::bad_value(format!(
            "activationProbability must be between 0.0 and 1.0; found {probability}"
        )));
    }
    Ok(Mode::Random(probability))
}

#[cfg(test)]
mod tests {
    use super::Mode;
    use quire_bson::{Bson, DocBuf, bson, doc};

    fn parse(mode: Bson) -> Result<Mode, i32> {
        let command = DocBuf::from(&doc! { "mode": mode });
        Mode::parse(command.as_raw().get("mode")).map_err(|error| error.code().number())
    }

    #[test]
    fn every_mode_is_read_and_everything_else_refused_with_its_code() {
        let table = [
            (bson!("off"), Ok(Mode::Off)),
            (bson!("alwaysOn"), Ok(Mode::AlwaysOn)),
            (bson!("on"), Err(2)),
            (bson!({ "times": 3 }), Ok(Mode::Times(3))),
            (bson!({ "times": 3_i64 }), Ok(Mode::Times(3))),
            (bson!({ "times": 3.0 }), Ok(Mode::Times(3))),
            (bson!({ "times": 0 }), Ok(Mode::Times(0))),
            (bson!({ "times": 0.5 }), Err(2)),
            (bson!({ "times": -1 }), Err(2)),
            (bson!({ "times": 1_i64 << 31 }), Err(2)),
            (bson!({ "times": "1" }), Err(14)),
            (bson!({ "skip": 2 }), Ok(Mode::Skip(2))),
            (bson!({ "skip": -2 }), Err(2)),
            (bson!({ "skip": 1, "times": 1 }), Err(2)),
            (bson!({ "activationProbability": 0.25 }), Ok(Mode::Random(0.25))),
            (bson!({ "activationProbability": 1 }), Ok(Mode::Random(1.0))),
            (bson!({ "activationProbability": 1.5 }), Err(2)),
            (bson!({ "activationProbability": f64::NAN }), Err(2)),
            (bson!({ "activationProbability": "1" }), Err(14)),
            (bson!({}), Err(2)),
            (bson!({ "often": 1 }), Err(2)),
            (bson!(1), Err(14)),
        ];
        for (mode, wanted) in table {
            assert_eq!(parse(mode.clone()), wanted, "{mode}");
        }
        assert_eq!(Mode::parse(None).unwrap_err().code().number(), 20);
    }

    #[test]
    fn each_mode_enters_as_often_as_it_says() {
        let entered = |mut mode: Mode, random: u64| {
            let decisions: Vec<bool> = (0..5).map(|_| mode.decide(|| random)).collect();
            (decisions, mode.is_on())
        };
        let (yes, no) = (true, false);
        let table = [
            (Mode::Off, 0, [no, no, no, no, no], false),
            (Mode::AlwaysOn, 0, [yes, yes, yes, yes, yes], true),
            (Mode::Times(0), 0, [no, no, no, no, no], false),
            (Mode::Times(2), 0, [yes, yes, no, no, no], false),
            (Mode::Skip(0), 0, [yes, yes, yes, yes, yes], true),
            (Mode::Skip(3), 0, [no, no, no, yes, yes], true),
            (Mode::Random(0.0), 0, [no, no, no, no, no], true),
            (Mode::Random(0.5), 1 << 62, [yes, yes, yes, yes, yes], true),
            (Mode::Random(0.5), 3 << 62, [no, no, no, no, no], true),
            (Mode::Random(1.0), u64::MAX, [yes, yes, yes, yes, yes], true),
        ];
        for (mode, random, wanted, is_on) in table {
            assert_eq!(entered(mode, random), (wanted.to_vec(), is_on), "{mode:?}");
        }
    }
}
