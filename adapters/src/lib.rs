//! The ports of `deed-domain` and the queries of `deed-projections`, implemented per technology.
//!
//! | module | what it holds |
//! |---|---|
//! | [`sqlite`] | event store, feed, read models and registry in one SQLite file: the embedded default |
//! | [`postgres`] | the same on PostgreSQL, for several nodes |
//! | [`copy`] | an installation moved from the one to the other |
//! | [`secrets`] | key digests, password hashes, signed tokens |
//! | [`mail`] | letters to people, by SMTP |
//! | [`rate_limits`] | who has sent enough |
//! | [`surroundings`] | the system's clock and randomness |
//! | `memory` (feature `testing`) | all of it in memory, simple and obviously right |
//! | `conformance` (feature `testing`) | what every event store has to pass, as functions over a factory |
//!
//! An adapter decides nothing. It calls the decide function of an append and writes what comes out.

#![forbid(unsafe_code)]

mod check;
#[cfg(feature = "testing")]
pub mod conformance;
pub mod copy;
mod folded;
pub mod mail;
#[cfg(feature = "testing")]
pub mod memory;
mod notices;
pub mod postgres;
pub mod rate_limits;
mod registry_text;
pub mod secrets;
pub mod sqlite;
mod step_words;
mod store;
pub mod surroundings;
mod watchers;

pub use store::{CheckReport, OddPepper, Ports, Progress, READ_MODELS, RebuildError, Store};
