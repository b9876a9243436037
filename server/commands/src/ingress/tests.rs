use super::{Entry, Ingress};
use crate::Parameters;
use crate::Persona;
use crate::client::Client;
use crate::testing::Rig;
use quire_bson::{Document, doc};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

const SOMEBODY: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

fn parameters(given: &[(&str, &str)]) -> Parameters {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Parameters::new(Persona::default(), &given.iter().map(owned).collect()).unwrap()
}

/// The limiter of the drivers' tests: two connections at once, one that waits.
fn limited() -> Parameters {
    parameters(&[
        ("ingressConnectionEstablishmentRateLimiterEnabled", "true"),
        ("ingressConnectionEstablishmentRatePerSec", "2"),
        ("ingressConnectionEstablishmentBurstCapacitySecs", "1"),
        ("ingressConnectionEstablishmentMaxQueueDepth", "1"),
        ("ingressConnectionEstablishmentRateLimiterBypass", "{\"ranges\": [\"10.0.0.0/8\"]}"),
    ])
}

#[test]
fn connections_beyond_the_rate_wait_and_those_beyond_the_queue_are_refused() {
    let (ingress, parameters) = (Ingress::default(), limited());
    let connect = || ingress.connect(&parameters, Some(SOMEBODY));
    assert!(matches!(connect(), Entry::Open));
    assert!(matches!(connect(), Entry::Open));
    let Entry::Queued(turn) = connect() else { panic!("not queued") };
    assert!(turn.after.as_millis() > 400, "{:?}", turn.after);
    assert!(matches!(connect(), Entry::Refused));
    assert_eq!(ingress.connections_refused(), 1);
    drop(turn);
    assert!(matches!(connect(), Entry::Queued(_)));
}

#[test]
fn operators_connect_whatever_the_rate() {
    let (ingress, parameters) = (Ingress::default(), limited());
    let office = IpAddr::V4(Ipv4Addr::new(10, 1, 2, 3));
    for _ in 0..100 {
        assert!(matches!(ingress.connect(&parameters, Some(office)), Entry::Open));
        assert!(matches!(ingress.connect(&parameters, None), Entry::Open));
    }
}

#[test]
fn nobody_is_refused_a_connection_where_no_limit_is_asked_for() {
    let (ingress, parameters) = (Ingress::default(), Parameters::default());
    assert!(
        (0..1_000).all(|_| { matches!(ingress.connect(&parameters, Some(SOMEBODY)), Entry::Open) })
    );
}

/// A client from elsewhere, of a server with these parameters.
fn rig(settings: Document) -> Rig {
    let mut rig = Rig::new();
    let remote = SocketAddr::new(SOMEBODY, 40_000);
    let mut command = doc! { "setParameter": 1 };
    command.extend(settings);
    rig.ok("admin", command);
    rig.client = Arc::new(Client::new(2, Some(remote)));
    rig
}

fn three_per_second() -> Document {
    doc! {
        "ingressRequestAdmissionRatePerSec": 3,
        "ingressRequestAdmissionBurstCapacitySecs": 1.0,
        "ingressRequestRateLimiterEnabled": true,
    }
}

#[test]
fn requests_beyond_the_rate_are_refused_before_any_work() {
    let rig = rig(three_per_second());
    let insert = || rig.run("db", doc! { "insert": "c", "documents": [{}] });
    let refused = (0..10).map(|_| insert()).find(|reply| reply.contains_key("code")).unwrap();
    let labels: Vec<_> = refused.get_array("errorLabels").unwrap().iter().collect();
    assert_eq!(refused.get_i32("code").unwrap(), 462);
    assert_eq!(refused.get_str("codeName").unwrap(), "IngressRequestRateLimitExceeded");
    assert_eq!(labels, [&"SystemOverloadedError".into(), &"RetryableError".into()]);
    assert_eq!(rig.stored("db", "c").len(), 3);
}

#[test]
fn a_connection_is_greeted_and_an_operator_served_whatever_the_rate() {
    let mut rig = rig(three_per_second());
    for _ in 0..20 {
        rig.ok("admin", doc! { "hello": 1 });
    }
    // Over the Unix socket.
    rig.client = Arc::new(Client::new(3, None));
    for _ in 0..20 {
        rig.ok("admin", doc! { "ping": 1 });
    }
    let status = rig.ok("admin", doc! { "serverStatus": 1 });
    let network = status.get_document("network").unwrap();
    let figures = network.get_document("ingressRequestRateLimiter").unwrap();
    assert_eq!(figures.get_i64("rejectedAdmissions").unwrap(), 0);
    assert!(figures.get_i64("exemptedAdmissions").unwrap() >= 40, "{figures}");
}

#[test]
fn requests_are_exempt_from_named_addresses() {
    let mut settings = three_per_second();
    settings.insert("ingressRequestRateLimiterExemptions", doc! { "ranges": ["192.0.2.0/24"] });
    let rig = rig(settings);
    for _ in 0..20 {
        rig.ok("admin", doc! { "ping": 1 });
    }
}

#[test]
fn so_many_requests_run_at_one_time() {
    let parameters = parameters(&[("quireRequestsInFlightMax", "2")]);
    let ingress = Ingress::default();
    let client = Client::new(1, Some(SocketAddr::new(SOMEBODY, 40_000)));
    let admit = || ingress.admit(&parameters, &client);
    let first = admit().unwrap();
    let second = admit().unwrap();
    let refused = admit().unwrap_err();
    assert_eq!(refused.labels(), ["SystemOverloadedError", "RetryableError"]);
    assert_eq!(ingress.requests_crowded_out(), 1);
    drop(first);
    assert!(admit().is_ok());
    drop(second);
}
