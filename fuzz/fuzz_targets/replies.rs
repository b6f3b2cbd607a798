//! libFuzzer on [`exporter_kit_fuzz::replies`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| exporter_kit_fuzz::replies(data));
