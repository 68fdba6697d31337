#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let _ = deed_fuzz_entries::labels_request(input);
});
