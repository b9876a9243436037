//! Choosing how to find the documents of a filter: a pure function of filter, sort and indexes.
