//! Checks of the house itself: who imports whom, where heavy dependencies live, how files look, and
//! that what is documented is what is there.
//!
//! Reads the sources and `cargo metadata`; builds nothing but itself.

mod documents;
mod imports;
mod sources;

use std::path::{Path, PathBuf};

/// The root of the repository.
fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().expect("tests/ lies in the repository").to_path_buf()
}
