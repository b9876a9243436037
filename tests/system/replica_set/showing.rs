//! What the admin port shows of a member.

use quire_tests::{ReplicaSet, get};

#[test]
fn health_readiness_status_and_metrics_follow_the_member() {
    let set = ReplicaSet::uninitiated(3, &["--httpPort", "0"]);
    for number in 0..3 {
        let admin = set.admin_address(number);
        assert_eq!(get(admin, "GET", "/healthz").status, 200);
        let ready = get(admin, "GET", "/readyz");
        assert_eq!(ready.status, 503);
        assert!(ready.body.contains("STARTUP"), "{}", ready.body);
        let page = get(admin, "GET", "/");
        assert_eq!(page.status, 200);
        assert!(page.head.contains("text/html"), "{}", page.head);
        assert!(page.body.contains("STARTUP") && page.body.contains("no configuration yet"));
    }

    let hosts = set.hosts();
    set.initiate(|_| ());
    let primary = set.wait_until_whole();
    set.settled();
    for number in 0..3 {
        let admin = set.admin_address(number);
        for path in ["/healthz", "/readyz"] {
            assert_eq!(get(admin, "GET", path).status, 200, "{path}");
        }
        let is_primary = i64::from(number == primary);
        assert_eq!(set.figure(number, "quire_replica_set_is_primary"), is_primary);
        assert_eq!(set.figure(number, "quire_replica_set_is_writable"), is_primary);
        assert_eq!(set.figure(number, "quire_replica_set_state"), 2 - is_primary);
        let page = get(admin, "GET", "/").body;
        let metrics = get(admin, "GET", "/metrics").body;
        for host in &hosts {
            assert!(page.contains(&format!("<td>{host}")), "{host} is not in {page}");
            let up = format!("quire_replica_set_member_up{{member=\"{host}\"}} 1");
            assert!(metrics.contains(&up), "{metrics}");
        }
        assert!(page.contains("PRIMARY") && page.contains("SECONDARY"), "{page}");
    }
    let last = set.figure(primary, "quire_log_last_index");
    for host in &hosts {
        for position in ["durable", "applied"] {
            let name = format!("quire_replica_set_member_{position}_index{{member=\"{host}\"}}");
            let shown = set.figure(primary, &name);
            assert!(shown > 0 && shown >= last - 1, "{name} {shown}, and the log ends at {last}");
        }
    }
}
