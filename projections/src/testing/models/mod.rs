//! The read models of the service's own projections, in maps.

mod active_keys;
mod claim_history;
mod device_list;
mod ownership;

pub use active_keys::InMemoryActiveKeys;
pub use claim_history::InMemoryClaimHistory;
pub use device_list::InMemoryDeviceList;
pub use ownership::InMemoryOwnership;
