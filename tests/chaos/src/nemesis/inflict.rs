//! Doing it.
//!
//! Owns what each fault means. Healing is not here: everything that is inflicted is undone at once by
//! [`Cluster::heal`].

use super::{Fault, Whom};
use crate::cluster::{Cluster, NODES};
use crate::proxy::{Link, Links, Party};
use mongodb::bson::doc;
use quire_tests::Random;
use quire_tests::Result;
use std::time::Duration;

/// Inflicts a fault; returns in words what was done to whom.
pub(crate) async fn inflict(
    fault: Fault,
    cluster: &mut Cluster,
    random: &mut Random,
) -> Result<String> {
    // Without a primary somebody else takes its part.
    let primary = cluster.primary_now().await.unwrap_or_else(|| random.below(NODES));
    let secondaries = others(primary);
    let secondary = random.pick(&secondaries).copied().unwrap_or(primary);
    let whom = |whom| match whom {
        Whom::Primary => primary,
        Whom::Secondary => secondary,
    };
    let links = cluster.links().clone();
    match fault {
        Fault::Kill(who) => cluster.kill(whom(who))?,
        Fault::LoseDisk(who) => cluster.lose_the_disk(whom(who))?,
        Fault::KillTwo => {
            cluster.kill(primary)?;
            cluster.kill(secondary)?;
        }
        Fault::KillAll => {
            for node in 0..NODES {
                cluster.kill(node)?;
            }
        }
        Fault::Pause(who) => cluster.nodes[whom(who)].pause()?,
        Fault::PauseTwo => {
            cluster.nodes[primary].pause()?;
            cluster.nodes[secondary].pause()?;
        }
        Fault::Isolate(who) => isolate(&links, whom(who)),
        Fault::IsolateWholly(who) => {
            isolate(&links, whom(who));
            links.set_both_ways(Party::Node(whom(who)), Party::Clients, Link::CUT);
        }
        Fault::PartPrimaryFromOne => part(&links, primary, secondary),
        Fault::PartSecondaries => {
            let [one, other] = secondaries;
            part(&links, one, other);
        }
        Fault::Mute(who) => {
            for other in others(whom(who)) {
                links.set(Party::Node(whom(who)), Party::Node(other), Link::CUT);
            }
        }
        Fault::Deafen(who) => {
            for other in others(whom(who)) {
                links.set(Party::Node(other), Party::Node(whom(who)), Link::CUT);
            }
        }
        Fault::Slow(who) => {
            let delay = random.between(Duration::from_millis(20), Duration::from_millis(250));
            for other in others(whom(who)) {
                let slow = Link { open: true, delay };
                links.set_both_ways(Party::Node(whom(who)), Party::Node(other), slow);
            }
        }
        Fault::StepDown => step_down(cluster, primary, random).await,
        Fault::Terminate(who) => {
            // It may take its time: meanwhile others go on. Healing starts what has ended.
            cluster.nodes[whom(who)].ask_to_end()?;
            cluster.nodes[whom(who)].wait_for_end().await?;
        }
    }
    Ok(format!("{fault:?} (primary {primary}, secondary {secondary})"))
}

fn others(node: usize) -> [usize; NODES - 1] {
    std::array::from_fn(|index| (node + 1 + index) % NODES)
}

fn part(links: &Links, one: usize, other: usize) {
    links.set_both_ways(Party::Node(one), Party::Node(other), Link::CUT);
}

fn isolate(links: &Links, node: usize) {
    for other in others(node) {
        part(links, node, other);
    }
}

async fn step_down(cluster: &Cluster, primary: usize, random: &mut Random) {
    let force = random.chance(30);
    let command = doc! {
        "replSetStepDown": 2,
        "secondaryCatchUpPeriodSecs": if force { 0 } else { 2 },
        "force": force,
    };
    // A primary that just lost its place refuses, which is as good.
    let _ = cluster.members[primary].answer("admin", command).await;
}
