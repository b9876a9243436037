//! A stage that is no stage: where documents come from (`$collStats`, `$documents`, `$changeStream`,
//! ...), or where they go (`$out`, `$merge`).

use quire_bson::{DocBuf, DocBuilder, RawValue};

/// Which source a pipeline reads or which sink it fills, and with which options.
#[derive(Clone, Debug)]
pub struct Endpoint {
    name: &'static str,
    spec: DocBuf,
}

impl Endpoint {
    pub(super) fn new(name: &'static str, spec: RawValue<'_>) -> Endpoint {
        let mut builder = DocBuilder::new();
        builder.append(name, spec);
        Endpoint { name, spec: builder.finish() }
    }

    /// The name with its dollar.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The stage as explain shows it: `{$collStats: {…}}`.
    pub fn to_bson(&self) -> &DocBuf {
        &self.spec
    }

    /// What the client gave as the stage's value.
    pub fn options(&self) -> RawValue<'_> {
        self.spec.as_raw().nth(0).map_or(RawValue::Null, |element| element.value())
    }
}
