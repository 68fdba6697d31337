//! Labels, read back by programs that had no part in making them: zbar, poppler, Chromium, a printer's simulation.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "../browser/mod.rs"]
#[expect(dead_code, reason = "each test program uses a part of it")]
mod browser;
mod command;
#[path = "../deed/mod.rs"]
#[expect(dead_code, reason = "each test program uses a part of it")]
mod deed;
mod endpoint;
mod many;
mod reader;
