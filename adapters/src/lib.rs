//! The ports of `deed-domain` and the queries of `deed-projections`, implemented per technology.
//!
//! | module | what it holds |
//! |---|---|
//! | [`sqlite`] | event store, feed, read models and registry in one SQLite file: the embedded default |
//! | [`secrets`] | key digests, password hashes, signed tokens |
//! | [`mail`] | letters to people, by SMTP |
//! | [`rate_limits`] | who has sent enough |
//! | [`surroundings`] | the system's clock and randomness |
//! | `memory` (feature `testing`) | all of it in memory, simple and obviously right |
//! | `conformance` (feature `testing`) | what every event store has to pass, as functions over a factory |
//!
//! An adapter decides nothing. It calls the decide function of an append and writes what comes out.

#![forbid(unsafe_code)]

#[cfg(feature = "testing")]
pub mod conformance;
pub mod mail;
#[cfg(feature = "testing")]
pub mod memory;
pub mod rate_limits;
pub mod secrets;
pub mod sqlite;
pub mod surroundings;
mod watchers;
