//! Somebody else's program: it opens the log of a `deed` on PostgreSQL with cqrs-es and postgres-es, and builds a read model that
//! `deed` does not have.
//!
//! | module | what it holds |
//! |---|---|
//! | [`outcomes`] | the read model: what became of the claim keys of each device type |
//! | [`log`] | the log: one device through postgres-es, all devices in order through sqlx |

pub mod log;
pub mod outcomes;
