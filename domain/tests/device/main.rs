//! The rules of the device aggregate, rule by rule, and the laws that hold whatever is asked of it.

mod given;
mod life;
mod people;

mod claiming;
mod cqrs;
mod decoding;
mod expiry;
mod guessing;
mod issuing;
mod laws;
mod ownership;
mod refusal_limits;
mod registry;
