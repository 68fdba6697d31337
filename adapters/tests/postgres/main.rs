//! The store on PostgreSQL beyond what every store does (the conformance suite): several nodes and programs of two versions on one
//! database, what befalls the way to it, and TLS.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod nodes;
mod opening;
mod sharing;
#[cfg(unix)]
mod tls;
mod upgrade;
mod world;
