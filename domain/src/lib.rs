//! The rules of device claiming, and nothing else.
//!
//! A [`device::Device`] is the fold of its events. [`device::decide`] answers a command with new events or a
//! [`device::Refusal`]; [`device::Device::evolve`] applies an event. Both are plain functions: the time, the digest of a
//! presented key and the policy come in with the command, so that the same inputs give the same answer for ever.
//!
//! | module | what it holds |
//! |---|---|
//! | [`device`] | the aggregate: commands, events, refusals, state, `decide`, `evolve` |
//! | [`claim_key`] | the secret a customer presents: keys that cannot be printed, digests, made keys, the key policy |
//! | [`credentials`] | what devices authenticate with: checks, and the ids under which they are found |
//! | [`mqtt_login`] | what an MQTT client connects with, and whose credentials that fits |
//! | [`client_certificate`] | what a client presents over TLS, and whose credentials that is |
//! | [`codec`] | how events become bytes and are read back, old versions included |
//! | [`import`] | devices from a file: what each of its lines asks for |
//! | [`texts`] | what names and labels may look like |
//! | [`claims`] | the use cases that transports and the REST API call |
//! | [`gateways`] | the use cases of gateways, for the devices behind them |
//! | [`people`] | the use cases around users: who may do what to whom, activation, forgotten passwords |
//! | [`provisioning`] | devices that add themselves |
//! | [`deletions`] | how customers and tenants go, with their devices |
//! | [`ports`] | what the outside has to provide: event store, feed, registry, secrets, time |
//! | [`metadata`] | who did something, over what, and in which request |
//! | [`attributes`] | attributes as they are written |
//! | [`rate_limit`] | how much a caller may send |
//! | [`ids`], [`time`] | newtypes for every value that crosses a boundary |
//!
//! To add an event: give it a variant in [`device::DeviceEvent`], its frozen name and version in [`codec`], a golden
//! file under `domain/tests/golden/`, and let the compiler lead you to every reader (`docs/development.md`).

#![forbid(unsafe_code)]

pub mod attributes;
mod certificate;
pub mod claim_key;
pub mod claims;
pub mod client_certificate;
pub mod codec;
pub mod credentials;
pub mod deletions;
pub mod device;
pub mod gateways;
pub mod ids;
pub mod import;
pub mod metadata;
pub mod mqtt_login;
pub mod people;
pub mod ports;
pub mod provisioning;
pub mod rate_limit;
pub mod texts;
pub mod time;
mod together;
