//! Members that share a secret, and those that do not know it.

use crate::directory;
use quire_bson::doc;
use quire_tests::{ReplicaSet, SET_NAME, members_of};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

fn key_file(directory: &std::path::Path, name: &str, key: &str) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, key).expect("the key is written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("its mode");
    path
}

#[test]
fn members_with_the_same_key_are_a_set_and_others_stay_outside() {
    let directory = directory();
    let right = key_file(directory.path(), "right", "c2VjcmV0IG9mIHRoZSBzZXQ=");
    let wrong = key_file(directory.path(), "wrong", "c29tZWJvZHkgZWxzZSdzIGtleQ==");
    let words = ["--keyFile", right.to_str().expect("a path")];
    let mut set = ReplicaSet::started_with(2, &words, |_| ());
    let primary = set.wait_until_whole();
    set.insert(primary, 0..5, 2);

    for (id, words) in [(5, vec!["--keyFile", wrong.to_str().expect("a path")]), (6, vec![])] {
        let stranger = set.add_started(&words);
        let host = set.host(stranger);
        set.reconfigure(primary, |config| {
            let mut members = members_of(config);
            members.push(doc! { "_id": id, "host": host, "votes": 0, "priority": 0 });
            config.insert("members", members);
        });
        std::thread::sleep(std::time::Duration::from_secs(3));
        assert_eq!(set.state(stranger), "error 94", "it has heard nothing of {SET_NAME}");
        set.kill(stranger);
    }
    set.insert(primary, 5..6, 2);
}
