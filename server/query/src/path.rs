//! Dotted field paths over raw documents.
