//! The port for health and metrics: off unless asked for, on loopback, out of the way of clients.

use crate::Fresh;
use quire_bson::doc;
use quire_tests::get;
use std::net::SocketAddr;

const SERVING_ADMIN: i64 = 7_100_041;

fn address(fresh: &Fresh) -> SocketAddr {
    let line = fresh.daemon.logged(SERVING_ADMIN);
    let text = line.pointer("/attr/address").and_then(|a| a.as_str()).expect("an address");
    text.parse().expect("an address")
}

#[test]
fn nothing_is_served_unless_it_is_asked_for() {
    let fresh = Fresh::start();
    fresh.daemon.connect().ok("admin", doc! { "ping": 1 });
    let said = fresh.daemon.log().lines();
    assert!(!said.iter().any(|line| line.contains(&SERVING_ADMIN.to_string())), "{said:#?}");
}

#[test]
fn health_readiness_and_metrics_are_told_on_loopback() {
    let fresh = Fresh::with(&["--httpPort", "0"]);
    let address = address(&fresh);
    assert!(address.ip().is_loopback());
    assert_ne!(address.port(), fresh.daemon.port());
    for (path, says) in [("/healthz", "ok\n"), ("/readyz", "ok\n")] {
        let answer = get(address, "GET", path);
        assert_eq!((answer.status, answer.body.as_str()), (200, says), "{path}");
    }
    assert_eq!(get(address, "GET", "/else").status, 404);
    assert_eq!(get(address, "POST", "/healthz").status, 405);
}

#[test]
fn the_old_flag_for_the_status_page_serves_on_loopback_too() {
    let fresh = Fresh::with(&["--rest"]);
    let address = address(&fresh);
    assert!(address.ip().is_loopback());
    assert_eq!(get(address, "GET", "/healthz").status, 200);
}

#[test]
fn metrics_count_what_clients_do() {
    let fresh = Fresh::with(&["--httpPort", "0"]);
    let address = address(&fresh);
    let mut connection = fresh.daemon.connect();
    for id in 0..3 {
        connection.ok("test", doc! { "insert": "c", "documents": [{ "_id": id }] });
    }
    let answer = get(address, "GET", "/metrics");
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("text/plain; version=0.0.4"), "{}", answer.head);
    let has = |line: &str| answer.body.lines().any(|own| own == line);
    assert!(has("quire_operations_total{class=\"insert\"} 3"), "{}", answer.body);
    assert!(has("quire_connections_current 1"), "{}", answer.body);
    for line in answer.body.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').expect("a name and a value");
        assert!(name.starts_with("quire_"), "{line}");
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
}

#[test]
fn a_taken_admin_port_keeps_the_server_from_starting() {
    let first = Fresh::with(&["--httpPort", "0"]);
    let port = address(&first).port().to_string();
    let data = crate::directory();
    let finished = quire_tests::Launch::on(data.path()).with(&["--httpPort", &port]).finish();
    assert_eq!(finished.code, Some(48), "{finished:#?}");
    assert_eq!(crate::listing(data.path()), [""; 0]);
}
