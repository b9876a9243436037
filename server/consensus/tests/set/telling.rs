//! When other members hear what is committed.

use crate::bench::{Set, members};

fn three() -> Set {
    let mut set = Set::new(3);
    set.change(1, &members(&[1, 2, 3], &[1], &[]));
    set.change(1, &members(&[1, 2, 3], &[], &[]));
    set.tick(1);
    assert!([2, 3].into_iter().all(|id| set.has_everything(id, 1)));
    set.tells_commits = false;
    set
}

#[test]
fn members_hear_with_the_next_entry_what_is_committed_or_else_at_a_tick() {
    let mut set = three();
    let before = set.applied(1);
    assert!(set.write(1).outcome().unwrap().is_ok(), "a majority has it");
    assert_eq!([1, 2, 3].map(|id| set.applied(id) - before), [1, 0, 0]);
    assert!(set.write(1).outcome().unwrap().is_ok());
    assert_eq!([1, 2, 3].map(|id| set.applied(id) - before), [2, 1, 1]);
    assert!(set.node(1).member.has_commit_to_tell());
    set.tick(1);
    assert_eq!([1, 2, 3].map(|id| set.applied(id) - before), [2, 2, 2]);
    assert!(!set.node(1).member.has_commit_to_tell());
}

#[test]
fn members_hear_at_once_what_is_committed_when_they_are_told() {
    let mut set = three();
    let before = set.applied(1);
    assert!(set.write(1).outcome().unwrap().is_ok());
    set.node(1).member.tell_commit();
    set.run();
    assert_eq!([1, 2, 3].map(|id| set.applied(id) - before), [1, 1, 1]);
}
