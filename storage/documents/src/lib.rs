//! quire-documents
