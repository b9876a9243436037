//! States that effects were left out of.

use super::*;

fn position_chunks(of: &Documents) -> Vec<Vec<u8>> {
    let mut export = of.export_position().unwrap();
    std::iter::from_fn(|| export.next_chunk(SMALL).unwrap()).collect()
}

fn next_of(documents: &Documents) -> Entry {
    let index = documents.applied().index.0 + 1;
    effects(index, vec![insert(index * 100, &doc! { "_id": "next", "a": 1 })])
}

#[test]
fn effects_that_are_left_out_are_missed_for_good() {
    let (engine, documents) = state("c", 5);
    let start = entry(documents.applied().index.0 + 1, EntryKind::TermStart, Vec::new());
    documents.pass(&[start]).unwrap();
    assert!(!documents.is_hollow(), "nothing was left out so far");
    let before = rows(&documents.view());
    let next = next_of(&documents);
    documents.pass(std::slice::from_ref(&next)).unwrap();
    assert!(documents.is_hollow());
    assert_eq!(documents.applied().index, next.index);
    assert_eq!(rows(&documents.view()), before);
    assert!(documents.apply(&[next_of(&documents)]).is_err(), "holes are nothing to build on");
    documents.flush().unwrap();

    let reopened = open(&Arc::new(engine.after_crash(0)));
    assert!(reopened.is_hollow(), "the mark is where the position is");
    assert!(reopened.apply(&[next_of(&reopened)]).is_err());
    reopened.pass(&[next_of(&reopened)]).unwrap();
}

#[test]
fn a_copy_of_the_position_has_the_configuration_and_holes() {
    let (_, source) = state("c", 50);
    let (engine, target) = state("old", 5);
    let applied = receive(&target, &position_chunks(&source)).unwrap();
    target.log_restarted().unwrap();
    assert_eq!(applied, source.applied());
    assert_eq!(target.configuration(), Some(b"members of c".to_vec()));
    assert_eq!(names(&target), [""; 0]);
    assert!(target.is_hollow());
    target.pass(&[next_of(&target)]).unwrap();
    target.flush().unwrap();
    assert!(open(&Arc::new(engine.after_crash(0))).is_hollow());
}

#[test]
fn a_whole_copy_fills_the_holes_and_one_with_holes_makes_them() {
    let (_, source) = state("c", 20);
    let (_, target) = state("old", 5);
    target.pass(&[next_of(&target)]).unwrap();
    let copy_of_holes = chunks(&target, SMALL);
    receive(&target, &chunks(&source, SMALL)).unwrap();
    target.log_restarted().unwrap();
    assert!(!target.is_hollow());
    assert_eq!(hash(&target), hash(&source));
    target.apply(&[next_of(&target)]).unwrap();

    let (_, misled) = state("other", 5);
    receive(&misled, &copy_of_holes).unwrap();
    misled.log_restarted().unwrap();
    assert!(misled.is_hollow(), "nobody takes them for a state");
}
