//! Which collations a command may ask for: so far the simple one, which compares bytes.

use quire_bson::{RawDoc, RawValue};
use quire_errors::{Code, CommandError, Result};

/// Refuses a collation that would have to be ignored.
pub fn check(collation: Option<RawDoc<'_>>) -> Result<()> {
    let Some(collation) = collation.filter(|collation| !collation.is_empty()) else {
        return Ok(());
    };
    match collation.get("locale") {
        Some(RawValue::String("simple")) => Ok(()),
        Some(RawValue::String(_)) => {
            Err(CommandError::new(Code::CommandNotSupported, "collation is not supported yet"))
        }
        Some(other) => Err(CommandError::type_mismatch(format!(
            "BSON field 'collation.locale' is the wrong type '{}', expected type 'string'",
            other.type_name()
        ))),
        None => Err(CommandError::new(
            Code::Location(40414),
            "BSON field 'collation.locale' is missing but a required field",
        )),
    }
}
