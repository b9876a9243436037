//! The arguments that every command takes.
//!
//! Owns their names and what is read from them. A command's own parser never sees them.

use crate::arguments::integer;
use crate::stable_api::Declared;
use quire_bson::{Bson, DocBuf, RawDoc, RawValue, Timestamp};
use quire_errors::{Code, CommandError, Result};
use quire_replset::read_preference::ReadPreference;

/// Every generic argument; those without a meaning here are accepted and not read.
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
    pub read_preference: ReadPreference,
    /// The greatest time of the set that the client has heard of.
    pub cluster_time: Option<Timestamp>,
    /// The API that the client was written for.
    pub api: Declared,
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
                b"apiVersion" | b"apiStrict" | b"apiDeprecationErrors" => {
                    generic.api.read(element.key(), value)?;
                }
                b"autocommit" | b"startTransaction" => generic.in_transaction = true,
                b"$readPreference" => {
                    let preference = document("$readPreference", value)?;
                    generic.read_preference = ReadPreference::parse(preference)?;
                }
                b"$clusterTime" => {
                    generic.cluster_time = Some(cluster_time(document("$clusterTime", value)?)?);
                }
                _ => {}
            }
        }
        let is_numbered = generic.transaction_number.is_some() || generic.in_transaction;
        if is_numbered && generic.lsid.is_none() {
            return Err(CommandError::new(
                Code::InvalidOptions,
                "Transaction number requires a session ID to also be specified",
            ));
        }
        Ok(generic)
    }

    /// Whether the client may send this very command again, as its number tells.
    pub fn is_retryable_write(&self) -> bool {
        self.transaction_number.is_some() && !self.in_transaction
    }
}

/// The time in `{clusterTime: …, signature: …}`. Signatures are not looked at: nobody signs here.
fn cluster_time(gossip: RawDoc<'_>) -> Result<Timestamp> {
    match gossip.get("clusterTime") {
        Some(RawValue::Timestamp { time, increment }) => Ok(Timestamp { time, increment }),
        Some(wrong) => Err(mismatch("$clusterTime.clusterTime", wrong, "timestamp")),
        None => Err(CommandError::location(
            40414,
            "BSON field '$clusterTime.clusterTime' is missing but a required field",
        )),
    }
}

fn document<'a>(name: &str, value: RawValue<'a>) -> Result<RawDoc<'a>> {
    value.as_document().ok_or_else(|| mismatch(name, value, "object"))
}

/// The error for a generic argument of the wrong type.
pub fn mismatch(name: &str, value: RawValue<'_>, expected: &str) -> CommandError {
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
    fn a_transaction_number_needs_a_session() {
        let body = DocBuf::from(&doc! {"insert": "c", "txnNumber": 1_i64});
        assert_eq!(Generic::read(body.as_raw()).unwrap_err().code().number(), 72);
        let body = DocBuf::from(&doc! {"insert": "c", "lsid": {"id": 1}, "txnNumber": 1_i64});
        assert!(Generic::read(body.as_raw()).unwrap().is_retryable_write());
    }

    #[test]
    fn a_cluster_time_is_a_timestamp() {
        let time = quire_bson::Timestamp { time: 7, increment: 1 };
        let table = [
            (doc! {"clusterTime": time}, Ok(time)),
            (doc! {"clusterTime": 7}, Err(14)),
            (doc! {}, Err(40414)),
        ];
        for (gossip, wanted) in table {
            let body = DocBuf::from(&doc! {"ping": 1, "$clusterTime": gossip});
            let read = Generic::read(body.as_raw());
            let read = read.map(|generic| generic.cluster_time.unwrap());
            assert_eq!(read.map_err(|error| error.code().number()), wanted);
        }
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
