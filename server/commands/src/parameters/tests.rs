use super::Parameters;
use crate::Persona;
use quire_bson::{Bson, RawValue};
use std::collections::BTreeMap;
use std::time::Duration;

fn started(given: &[(&str, &str)]) -> Result<Parameters, String> {
    let given: BTreeMap<String, String> =
        given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Parameters::new(Persona::default(), &given).map_err(|error| error.message().to_owned())
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
fn fail_points_are_parameters_only_with_test_commands() {
    let name = "failpoint.disableStapling";
    let refused = started(&[(name, r#"{"mode": "alwaysOn"}"#)]).expect_err("no test commands");
    assert_eq!(refused, "Unknown --setParameter 'failpoint.disableStapling'");
    let without = started(&[]).unwrap();
    assert!(without.show(name).is_none() && without.show_all().iter().all(|p| p.name != name));

    let on = r#"{"mode": "alwaysOn"}"#;
    let with = started(&[("enableTestCommands", "1"), (name, on)]).unwrap();
    assert!(with.failpoints().disable_stapling.is_on());
    let shown = with.show(name).unwrap();
    assert_eq!(shown.value, quire_bson::bson!({ "mode": 1, "data": {} }));
    let names: Vec<String> = with.show_all().into_iter().map(|shown| shown.name).collect();
    assert!(names.is_sorted() && names.iter().any(|shown| shown == name));
    let refused = with.accept(name, RawValue::Boolean(true)).unwrap_err();
    assert_eq!(refused.code().number(), 20, "at runtime there is a command for it");
}

#[test]
fn a_fail_point_is_switched_at_the_start_by_mode_and_data() {
    let start = |name: &str, text: &str| started(&[("enableTestCommands", "1"), (name, text)]);
    let data = r#"{"mode": {"times": 1}, "data": {"failCommands": ["ping"], "errorCode": 1}}"#;
    let started = start("failpoint.failCommand", data).unwrap();
    assert!(started.failpoints().fail_command.is_on());
    let bad = [
        ("failpoint.nonesuch", r#"{"mode": "alwaysOn"}"#),
        ("failpoint.failCommand", r#"{"mode": "alwaysOn", "data": 1}"#),
        ("failpoint.failCommand", r#"{"mode": "alwaysOn", "data": {"errorCode": "a"}}"#),
        ("failpoint.failCommand", r#"{"mode": "on"}"#),
        ("failpoint.failCommand", "true"),
    ];
    for (name, text) in bad {
        let refused = start(name, text).expect_err(text);
        assert!(refused.contains(name), "{refused}");
    }
}

#[test]
fn what_cannot_be_honoured_is_refused_or_warned_of() {
    let refused = started(&[("notablescan", "1")]).unwrap_err();
    assert!(refused.contains("does not refuse queries"), "{refused}");
    assert!(started(&[("notablescan", "0")]).is_ok());
    for name in ["transactionLifetimeLimitSeconds", "mirrorReads"] {
        let value = if name == "mirrorReads" { "{\"samplingRate\": 0.5}" } else { "30" };
        let parameters = started(&[(name, value)]).unwrap();
        assert_eq!(parameters.warnings().len(), 1, "{name}");
        assert!(parameters.show_all().iter().any(|shown| shown.name == name));
    }
    assert!(started(&[("mirrorReads", "{\"samplingRate\": 2}")]).is_err());
}

#[test]
fn an_idle_primary_writes_unless_it_is_told_not_to() {
    let parameters = started(&[("periodicNoopIntervalSecs", "3")]).unwrap();
    assert_eq!(parameters.noop_interval(), Some(Duration::from_secs(3)));
    let parameters = started(&[("writePeriodicNoops", "false")]).unwrap();
    assert_eq!(parameters.noop_interval(), None);
    assert!(started(&[("periodicNoopIntervalSecs", "0")]).is_err());
}
