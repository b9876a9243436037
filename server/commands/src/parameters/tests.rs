use super::Parameters;
use quire_bson::{Bson, RawValue};
use std::collections::BTreeMap;
use std::time::Duration;

fn started(given: &[(&str, &str)]) -> Result<Parameters, String> {
    let given: BTreeMap<String, String> =
        given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Parameters::new(&given).map_err(|error| error.message().to_owned())
}

#[test]
fn values_are_read_in_every_spelling_a_command_line_has() {
    for spelling in ["1", "true", "\"true\""] {
        let parameters = started(&[("enableTestCommands", spelling)]).unwrap();
        assert!(parameters.test_commands_enabled(), "{spelling}");
    }
    assert!(!started(&[("enableTestCommands", "0")]).unwrap().test_commands_enabled());
    let parameters = started(&[("ttlMonitorSleepSecs", "1")]).unwrap();
    assert_eq!(parameters.ttl_monitor_sleep(), Duration::from_secs(1));
}

#[test]
fn an_unknown_name_ends_the_start() {
    assert_eq!(started(&[("foo", "1")]).unwrap_err(), "Unknown --setParameter 'foo'");
    assert!(started(&[("failpoint.disableStapling", "{}")]).is_err());
}

#[test]
fn what_has_no_effect_is_accepted_with_a_warning_and_shown_as_given() {
    let parameters = started(&[("internalQueryExecYieldIterations", "7")]).unwrap();
    assert_eq!(parameters.warnings().len(), 1);
    assert_eq!(parameters.get("internalQueryExecYieldIterations"), Some(Bson::Int32(7)));
    assert!(started(&[("quiet", "true")]).unwrap().warnings().is_empty());
}

#[test]
fn a_value_out_of_bounds_names_the_bound() {
    assert_eq!(
        started(&[("ttlMonitorSleepSecs", "0")]).unwrap_err(),
        "Invalid value for parameter ttlMonitorSleepSecs: 0 is not greater than or equal to 1"
    );
    assert!(started(&[("maxBSONDepth", "50")]).is_err());
    assert!(started(&[("featureCompatibilityVersion", "8.0")]).is_err());
}

#[test]
fn the_log_level_and_the_root_of_the_components_are_one() {
    let parameters = Parameters::default();
    let value = parameters.accept("logLevel", RawValue::Int32(2)).unwrap();
    assert_eq!(parameters.set("logLevel", value).0, Some(Bson::Int32(0)));
    let tree = parameters.get("logComponentVerbosity").unwrap();
    assert_eq!(tree.as_document().unwrap().get_i32("verbosity").ok(), Some(2));
    assert_eq!(parameters.log_verbosity(), 2);
}

#[test]
fn what_is_there_for_tests_is_there_only_with_test_commands() {
    let name = "quireFailApply";
    let refused = started(&[(name, "1")]).expect_err("no test commands");
    assert_eq!(refused, "Unknown --setParameter 'quireFailApply'");
    let without = started(&[]).unwrap();
    assert_eq!(without.get(name), None);
    assert!(without.apply_switch().is_none());
    let value = quire_bson::DocBuf::from(&quire_bson::doc! { "n": 1 });
    let one = value.as_raw().get("n").expect("a value");
    assert!(without.accept(name, one).is_err());

    let with = started(&[("enableTestCommands", "1"), (name, "2")]).unwrap();
    assert_eq!(with.get(name), Some(quire_bson::Bson::Int64(2)));
    assert!(with.apply_switch().is_some());
    assert_eq!(with.accept(name, one).ok(), Some(quire_bson::Bson::Int64(1)));
    assert!(started(&[("enableTestCommands", "1"), (name, "-1")]).is_err());
}
