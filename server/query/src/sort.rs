//! Sort patterns and sort keys.
