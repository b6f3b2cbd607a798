//! libFuzzer on [`exporter_kit_fuzz::structural_gzip`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| exporter_kit_fuzz::structural_gzip(data));
