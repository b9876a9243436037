//! What a name stands for: a collection, a view over one, something computed, or nothing.
//!
//! Owns following views to the collection below, and the pipeline that all of them make together.

use crate::computed::{self, Computed, Shape};
use crate::server::Context;
use quire_bson::{ArrayBuilder, RawDoc, RawValue};
use quire_documents::{Catalog, Collection, Namespace};
use quire_errors::{Code, CommandError, Result};
use quire_query::ValueOrder;
use std::sync::Arc;

/// How many views may stand over each other.
pub(crate) const DEPTH_MAX: usize = 20;

/// What a query on a name reads.
#[derive(Debug)]
pub struct Resolved {
    /// The collection below all views.
    pub namespace: Namespace,
    /// `None` when it does not exist, which reads as empty.
    pub collection: Option<Arc<Collection>>,
    /// The pipelines of the views, the lowest first; empty for a collection.
    views: Vec<Arc<Collection>>,
    /// What is no collection: its documents are read as through a view.
    pub computed: Option<Computed>,
    pub is_view: bool,
}

/// Follows views.
pub fn resolve(context: &Context<'_>, asked: Namespace) -> Result<Resolved> {
    match computed::find(context, &asked) {
        None => follow(&*context.catalog()?, asked),
        computed => {
            let (collection, views) = (None, Vec::new());
            Ok(Resolved { namespace: asked, collection, views, computed, is_view: true })
        }
    }
}

fn follow(catalog: &Catalog, asked: Namespace) -> Result<Resolved> {
    let mut namespace = asked.clone();
    let mut views = Vec::new();
    loop {
        let found = catalog.find(&namespace);
        let Some(view) = found.filter(|collection| collection.is_view()) else {
            views.reverse();
            let is_view = !views.is_empty();
            let collection = found.cloned();
            return Ok(Resolved { namespace, collection, views, computed: None, is_view });
        };
        if views.len() >= DEPTH_MAX {
            return Err(CommandError::new(
                Code::ViewDepthLimitExceeded,
                format!("View depth too deep or view cycle detected; maximum depth is {DEPTH_MAX}"),
            )
            .context(&format!("cannot resolve view '{asked}'")));
        }
        let on = view.option("viewOn").and_then(RawValue::as_str).unwrap_or_default();
        namespace = crate::server::namespace(asked.database(), on)?;
        views.push(view.clone());
    }
}

impl Resolved {
    /// What is computed and reads like a capped collection.
    pub fn log(&self) -> Option<&Computed> {
        self.computed.as_ref().filter(|computed| computed.shape() == Shape::Log)
    }

    /// The order in which a query compares: as it asks, or as the collection or view has it. That
    /// of a view is not for queries to choose.
    pub fn order(&self, asked: Option<ValueOrder>) -> Result<ValueOrder> {
        // The lowest view comes first, the one that was asked for last.
        let Some(view) = self.views.last() else {
            let own = || self.collection.as_ref().map(|collection| collection.order());
            return Ok(asked.or_else(own).unwrap_or_default());
        };
        let own = view.order();
        match asked {
            Some(asked) if asked != own => Err(CommandError::new(
                Code::OptionNotSupportedOnView,
                format!("Cannot override default collation of view {}", view.namespace),
            )),
            _ => Ok(own),
        }
    }

    /// Appends the stages of all views to a pipeline.
    pub fn append_stages(&self, pipeline: &mut ArrayBuilder) {
        for view in &self.views {
            let stages = view.option("pipeline").and_then(RawValue::as_array);
            for stage in stages.unwrap_or(RawDoc::EMPTY) {
                pipeline.push(stage.value());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Rig, first_batch};
    use quire_bson::{Document, doc};

    /// A collection of four, a view of those with `a` above one, and a view over the view.
    fn rig() -> Rig {
        let rig = Rig::new();
        let documents: Vec<Document> = (0..4).map(|n| doc! {"_id": n, "a": n, "b": -n}).collect();
        rig.ok("db", doc! {"insert": "c", "documents": documents});
        let above = [doc! {"$match": {"a": {"$gt": 1}}}];
        rig.ok("db", doc! {"create": "v", "viewOn": "c", "pipeline": above.to_vec()});
        let short = [doc! {"$project": {"a": 1}}];
        rig.ok("db", doc! {"create": "w", "viewOn": "v", "pipeline": short.to_vec()});
        rig
    }

    #[test]
    fn every_reading_command_reads_views_over_views() {
        let rig = rig();
        let found = rig.ok("db", doc! {"find": "w", "sort": {"a": -1}, "projection": {"_id": 0}});
        assert_eq!(first_batch(&found), [doc! {"a": 3}, doc! {"a": 2}]);
        assert_eq!(found.get_document("cursor").unwrap().get_str("ns").unwrap(), "db.w");
        let by_id = rig.ok("db", doc! {"find": "w", "filter": {"_id": 1}});
        assert!(first_batch(&by_id).is_empty());
        let pipeline = [doc! {"$count": "n"}];
        let command = doc! {"aggregate": "w", "pipeline": pipeline.to_vec(), "cursor": {}};
        assert_eq!(first_batch(&rig.ok("db", command)), [doc! {"n": 2}]);
        assert_eq!(rig.ok("db", doc! {"count": "v"}), doc! {"n": 2, "ok": 1.0});
        let distinct = rig.ok("db", doc! {"distinct": "v", "key": "b"});
        assert_eq!(distinct, doc! {"values": [-2, -3], "ok": 1.0});
    }

    #[test]
    fn a_cursor_over_a_view_goes_on_under_the_view_s_name() {
        let rig = rig();
        let reply = rig.ok("db", doc! {"find": "v", "batchSize": 1});
        let id = reply.get_document("cursor").unwrap().get_i64("id").unwrap();
        assert_eq!(rig.refused("db", doc! {"getMore": id, "collection": "c"}).0, 13);
        rig.ok("db", doc! {"getMore": id, "collection": "v"});
    }

    #[test]
    fn what_has_no_meaning_on_a_view_is_refused() {
        let rig = rig();
        let tailing = doc! {"find": "v", "tailable": true};
        assert_eq!(rig.refused("db", tailing).0, 168);
        assert_eq!(rig.refused("db", doc! {"find": "v", "sort": {"$natural": 1}}).0, 168);
    }

    #[test]
    fn a_tower_of_views_has_an_end() {
        let rig = rig();
        let mut below = "c".to_owned();
        for n in 0..21 {
            let name = format!("t{n}");
            let created = rig.run("db", doc! {"create": &name, "viewOn": &below, "pipeline": []});
            if created.get("code").is_some() {
                assert_eq!(created.get_i32("code").unwrap(), 165);
                assert!(n >= 20, "{n} views were too many");
                return;
            }
            below = name;
        }
        assert_eq!(rig.refused("db", doc! {"find": below}).0, 165);
    }
}
