//! The files of the service's certificate and key, followed while it runs: certificates are renewed every few weeks.

use std::{fs, io, path::PathBuf, sync::Arc, time::Duration};

use deed_transports::tls::{Tls, TlsError};
use tokio_util::sync::CancellationToken;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(60);

/// Where they are, and what they held.
#[derive(Clone)]
pub(crate) struct TlsFiles {
    certificate: PathBuf,
    key: PathBuf,
    read: Arc<(Vec<u8>, Vec<u8>)>,
    tls: Arc<Tls>,
}

/// Why they cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsFilesError {
    /// One cannot be read.
    #[error("{setting}: {}: {why}", path.display())]
    Unreadable {
        /// The setting that names it.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// What they hold is of no use.
    #[error("{setting}: {}: {why}", path.display())]
    Useless {
        /// The setting that names the file.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        why: TlsError,
    },
}

const CERTIFICATE: &str = "transport.mqtt.ssl.credentials.pem.cert_file";
const KEY: &str = "transport.mqtt.ssl.credentials.pem.key_file";

impl TlsFiles {
    /// Reads them.
    ///
    /// # Errors
    /// [`TlsFilesError`].
    pub(crate) fn open(certificate: PathBuf, key: PathBuf) -> Result<Self, TlsFilesError> {
        let read = (read(CERTIFICATE, &certificate)?, read(KEY, &key)?);
        match Tls::new(&read.0, &read.1) {
            Ok(tls) => Ok(Self { certificate, key, read: Arc::new(read), tls: Arc::new(tls) }),
            Err(why) => Err(useless(&certificate, &key, why)),
        }
    }

    /// What accepts connections by what they hold.
    pub(crate) const fn tls(&self) -> &Arc<Tls> {
        &self.tls
    }

    /// Looks at them every minute until the service stops.
    pub(crate) async fn follow(mut self, stopping: CancellationToken) {
        while stopping.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
            match self.look() {
                Ok(false) => {}
                Ok(true) => tracing::info!("the certificate was renewed"),
                Err(error) => tracing::warn!(%error, "the certificate stays the old one"),
            }
        }
    }

    /// Takes what they hold now, if it has changed.
    fn look(&mut self) -> Result<bool, TlsFilesError> {
        let now = (read(CERTIFICATE, &self.certificate)?, read(KEY, &self.key)?);
        if now == *self.read {
            return Ok(false);
        }
        self.tls.renew(&now.0, &now.1).map_err(|why| useless(&self.certificate, &self.key, why))?;
        self.read = Arc::new(now);
        Ok(true)
    }
}

fn read(setting: &'static str, path: &PathBuf) -> Result<Vec<u8>, TlsFilesError> {
    fs::read(path).map_err(|why| TlsFilesError::Unreadable { setting, path: path.clone(), why })
}

fn useless(certificate: &PathBuf, key: &PathBuf, why: TlsError) -> TlsFilesError {
    let (setting, path) = match why {
        TlsError::Certificates(_) => (CERTIFICATE, certificate),
        TlsError::Key(_) | TlsError::Together(_) => (KEY, key),
    };
    TlsFilesError::Useless { setting, path: path.clone(), why }
}
