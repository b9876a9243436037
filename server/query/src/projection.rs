//! Projections: which fields of a document a reply shows.
