//! The sections, one file each.

mod bridge;
mod claim;
mod coap;
mod jwt;
mod labels;
mod limits;
mod log;
mod mail;
mod mqtt;
mod peppers;
mod server;
mod sign_in;
mod storage;
mod transport;

pub(crate) use bridge::BridgeSettings;
pub(crate) use claim::{ClaimSettings, ReclaimBody};
pub(crate) use coap::CoapSettings;
pub(crate) use jwt::JwtSettings;
pub(crate) use labels::LabelSettings;
pub(crate) use limits::LimitSettings;
pub(crate) use log::{LogFormat, LogSettings};
pub(crate) use mail::MailSettings;
pub(crate) use mqtt::MqttSettings;
pub(crate) use peppers::{NamedPepper, PepperSettings};
pub(crate) use server::{ServerSettings, base_url};
pub(crate) use sign_in::SignInSettings;
pub(crate) use storage::{DATABASE_FILE, DatabaseUrl, ServerUrl, StorageSettings};
pub(crate) use transport::TransportSettings;
