//! What is stored can be trusted, on each store; and a copy of it is as good.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod copying;
mod postgres;
mod sqlite;
mod world;
