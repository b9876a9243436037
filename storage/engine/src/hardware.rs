//! Whether this machine has the instructions that RocksDB was compiled to use.
//!
//! Every log record and manifest entry carries a CRC-32C. RocksDB chooses its way to compute it when
//! it is compiled: with SSE4.2 and carry-less multiplication it is twenty times faster, and on a
//! machine that lacks them the process would die of an illegal instruction.

use crate::{EngineError, Result};

/// True when RocksDB computes checksums with the processor's own instructions.
pub fn crc_is_accelerated() -> bool {
    compiled_for_hardware() && machine_has_instructions()
}

/// Refuses a machine on which the first checksum would kill the process.
pub(crate) fn check() -> Result<()> {
    if compiled_for_hardware() && !machine_has_instructions() {
        return Err(EngineError::Io(
            "this build needs a processor with SSE4.2 and PCLMULQDQ; \
             build with QUIRE_PORTABLE=1 for one without them"
                .into(),
        ));
    }
    Ok(())
}

fn compiled_for_hardware() -> bool {
    cfg!(rocks_hardware_crc)
}

#[cfg(target_arch = "x86_64")]
fn machine_has_instructions() -> bool {
    std::arch::is_x86_feature_detected!("sse4.2")
        && std::arch::is_x86_feature_detected!("pclmulqdq")
}

#[cfg(not(target_arch = "x86_64"))]
fn machine_has_instructions() -> bool {
    false
}
