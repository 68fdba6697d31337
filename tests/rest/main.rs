//! The REST API around the claim, over real HTTP against the real binary (`docs/protocol.md`), a file for each part.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod attributes;
mod credentials;
mod devices;

#[path = "../deed/mod.rs"]
mod deed;

mod audit;
mod audit_log;
mod claim_keys;
mod claiming_list;
mod customers;
mod feed;
mod import;
mod logins;
mod mail;
mod profiles;
mod public_devices;
#[expect(dead_code, reason = "each test program uses a part of it")]
#[path = "../python/mod.rs"]
mod python;
mod rate_limits;
mod tenants;
mod users;
