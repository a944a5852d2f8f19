#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| maloca_tests::targets::reconciliation(bytes));
