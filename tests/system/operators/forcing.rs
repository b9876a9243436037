//! Going on without a majority, because an operator says so.

use quire_bson::doc;
use quire_tests::{ReplicaSet, members_of};

#[test]
fn a_lone_survivor_goes_on_by_force_and_the_others_give_up_what_it_never_had() {
    let mut set = ReplicaSet::started(3);
    let primary = set.wait_until_whole();
    set.insert(primary, 0..10, 3);
    let survivor = set.secondaries()[0];
    let other = set.secondaries()[1];
    set.kill(survivor);
    set.insert(primary, 10..20, 2);
    set.kill(primary);
    set.kill(other);
    set.start(survivor);
    set.wait_for_state(survivor, "SECONDARY");

    let version = set.config(survivor).get_i32("version").expect("a version");
    let mut config = set.config(survivor);
    let own = set.host(survivor);
    let mut members = members_of(&config);
    members.retain(|member| member.get_str("host").ok() == Some(own.as_str()));
    let id = members[0].get_i32("_id").expect("an id");
    config.insert("members", members);
    let mut connection = set.connect(survivor);
    let (code, _) = connection.fails("admin", doc! { "replSetReconfig": config.clone() });
    assert_eq!(code, 10107, "only a primary changes it without force");
    connection.ok("admin", doc! { "replSetReconfig": config, "force": true });
    assert_eq!(set.primary(), survivor);
    let forced = set.config(survivor);
    assert!(forced.get_i32("version").expect("a version") > version + 1, "{forced}");
    assert_eq!(members_of(&forced)[0].get_i32("_id").ok(), Some(id));
    assert_eq!(set.count_on(survivor), 10);
    set.insert(survivor, 100..101, 1);

    // The others come back and are taken in again, one after the other.
    for (id, back) in [(20, primary), (21, other)] {
        set.start(back);
        let host = set.host(back);
        let reply = set.reconfigure(survivor, |config| {
            let mut members = members_of(config);
            members.push(doc! { "_id": id, "host": host });
            config.insert("members", members);
        });
        assert_eq!(reply.get_f64("ok").ok(), Some(1.0), "{reply}");
        set.wait_for_state(back, "SECONDARY");
        set.wait_for_count(back, 11);
        let kept = set.data(back).join("discarded");
        let files = std::fs::read_dir(&kept).map(|files| files.flatten().count());
        assert!(files.is_ok_and(|files| files > 0), "nothing in {}", kept.display());
    }
}
