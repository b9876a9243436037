//! How much memory a piece of code takes.
//!
//! Owns the counting allocator of the fuzz targets. It counts the whole process, which is meant: a
//! target runs on one thread.

use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Runs `work` and tells by how many bytes the heap was higher at its highest than before.
pub(crate) fn peak_growth<T>(work: impl FnOnce() -> T) -> (T, usize) {
    ALLOCATOR.reset_peak_usage();
    let before = ALLOCATOR.current_usage();
    let result = work();
    (result, ALLOCATOR.peak_usage().saturating_sub(before))
}
