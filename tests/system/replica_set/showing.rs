//! What the admin port shows of a member.

use super::Trio;
use quire_bson::doc;
use quire_tests::get;

#[test]
fn health_readiness_status_and_metrics_follow_the_member() {
    let trio = Trio::start(&[]);
    for number in 0..3 {
        let admin = trio.admin(number);
        assert_eq!(get(admin, "GET", "/healthz").status, 200);
        let ready = get(admin, "GET", "/readyz");
        assert_eq!(ready.status, 503);
        assert!(ready.body.contains("STARTUP"), "{}", ready.body);
        let page = get(admin, "GET", "/");
        assert_eq!(page.status, 200);
        assert!(page.head.contains("text/html"), "{}", page.head);
        assert!(page.body.contains("STARTUP") && page.body.contains("no configuration yet"));
    }

    let hosts = trio.hosts();
    let members = [0, 1, 2].map(|id| doc! { "_id": id, "host": &hosts[id as usize] }).to_vec();
    let config = doc! { "_id": "rs0", "version": 1, "members": members };
    trio.connect(0).ok("admin", doc! { "replSetInitiate": config });
    let primary = trio.primary();
    trio.settled();
    for number in 0..3 {
        let admin = trio.admin(number);
        for path in ["/healthz", "/readyz"] {
            assert_eq!(get(admin, "GET", path).status, 200, "{path}");
        }
        let is_primary = i64::from(number == primary);
        assert_eq!(trio.figure(number, "quire_replica_set_is_primary"), is_primary);
        assert_eq!(trio.figure(number, "quire_replica_set_is_writable"), is_primary);
        assert_eq!(trio.figure(number, "quire_replica_set_state"), 2 - is_primary);
        let page = get(admin, "GET", "/").body;
        let metrics = get(admin, "GET", "/metrics").body;
        for host in &hosts {
            assert!(page.contains(&format!("<td>{host}")), "{host} is not in {page}");
            let up = format!("quire_replica_set_member_up{{member=\"{host}\"}} 1");
            assert!(metrics.contains(&up), "{metrics}");
        }
        assert!(page.contains("PRIMARY") && page.contains("SECONDARY"), "{page}");
    }
    let last = trio.figure(primary, "quire_log_last_index");
    for host in &hosts {
        for position in ["durable", "applied"] {
            let name = format!("quire_replica_set_member_{position}_index{{member=\"{host}\"}}");
            let shown = trio.figure(primary, &name);
            assert!(shown > 0 && shown >= last - 1, "{name} {shown}, and the log ends at {last}");
        }
    }
}
