//! The arguments that every command takes.
//!
//! Owns their names and what is read from them. A command's own parser never sees them.

use crate::arguments::integer;
use quire_bson::{Bson, DocBuf, RawDoc, RawValue};
use quire_errors::{Code, CommandError, Result};

/// Every generic argument; those without a meaning on a standalone are accepted and not read.
const NAMES: &[&str] = &[
    "$audit",
    "$client",
    "$clusterTime",
    "$configServerState",
    "$configTime",
    "$db",
    "$oplogQueryData",
    "$queryOptions",
    "$readPreference",
    "$replData",
    "$tenant",
    "$topologyTime",
    "allowImplicitCollectionCreation",
    "apiDeprecationErrors",
    "apiStrict",
    "apiVersion",
    "autocommit",
    "clientOperationKey",
    "comment",
    "coordinator",
    "databaseVersion",
    "lsid",
    "maxTimeMS",
    "maxTimeMSOpOnly",
    "mayBypassWriteBlocking",
    "rawData",
    "readConcern",
    "requestGossipRoutingCache",
    "serialization_context",
    "shardVersion",
    "startTransaction",
    "stmtId",
    "stmtIds",
    "txnNumber",
    "txnRetryCounter",
    "writeConcern",
];

/// True when `name` belongs to every command rather than to one.
pub fn is_generic(name: &str) -> bool {
    NAMES.binary_search(&name).is_ok()
}

/// The generic arguments of one request.
#[derive(Debug, Default)]
pub struct Generic {
    pub lsid: Option<DocBuf>,
    pub transaction_number: Option<i64>,
    pub max_time_millis: Option<u64>,
    pub comment: Option<Bson>,
    pub read_concern: Option<DocBuf>,
    pub write_concern: Option<DocBuf>,
    pub in_transaction: bool,
}

impl Generic {
    pub fn read(body: RawDoc<'_>) -> Result<Generic> {
        let mut generic = Generic::default();
        for element in body.iter().skip(1) {
            let value = element.value();
            match element.key_bytes() {
                b"lsid" => generic.lsid = Some(document("lsid", value)?.into()),
                b"txnNumber" => {
                    let number = value.is_number().then(|| integer(value)).flatten();
                    let wrong = || mismatch("txnNumber", value, "long");
                    generic.transaction_number = Some(number.ok_or_else(wrong)?);
                }
                b"maxTimeMS" => generic.max_time_millis = max_time(value)?,
                b"comment" => generic.comment = Some(value.to_bson()),
                b"readConcern" => {
                    generic.read_concern = Some(document("readConcern", value)?.into());
                }
                b"writeConcern" => {
                    generic.write_concern = Some(document("writeConcern", value)?.into());
                }
                b"autocommit" | b"startTransaction" => generic.in_transaction = true,
                _ => {}
            }
        }
        generic.check_transaction()?;
        Ok(generic)
    }

    /// A standalone has no transactions and no retryable writes; drivers know the text.
    fn check_transaction(&self) -> Result<()> {
        if self.transaction_number.is_some() || self.in_transaction {
            if self.lsid.is_none() {
                return Err(CommandError::new(
                    Code::InvalidOptions,
                    "Transaction number requires a session ID to also be specified",
                ));
            }
            return Err(CommandError::new(
                Code::IllegalOperation,
                "Transaction numbers are only allowed on a replica set member or mongos",
            ));
        }
        Ok(())
    }
}

fn document<'a>(name: &str, value: RawValue<'a>) -> Result<RawDoc<'a>> {
    value.as_document().ok_or_else(|| mismatch(name, value, "object"))
}

fn mismatch(name: &str, value: RawValue<'_>, expected: &str) -> CommandError {
    CommandError::type_mismatch(format!(
        "BSON field '{name}' is the wrong type '{}', expected type '{expected}'",
        value.type_name()
    ))
}

fn max_time(value: RawValue<'_>) -> Result<Option<u64>> {
    if !value.is_number() {
        return Err(CommandError::bad_value("maxTimeMS must be a number"));
    }
    let millis = integer(value).unwrap_or(0);
    match value {
        RawValue::Double(x) if x.fract() != 0.0 => {
            Err(CommandError::bad_value("maxTimeMS has non-integral value"))
        }
        _ if !(0..=i64::from(i32::MAX)).contains(&millis) => Err(CommandError::bad_value(format!(
            "{millis} value for maxTimeMS is out of range [0, 2147483647]"
        ))),
        _ => Ok(u64::try_from(millis).ok().filter(|&millis| millis > 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Generic, NAMES, is_generic};
    use quire_bson::{DocBuf, doc};

    #[test]
    fn the_names_are_sorted_for_the_search() {
        assert!(NAMES.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(is_generic("$db") && is_generic("writeConcern") && !is_generic("filter"));
    }

    #[test]
    fn a_transaction_number_is_refused_with_the_text_drivers_know() {
        let body = DocBuf::from(&doc! {"insert": "c", "lsid": {"id": 1}, "txnNumber": 1_i64});
        let error = Generic::read(body.as_raw()).unwrap_err();
        assert_eq!(error.code().number(), 20);
        assert!(error.message().starts_with("Transaction numbers are only allowed on a replica"));
    }

    #[test]
    fn zero_means_no_time_limit() {
        let body = DocBuf::from(&doc! {"ping": 1, "maxTimeMS": 0});
        assert_eq!(Generic::read(body.as_raw()).unwrap().max_time_millis, None);
    }

    #[test]
    fn a_negative_time_limit_is_refused() {
        let body = DocBuf::from(&doc! {"ping": 1, "maxTimeMS": -1});
        assert_eq!(Generic::read(body.as_raw()).unwrap_err().code().number(), 2);
    }
}
