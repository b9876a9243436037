//! Any bytes as what a client sends.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| quire_fuzz::frame::check(input));
