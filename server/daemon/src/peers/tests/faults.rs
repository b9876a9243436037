//! Links while the fail point `quirePeerTraffic` is on.

use super::harness::{Node, Setup, a_while, eventually};
use quire_bson::{DocBuf, Document, RawDoc, doc};
use quire_failpoints::{FailPoints, Mode};
use std::sync::Arc;

/// Two members with links both ways, and the fail points of the first.
async fn pair() -> (Node, Node, Arc<FailPoints>) {
    let points = Arc::new(FailPoints::default());
    let a = Setup { points: Some(points.clone()), ..Setup::of(1) }.start().await;
    let b = Node::start(2).await;
    a.knows(&b);
    b.knows(&a);
    a.reaches(&b).await;
    b.reaches(&a).await;
    // What was said more often than it was needed.
    a_while().await;
    (a, b, points)
}

fn set(points: &FailPoints, mode: Mode, data: &Document) {
    let data = DocBuf::from(data);
    let point = points.find("quirePeerTraffic").expect("the point");
    point.configure(mode, data.as_raw()).expect("a fault");
}

fn off(points: &FailPoints) {
    let point = points.find("quirePeerTraffic").expect("the point");
    point.configure(Mode::Off, RawDoc::EMPTY).expect("off");
}

#[tokio::test]
async fn what_is_dropped_one_way_is_lost_and_the_link_stays() {
    let (a, b, points) = pair().await;
    set(&points, Mode::Times(1), &doc! { "action": "drop", "direction": "out" });
    b.says(&a, "other way");
    eventually("the other way", || a.words_from(b.id).contains(&"other way".to_owned())).await;
    a.says(&b, "lost");
    a_while().await;
    a.says(&b, "kept");
    eventually("what came later", || b.words_from(a.id).contains(&"kept".to_owned())).await;
    assert!(!b.words_from(a.id).contains(&"lost".to_owned()));
    assert!(a.links.failure(b.id).is_none());
}

#[tokio::test]
async fn what_is_delayed_comes_in_its_order() {
    for direction in ["in", "out"] {
        let (a, b, points) = pair().await;
        let data = doc! { "action": "delay", "delayMS": 30, "direction": direction };
        set(&points, Mode::AlwaysOn, &data);
        let (from, to) = if direction == "in" { (&b, &a) } else { (&a, &b) };
        for word in ["one", "two", "three"] {
            from.says(to, word);
        }
        eventually("all of them", || to.words_from(from.id).ends_with(&["three".to_owned()])).await;
        let heard = to.words_from(from.id);
        let last: Vec<&str> = heard.iter().rev().take(3).map(String::as_str).collect();
        assert_eq!(last, ["three", "two", "one"], "{direction}");
    }
}

#[tokio::test]
async fn a_cut_ends_links_both_ways_until_it_is_off_and_nobody_is_dead() {
    let (a, b, points) = pair().await;
    set(&points, Mode::AlwaysOn, &doc! { "action": "cut", "peers": [&b.host] });
    a.says(&b, "never");
    b.says(&a, "never");
    eventually("no link out", || a.links.failure(b.id).is_some()).await;
    eventually("no link in", || b.links.failure(a.id).is_some()).await;
    assert!(a.links.probe(&b.host).await.is_err() && b.links.probe(&a.host).await.is_err());
    off(&points);
    a.reaches(&b).await;
    b.reaches(&a).await;
    for node in [&a, &b] {
        assert!(node.heard.deaths.lock().is_empty());
    }
    assert!(!b.words_from(a.id).contains(&"never".to_owned()));
}
