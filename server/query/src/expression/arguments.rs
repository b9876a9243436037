//! Operands given by name: `{$filter: {input: …, cond: …}}`.

use quire_bson::RawValue;
use quire_errors::{CommandError, Result};

/// Reads the fields named `names` from an operator's argument, in the order of `names`. The two
/// refusals are the operator's own, because each has its number and words.
pub(crate) fn named<'v, const N: usize>(
    operands: RawValue<'v>,
    names: [&str; N],
    not_an_object: impl FnOnce(&'static str) -> CommandError,
    unknown: impl FnOnce(&str) -> CommandError,
) -> Result<[Option<RawValue<'v>>; N]> {
    let RawValue::Document(doc) = operands else {
        return Err(not_an_object(operands.type_name()));
    };
    let mut found = [None; N];
    for element in doc {
        let slot = names.iter().position(|name| *name == element.key());
        match slot.and_then(|slot| found.get_mut(slot)) {
            Some(slot) => *slot = Some(element.value()),
            None => return Err(unknown(element.key())),
        }
    }
    Ok(found)
}
