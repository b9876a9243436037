//! What scripts can ask of the server: to wait, to log, to turn bytes into text.

use crate::machine::must_stop;
use crate::session::Asked;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use quire_bson::ObjectId;
use rquickjs::prelude::Func;
use rquickjs::{Ctx, Exception, Object, Result};
use std::time::{Duration, Instant};

/// How long a script that sleeps may oversleep its end.
const NAP: Duration = Duration::from_millis(5);

/// The bytes of one printed line.
const LINE_BYTES_MAX: usize = 1_000;

/// The methods of arrays that loop in the engine without asking whether to stop.
const UNBOUNDED: &[&str] = &[
    "copyWithin",
    "fill",
    "join",
    "reverse",
    "shift",
    "slice",
    "sort",
    "splice",
    "toLocaleString",
    "toReversed",
    "toSorted",
    "toSpliced",
    "unshift",
    "with",
];

/// Methods of sets that do the same, which MongoDB's engine does not have either.
const ABSENT: &[&str] = &[
    "difference",
    "intersection",
    "isDisjointFrom",
    "isSubsetOf",
    "isSupersetOf",
    "symmetricDifference",
    "union",
];

pub(crate) fn object<'js>(ctx: &Ctx<'js>, asked: &Asked) -> Result<Object<'js>> {
    let natives = Object::new(ctx.clone())?;
    let asked = asked.clone();
    natives
        .set("sleep", Func::from(move |ctx: Ctx<'_>, millis: f64| sleep(&ctx, &asked, millis)))?;
    natives.set("print", Func::from(print))?;
    natives.set("md5", Func::from(|text: String| hex(&Md5::digest(text))))?;
    natives.set("objectId", Func::from(|| ObjectId::new().to_hex()))?;
    natives.set("uuid", Func::from(uuid))?;
    natives.set("decimal", Func::from(decimal))?;
    natives.set("base64", Func::from(checked_base64))?;
    natives
        .set("hex", Func::from(|text: String| hex(&STANDARD.decode(text).unwrap_or_default())))?;
    natives.set("fromHex", Func::from(from_hex))?;
    natives.set("unbounded", UNBOUNDED.to_vec())?;
    natives.set("absent", ABSENT.to_vec())?;
    Ok(natives)
}

/// Waits, unless the operation has to stop.
fn sleep(ctx: &Ctx<'_>, asked: &Asked, millis: f64) -> Result<()> {
    let wanted = Duration::try_from_secs_f64(millis.max(0.0) / 1000.0).unwrap_or(Duration::MAX);
    let began = Instant::now();
    loop {
        if must_stop(asked).is_err() {
            return Err(Exception::throw_internal(ctx, "interrupted"));
        }
        let left = wanted.saturating_sub(began.elapsed());
        if left.is_zero() {
            return Ok(());
        }
        std::thread::sleep(left.min(NAP));
    }
}

fn print(mut text: String) {
    text.truncate(text.floor_char_boundary(LINE_BYTES_MAX));
    tracing::debug!(target: "QUERY", id = 7_100_060, text, "A script prints");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A random one, by the form of version 4.
fn uuid() -> String {
    let mut digest = Md5::new();
    digest.update(ObjectId::new().bytes());
    digest.update(format!("{:?}", Instant::now()));
    let mut bytes = digest.finalize();
    for (at, keep, mark) in [(6, 0x0F, 0x40), (8, 0x3F, 0x80)] {
        if let Some(byte) = bytes.get_mut(at) {
            *byte = (*byte & keep) | mark;
        }
    }
    hex(&bytes)
}

fn decimal(ctx: Ctx<'_>, text: String) -> Result<String> {
    match text.parse::<quire_bson::Decimal128>() {
        Ok(decimal) => Ok(decimal.to_string()),
        Err(_) => Err(Exception::throw_message(&ctx, "Input is not a valid Decimal128 value.")),
    }
}

fn checked_base64(ctx: Ctx<'_>, text: String) -> Result<String> {
    match STANDARD.decode(&text) {
        Ok(_) => Ok(text),
        Err(_) => Err(Exception::throw_message(&ctx, "BinData data must be base64")),
    }
}

fn from_hex(ctx: Ctx<'_>, text: String) -> Result<String> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    match digits.filter(|digits| digits.len() % 2 == 0) {
        Some(digits) => {
            let pair = |pair: &[u8]| pair.iter().fold(0_u8, |byte, digit| (byte << 4) | digit);
            Ok(STANDARD.encode(digits.chunks(2).map(pair).collect::<Vec<u8>>()))
        }
        None => Err(Exception::throw_message(&ctx, "HexData data must be hexadecimal")),
    }
}
