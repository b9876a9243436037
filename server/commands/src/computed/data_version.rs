//! `admin.system.version`: which version's data the server may write.

use super::Computed;
use crate::persona::Persona;
use crate::server::Context;
use quire_bson::{DocBuf, doc};
use quire_documents::ReadView;
use quire_errors::Result;
use quire_execution::Maker;

pub fn open(context: &Context<'_>) -> Option<Computed> {
    let persona = context.server.facts.persona;
    Some(Computed::from_makers(move || DataVersion { persona, is_read: false }))
}

struct DataVersion {
    persona: Persona,
    is_read: bool,
}

impl Maker for DataVersion {
    fn more(&mut self, _view: &ReadView) -> Result<Vec<DocBuf>> {
        if std::mem::replace(&mut self.is_read, true) {
            return Ok(Vec::new());
        }
        let version = self.persona.feature_compatibility_version();
        Ok(vec![DocBuf::from(&doc! { "_id": "featureCompatibilityVersion", "version": version })])
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Rig, first_batch};
    use quire_bson::doc;

    #[test]
    fn the_version_of_the_data_is_read_like_a_collection() {
        let rig = Rig::new();
        let version = doc! {"_id": "featureCompatibilityVersion", "version": "8.0"};
        assert_eq!(first_batch(&rig.ok("admin", doc! {"find": "system.version"})), [version]);
        let insert = doc! {"insert": "system.version", "documents": [{}]};
        assert_eq!(rig.refused("admin", insert).0, 73);
    }
}
