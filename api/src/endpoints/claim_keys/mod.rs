//! A device's claim keys, for administrators (`docs/protocol.md`, native endpoints).

pub(crate) mod add;
pub(crate) mod list;
pub(crate) mod revoke;
