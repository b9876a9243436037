//! Tables of cases: front.

use super::*;
use crate::pipeline::{Front, Provided};

fn split(stages: impl IntoIterator<Item = Document>) -> (Front, Pipeline) {
    parse(stages).unwrap().split_front(&constants()).unwrap()
}

fn names(pipeline: &Pipeline) -> Vec<&'static str> {
    pipeline.stages().iter().map(|stage| stage.name()).collect()
}

#[test]
fn leading_filters_become_one_and_sort_and_window_are_taken() {
    let (front, rest) = split([
        doc! { "$match": { "a": 1 } },
        doc! { "$match": { "b": 2 } },
        doc! { "$sort": { "c": 1 } },
        doc! { "$skip": 3 },
        doc! { "$limit": 4 },
        doc! { "$project": { "a": 1 } },
    ]);
    let (spec, filter) = front.filter().unwrap();
    assert_eq!(spec.to_document(), doc! { "$and": [{ "a": 1 }, { "b": 2 }] });
    assert!(filter.matches(DocBuf::from(&doc! { "a": 1, "b": 2 }).as_raw()).unwrap());
    assert_eq!(front.sort().unwrap().fields(), [("c".to_owned(), 1)]);
    assert_eq!((front.skip(), front.limit()), (3, Some(4)));
    assert_eq!(names(&rest), ["$project"]);
    for (provided, remaining) in [
        (Provided::Nothing, vec!["$match", "$sort", "$skip", "$limit"]),
        (Provided::Filter, vec!["$sort", "$skip", "$limit"]),
        (Provided::Sort, vec!["$skip", "$limit"]),
        (Provided::Window, vec![]),
    ] {
        assert_eq!(names(&front.remaining(provided)), remaining);
    }
}

#[test]
fn a_front_may_have_no_part_or_any_part() {
    let (front, rest) = split([doc! { "$project": { "a": 1 } }, doc! { "$match": { "a": 1 } }]);
    assert!(front.filter().is_none() && front.sort().is_none());
    assert_eq!((front.skip(), front.limit(), rest.stages().len()), (0, None, 2));
    let (front, rest) = split([doc! { "$limit": 2 }, doc! { "$skip": 1 }]);
    assert_eq!((front.skip(), front.limit()), (0, Some(2)));
    assert_eq!(names(&rest), ["$skip"]);
}

#[test]
fn a_filter_behind_a_sort_is_taken_with_those_before_it() {
    let stages = [
        doc! { "$sort": { "a": 1 } },
        doc! { "$match": { "a": { "$gt": 1 } } },
        doc! { "$limit": 1 },
    ];
    let (front, rest) = split(stages);
    assert!(front.filter().is_some() && rest.is_empty());
    let whole = front.remaining(Provided::Nothing).then(rest);
    let docs = vec![doc! { "a": 3 }, doc! { "a": 1 }, doc! { "a": 2 }];
    assert_eq!(run_parsed(&whole, docs).unwrap(), [doc! { "a": 2 }]);
}

#[test]
fn the_split_pipeline_gives_what_the_whole_one_gives() {
    let stages = || {
        vec![
            doc! { "$match": { "n": { "$gte": 3 } } },
            doc! { "$sort": { "n": -1 } },
            doc! { "$skip": 1 },
            doc! { "$limit": 3 },
            doc! { "$group": { "_id": null, "sum": { "$sum": "$n" } } },
        ]
    };
    let docs = || (0..10).map(|n| doc! { "n": n }).collect::<Vec<_>>();
    let (front, rest) = split(stages());
    let split = front.remaining(Provided::Nothing).then(rest);
    assert_eq!(run(stages(), docs()).unwrap(), run_parsed(&split, docs()).unwrap());
    assert_eq!(run(stages(), docs()).unwrap(), [doc! { "_id": null, "sum": 21 }]);
}
