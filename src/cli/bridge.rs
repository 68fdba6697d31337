//! What the configuration says of a broker, made ready for the bridge.

use std::{fs, path::PathBuf};

use deed_adapters::Store;
use deed_domain::ids::TenantId;
use deed_transports::{
    bridge::BridgeSettings,
    tls::{self, TlsError},
};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{CliError, tenant};
use crate::{config::Config, tls_files::TlsFilesError};

/// The broker, if one is configured, and the tenant is there whose devices send to it.
///
/// # Errors
/// [`CliError`] if a file cannot be used, or it is not clear whose devices are meant.
pub(super) async fn settings(config: &Config, store: &dyn Store) -> Result<Option<BridgeSettings>, CliError> {
    let bridge = &config.bridge;
    let (Some(url), Some(topic)) = (&bridge.url, &bridge.topic) else { return Ok(None) };
    let tenant_id = match bridge.knows_names() {
        true => match tenant::find(store, bridge.tenant.as_deref(), "bridge.tenant").await {
            // Somebody has to be able to add it.
            Err(CliError::NotFound(why)) => {
                tracing::warn!(%why, "the bridge to the broker waits for the next start: bridge.tenant");
                return Ok(None);
            }
            found => found?,
        },
        // A token is one device's over all tenants.
        false => TenantId(Uuid::nil()),
    };
    let tls = if url.is_tls {
        let authorities = bridge.authorities.as_ref().map(|path| read("bridge.caFile", path)).transpose()?;
        let certificate = bridge.certificate.as_ref().map(|path| read("bridge.certificateFile", path)).transpose()?;
        let key = bridge.key.as_ref().map(|path| read("bridge.keyFile", path)).transpose()?;
        let own = certificate.as_deref().map(Vec::as_slice).zip(key.as_deref().map(Vec::as_slice));
        let made = tls::client(authorities.as_deref().map(Vec::as_slice), own);
        Some(made.map_err(|why| useless(bridge, why))?)
    } else {
        None
    };
    let text = |secret: &[u8]| Zeroizing::new(String::from_utf8_lossy(secret).into_owned());
    let password = bridge.password.as_ref().map(|secret| text(secret.expose()));
    Ok(Some(BridgeSettings {
        host: url.host.clone(),
        port: url.port,
        tls,
        client_id: bridge.client_id.clone(),
        credentials: bridge.username.clone().zip(password),
        topic: topic.clone(),
        reply: bridge.reply_topic.clone(),
        tenant_id,
    }))
}

fn read(setting: &'static str, path: &PathBuf) -> Result<Zeroizing<Vec<u8>>, TlsFilesError> {
    let read = fs::read(path).map(Zeroizing::new);
    read.map_err(|why| TlsFilesError::Unreadable { setting, path: path.clone(), why })
}

fn useless(bridge: &crate::config::BridgeSettings, why: TlsError) -> TlsFilesError {
    let path = |path: &Option<PathBuf>| path.clone().unwrap_or_default();
    let (setting, path) = match why {
        TlsError::Key(_) | TlsError::Together(_) => ("bridge.keyFile", path(&bridge.key)),
        TlsError::Certificates(_) if bridge.certificate.is_some() => {
            ("bridge.certificateFile", path(&bridge.certificate))
        }
        TlsError::Certificates(_) => ("bridge.caFile", path(&bridge.authorities)),
    };
    TlsFilesError::Useless { setting, path, why }
}
