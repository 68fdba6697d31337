//! The service's projections over recorded histories, and the reader of exported logs.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod export;
mod snapshots;
mod story;
