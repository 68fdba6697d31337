//! What holds for the whole of the running binary, over real HTTP.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[expect(dead_code, reason = "each test program uses a part of it")]
#[path = "../deed/mod.rs"]
mod deed;
mod secrets;
