//! libFuzzer on [`exporter_kit_fuzz::large`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| exporter_kit_fuzz::large(data));
