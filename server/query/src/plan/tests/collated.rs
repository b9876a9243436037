//! Which indexes serve a query with a collation.

use super::*;

fn english() -> ValueOrder {
    let spec = doc! {"locale": "en", "strength": 2};
    ValueOrder::new(crate::collation(DocBuf::from(&spec).as_raw()).unwrap())
}

fn by(order: &ValueOrder, filter: &Document) -> Filter {
    let constants = Constants { order: order.clone(), ..Constants::default() };
    Filter::parse(DocBuf::from(filter).as_raw(), &Arc::new(constants)).unwrap()
}

fn uses_index(asked: &ValueOrder, of_index: &ValueOrder, filter: Document) -> bool {
    let index = IndexDescription { order: of_index.clone(), ..index(doc! {"a": 1}) };
    let options = PlanOptions { sort_order: asked, ..options() };
    let plan = choose(&by(asked, &filter), None, &[index], &options).unwrap();
    matches!(plan.access, Access::Index(_))
}

#[test]
fn strings_are_looked_up_in_an_index_of_the_same_order_alone() {
    let (plain, english) = (ValueOrder::BYTES, english());
    for (filter, strings) in [
        (doc! {"a": "x"}, true),
        (doc! {"a": {"$gt": "x"}}, true),
        (doc! {"a": {"$in": [1, "x"]}}, true),
        (doc! {"a": {"$eq": {"b": 1}}}, true),
        (doc! {"a": 1}, false),
        (doc! {"a": {"$in": [1, 2]}}, false),
        (doc! {"a": {"$gt": 1, "$lt": 5}}, false),
        (doc! {"a": null}, false),
    ] {
        assert!(uses_index(&plain, &plain, filter.clone()), "{filter}");
        assert!(uses_index(&english, &english, filter.clone()), "{filter}");
        assert_eq!(uses_index(&plain, &english, filter.clone()), !strings, "{filter}");
        assert_eq!(uses_index(&english, &plain, filter.clone()), !strings, "{filter}");
    }
}

#[test]
fn rows_named_by_strings_are_searched_by_a_collation() {
    let english = english();
    let options = PlanOptions { sort_order: &english, ..options() };
    let access =
        |filter: Document| choose(&by(&english, &filter), None, &[], &options).unwrap().access;
    assert!(matches!(access(doc! {"_id": "x"}), Access::Rows { .. }));
    assert!(matches!(access(doc! {"_id": 1}), Access::RowLookups { .. }));
}

#[test]
fn an_index_of_another_order_does_not_sort() {
    let (plain, english) = (ValueOrder::BYTES, english());
    let sort = [("a".to_owned(), 1)];
    for (asked, of_index) in [(&plain, &plain), (&plain, &english), (&english, &english)] {
        let index = IndexDescription { order: of_index.clone(), ..index(doc! {"a": 1}) };
        let options = PlanOptions { sort_order: asked, ..options() };
        let filter = by(asked, &doc! {"a": {"$gt": 1}});
        let plan = choose(&filter, Some(&sort), &[index], &options).unwrap();
        assert!(matches!(plan.access, Access::Index(_)));
        assert_eq!(plan.provides_sort, asked == of_index);
    }
}

#[test]
fn bounds_show_the_bytes_of_keys() {
    let english = english();
    let index = IndexDescription { order: english.clone(), ..index(doc! {"a": 1}) };
    let options = PlanOptions { sort_order: &english, ..options() };
    let plan = choose(&by(&english, &doc! {"a": "B"}), None, &[index], &options).unwrap();
    let Access::Index(scan) = plan.access else { panic!("an index serves the equality") };
    let key = "CollationKey(0x2d0105)";
    assert_eq!(shown_bounds(&scan.bounds), format!("a: [{key}, {key}]"));
}
