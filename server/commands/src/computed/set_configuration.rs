//! `local.system.replset`: the configuration of the set.

use super::Computed;
use crate::server::Context;
use quire_bson::DocBuf;
use quire_documents::ReadView;
use quire_errors::Result;
use quire_execution::Maker;
use quire_replset::config::NewlyAdded;

pub fn open(context: &Context<'_>) -> Option<Computed> {
    let set = context.server.replica_set.as_ref()?;
    let detail = set.standing().detail;
    let config = detail.map(|detail| detail.config.to_document(NewlyAdded::Hidden));
    let config = config.as_ref().map(DocBuf::from);
    Some(Computed::from_makers(move || Configuration(config.clone())))
}

/// The configuration, until it was read; a member may have none.
struct Configuration(Option<DocBuf>);

impl Maker for Configuration {
    fn more(&mut self, _view: &ReadView) -> Result<Vec<DocBuf>> {
        Ok(self.0.take().into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Rig, first_batch};
    use quire_bson::doc;

    #[test]
    fn the_configuration_of_a_set_is_read_like_a_collection() {
        let rig = Rig::primary();
        let found = rig.ok("local", doc! {"find": "system.replset", "filter": {"_id": "rs"}});
        assert_eq!(first_batch(&found)[0].get_i32("version").unwrap(), 1);
        let pipeline = vec![doc! {"$unwind": "$members"}, doc! {"$count": "n"}];
        let command = doc! {"aggregate": "system.replset", "pipeline": pipeline, "cursor": {}};
        assert_eq!(first_batch(&rig.ok("local", command)), [doc! {"n": 1}]);
        let count = rig.ok("local", doc! {"count": "system.replset"});
        assert_eq!(count.get_i32("n").unwrap(), 1);
        let insert = doc! {"insert": "system.replset", "documents": [{}]};
        assert_eq!(rig.refused("local", insert).0, 73);
        let alone = Rig::new().ok("local", doc! {"find": "system.replset"});
        assert!(first_batch(&alone).is_empty());
    }
}
