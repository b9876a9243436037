//! Tells the crate which instructions RocksDB was compiled to use.
//!
//! RocksDB takes its C++ flags from the environment; whoever starts the daemon on another machine
//! must learn that it lacks an instruction from us and not from a signal.

const FLAGS: &[&str] = &[
    "CXXFLAGS",
    "CXXFLAGS_x86_64_unknown_linux_gnu",
    "CXXFLAGS_x86_64-unknown-linux-gnu",
    "CARGO_ENCODED_RUSTFLAGS",
];

fn main() {
    println!("cargo::rustc-check-cfg=cfg(rocks_hardware_crc)");
    println!("cargo::rerun-if-changed=build.rs");
    for name in FLAGS {
        println!("cargo::rerun-if-env-changed={name}");
    }
    let given: String = FLAGS.iter().filter_map(|name| std::env::var(name).ok()).collect();
    let x86 = std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "x86_64");
    let asked = given.contains("-msse4.2") && given.contains("-mpclmul");
    let features = std::env::var("CARGO_CFG_TARGET_FEATURE").unwrap_or_default();
    let baseline = features.contains("sse4.2") && features.contains("pclmulqdq");
    if x86 && (asked || baseline) {
        println!("cargo::rustc-cfg=rocks_hardware_crc");
    }
}
