use super::{
    Abstention, Follower, Reason, Stand, Standing, is_fresh_enough, rank, successor,
    takeover_delay_millis, timeout_millis,
};
use crate::config::tests::{parsed, with_members};
use crate::config::{MemberId, ReplicaSetConfig};
use crate::optime::OpTime;
use crate::state::MemberState;
use quire_bson::doc;

/// Priorities 5, 2, 2, 0, a member that waits for its vote, an arbiter, one without a vote.
fn config() -> ReplicaSetConfig {
    parsed(with_members(&[
        doc! { "priority": 5 },
        doc! { "priority": 2 },
        doc! { "priority": 2 },
        doc! { "priority": 0 },
        doc! { "priority": 9, "newlyAdded": true },
        doc! { "arbiterOnly": true },
        doc! { "priority": 0, "votes": 0 },
    ]))
}

fn standing(config: &ReplicaSetConfig, member: usize) -> Standing<'_> {
    let own = &config.members[member];
    let state = if own.arbiter_only { MemberState::Arbiter } else { MemberState::Secondary };
    Standing { own, state, is_frozen: false, in_maintenance: false, failed_elections: 0 }
}

#[test]
fn electable_secondaries_stand_and_others_tell_why_not() {
    let config = config();
    let table = [
        (0, Ok(Stand::Openly)),
        (1, Ok(Stand::Openly)),
        (3, Err(Abstention::NoPriority)),
        (4, Err(Abstention::NoVote)),
        (5, Err(Abstention::Arbiter)),
        (6, Err(Abstention::NoVote)),
    ];
    for (member, wanted) in table {
        assert_eq!(standing(&config, member).decide(), wanted, "{member}");
    }
}

#[test]
fn nobody_stands_who_is_frozen_in_maintenance_or_no_secondary() {
    let config = config();
    let at = standing(&config, 0);
    assert_eq!(Standing { is_frozen: true, ..at }.decide(), Err(Abstention::Frozen));
    assert_eq!(Standing { in_maintenance: true, ..at }.decide(), Err(Abstention::Maintenance));
    let recovering = Standing { state: MemberState::Recovering, in_maintenance: true, ..at };
    assert_eq!(recovering.decide(), Err(Abstention::Maintenance));
    for state in [MemberState::Startup2, MemberState::Recovering, MemberState::Primary] {
        let refused = Standing { state, ..at }.decide();
        assert_eq!(refused, Err(Abstention::NotSecondary(state)));
    }
}

#[test]
fn who_is_not_meant_to_lead_stands_silently_after_two_elections_without_a_winner() {
    let config = config();
    for member in [3, 5] {
        let at = standing(&config, member);
        assert!(Standing { failed_elections: 1, ..at }.decide().is_err());
        assert_eq!(Standing { failed_elections: 2, ..at }.decide(), Ok(Stand::Silently));
        let frozen = Standing { failed_elections: 9, is_frozen: true, ..at };
        assert_eq!(frozen.decide(), Err(Abstention::Frozen));
    }
    let no_vote = Standing { failed_elections: 9, ..standing(&config, 6) };
    assert_eq!(no_vote.decide(), Err(Abstention::NoVote));
}

#[test]
fn the_rank_counts_electable_members_of_higher_priority_that_are_up() {
    let config = config();
    let ranks = |is_up: fn(MemberId) -> bool| -> Vec<u32> {
        config.members.iter().map(|own| rank(&config, own, is_up)).collect()
    };
    assert_eq!(ranks(|_| true), [0, 1, 1, 3, 3, 3, 3]);
    assert_eq!(ranks(|member| member != 0), [0, 0, 0, 2, 2, 2, 2]);
}

#[test]
fn members_of_equal_priority_wait_equally_long() {
    let config = parsed(with_members(&[doc! {}, doc! {}, doc! {}]));
    for own in &config.members {
        assert_eq!(timeout_millis(&config, rank(&config, own, |_| true)), 1000);
    }
}

#[test]
fn each_rank_waits_longer_than_the_jitter_of_the_one_before() {
    let config = config();
    let waits: Vec<u64> = (0..6).map(|rank| timeout_millis(&config, rank)).collect();
    assert_eq!(waits, [1000, 1250, 1500, 1750, 2000, 2250]);
    let jitter = |wait: u64| {
        u64::try_from(config.settings.election_timeout_millis).unwrap() * 15 / 100 + wait
    };
    assert!(waits.windows(2).all(|pair| jitter(pair[0]) < pair[1]));
}

#[test]
fn only_a_better_member_takes_over_and_the_best_comes_first() {
    let config = config();
    let delay = |own: usize, primary: usize| {
        takeover_delay_millis(&config, &config.members[own], &config.members[primary])
    };
    assert_eq!(delay(0, 1), Some(1000));
    assert_eq!(delay(0, 3), Some(1000));
    assert_eq!(delay(1, 3), Some(2000));
    assert_eq!(delay(1, 2), None);
    assert_eq!(delay(1, 0), None);
    assert_eq!(delay(4, 0), None);
    assert_eq!(delay(5, 0), None);
}

#[test]
fn who_takes_over_is_at_most_two_seconds_behind() {
    let at = |secs, term| OpTime::new(secs, 1, term);
    assert!(is_fresh_enough(at(10, 2), at(10, 2)));
    assert!(is_fresh_enough(at(10, 2), at(12, 2)));
    assert!(!is_fresh_enough(at(10, 2), at(13, 2)));
    assert!(is_fresh_enough(at(10, 3), at(90, 2)));
}

fn follower(member: MemberId, matched: u64, applied: u64) -> Follower {
    Follower { member, is_ready: true, votes: true, matched, applied }
}

#[test]
fn the_successor_is_the_best_of_those_that_have_everything() {
    let config = config();
    let choose = |followers: &[Follower]| successor(&config, 0, followers, 10);
    assert_eq!(choose(&[follower(1, 10, 8), follower(2, 10, 9)]), Some(2));
    assert_eq!(choose(&[follower(2, 10, 9), follower(1, 11, 9)]), Some(1));
    assert_eq!(choose(&[follower(1, 9, 9), follower(2, 10, 1)]), Some(2));
    assert_eq!(choose(&[follower(1, 9, 9), follower(2, 9, 9)]), None);
    let from_the_second = successor(&config, 1, &[follower(2, 10, 10), follower(0, 10, 1)], 10);
    assert_eq!(from_the_second, Some(0));
}

#[test]
fn nobody_hands_over_to_who_cannot_lead() {
    let config = config();
    for member in [0, 3, 4, 5, 6, 77] {
        assert_eq!(successor(&config, 0, &[follower(member, 10, 10)], 10), None, "{member}");
    }
    let fit = follower(1, 10, 10);
    assert_eq!(successor(&config, 0, &[Follower { is_ready: false, ..fit }], 10), None);
    assert_eq!(successor(&config, 0, &[Follower { votes: false, ..fit }], 10), None);
    assert_eq!(successor(&config, 0, &[fit], 10), Some(1));
}

#[test]
fn reasons_have_the_names_that_status_shows() {
    let all = [
        Reason::ElectionTimeout,
        Reason::PriorityTakeover,
        Reason::StepUpRequest,
        Reason::StepUpRequestSkipDryRun,
    ];
    let shown = all.map(|reason| reason.to_string());
    let known = ["electionTimeout", "priorityTakeover", "stepUpRequest", "stepUpRequestSkipDryRun"];
    assert_eq!(shown, known);
}
