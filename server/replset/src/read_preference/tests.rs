use super::{Mode, ReadPreference, Where, check_may_serve};
use crate::state::MemberState;
use quire_bson::{DocBuf, Document, doc};
use quire_errors::Result;

fn parse(doc: &Document) -> Result<ReadPreference> {
    ReadPreference::parse(DocBuf::from(doc).as_raw())
}

#[test]
fn every_mode_is_known() {
    let table = [
        (doc! { "mode": "primary" }, Mode::Primary),
        (doc! { "mode": "primary", "tags": [{}], "hedge": { "enabled": false } }, Mode::Primary),
        (doc! { "mode": "primaryPreferred" }, Mode::PrimaryPreferred),
        (doc! { "mode": "secondary", "tags": [{ "dc": "east" }, {}] }, Mode::Secondary),
        (
            doc! { "mode": "secondaryPreferred", "maxStalenessSeconds": 90 },
            Mode::SecondaryPreferred,
        ),
        (doc! { "mode": "nearest", "maxStalenessSeconds": 0, "hedge": {} }, Mode::Nearest),
    ];
    for (doc, mode) in table {
        let preference = parse(&doc).unwrap();
        assert_eq!(preference.mode, mode);
        assert_eq!(preference.allows_secondary(), mode != Mode::Primary);
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let table = [
        (doc! {}, 40414, "BSON field '$readPreference.mode' is missing"),
        (doc! { "mode": 1 }, 14, "BSON field '$readPreference.mode' is the wrong type 'int'"),
        (
            doc! { "mode": "foo" },
            2,
            "Enumeration value 'foo' for field '$readPreference.mode' is not a valid value.",
        ),
        (doc! { "mode": "nearest", "x": 1 }, 40415, "BSON field '$readPreference.x' is an unknown"),
        (
            doc! { "mode": "primary", "tags": [{ "a": "b" }] },
            2,
            "Only empty tags are allowed with primary read preference",
        ),
        (
            doc! { "mode": "primary", "maxStalenessSeconds": 90 },
            2,
            "maxStalenessSeconds can not be set for the primary mode",
        ),
        (doc! { "mode": "primary", "hedge": {} }, 2, "cannot enable hedging"),
        (doc! { "mode": "nearest", "maxStalenessSeconds": 89 }, 160, "maxStalenessSeconds value"),
        (doc! { "mode": "nearest", "maxStalenessSeconds": -1 }, 2, "maxStalenessSeconds must be"),
        (doc! { "mode": "nearest", "maxStalenessSeconds": "x" }, 14, "BSON field '$readPref"),
        (doc! { "mode": "nearest", "tags": {} }, 14, "BSON field '$readPreference.tags'"),
        (doc! { "mode": "nearest", "tags": [1] }, 14, "Tags for a read preference"),
        (doc! { "mode": "nearest", "tags": [{ "a": 1 }] }, 14, "Tag a of a read preference"),
        (doc! { "mode": "nearest", "hedge": 1 }, 14, "BSON field '$readPreference.hedge'"),
    ];
    for (doc, code, message) in table {
        let error = parse(&doc).unwrap_err();
        let is_as_wanted = error.code().number() == code && error.message().starts_with(message);
        assert!(is_as_wanted, "{doc}: {error:?}");
    }
}

#[test]
fn a_member_serves_what_its_state_allows() {
    use MemberState::{Arbiter, Primary, Recovering, Secondary, Startup, Startup2};
    let primary = ReadPreference::default();
    let nearest = ReadPreference { mode: Mode::Nearest };
    // where, preference, state, whether it takes writes, the refusal's code
    let table = [
        (Where::Primary, primary, Primary, true, None),
        (Where::Primary, primary, Primary, false, Some(10107)),
        (Where::Primary, nearest, Secondary, false, Some(10107)),
        (Where::Primary, nearest, Startup, false, Some(10107)),
        (Where::SecondaryIfAllowed, primary, Primary, true, None),
        (Where::SecondaryIfAllowed, primary, Primary, false, Some(13435)),
        (Where::SecondaryIfAllowed, nearest, Primary, false, None),
        (Where::SecondaryIfAllowed, primary, Secondary, false, Some(13435)),
        (Where::SecondaryIfAllowed, nearest, Secondary, false, None),
        (Where::SecondaryIfAllowed, primary, Recovering, false, Some(13435)),
        (Where::SecondaryIfAllowed, nearest, Recovering, false, Some(13436)),
        (Where::SecondaryIfAllowed, nearest, Startup2, false, Some(13436)),
        (Where::SecondaryIfAllowed, nearest, Startup, false, Some(13436)),
        (Where::SecondaryIfAllowed, nearest, Arbiter, false, Some(13436)),
        (Where::DataBearing, primary, Secondary, false, None),
        (Where::DataBearing, primary, Startup2, false, Some(13436)),
        (Where::Anywhere, primary, Startup, false, None),
    ];
    for (place, preference, state, is_writable, code) in table {
        let got = check_may_serve(place, preference, state, is_writable);
        let got = got.err().map(|error| error.code().number());
        assert_eq!(got, code, "{place:?} {preference:?} {state}");
    }
}
