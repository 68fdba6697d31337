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

#[cfg(test)]
#[expect(dead_code, reason = "each test program uses a part of it")]
#[path = "../tests/clients/certificates.rs"]
mod certificates;

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use tokio::net::TcpListener;

    use super::*;

    /// Whom a new connection meets.
    async fn subject(address: &str) -> String {
        let mut client = Command::new("openssl");
        client.args(["s_client", "-connect", address]).stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || client.output().unwrap()).await.unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        told.lines().find(|line| line.starts_with("subject=")).map(str::to_owned).unwrap_or(told)
    }

    #[tokio::test]
    async fn a_renewed_certificate_counts_for_new_connections_and_a_broken_one_does_not() {
        let made = super::certificates::Certificates::make();
        let directory = tempfile::tempdir().unwrap();
        let (certificate, key) = (directory.path().join("c.pem"), directory.path().join("k.pem"));
        let put = |name: &str| {
            fs::copy(format!("{}/{name}.pem", made.path()), &certificate).unwrap();
            fs::copy(format!("{}/{name}.key", made.path()), &key).unwrap();
        };
        put("server");
        let mut files = TlsFiles::open(certificate.clone(), key.clone()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let tls = Arc::clone(files.tls());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                drop(tls.accept(stream).await);
            }
        });
        assert!(subject(&address).await.ends_with("server"));
        assert!(!files.look().unwrap(), "nothing has changed");
        put("unknown");
        assert!(subject(&address).await.ends_with("server"), "it is not looked at for each connection");
        assert!(files.look().unwrap());
        assert!(subject(&address).await.ends_with("unknown"));
        fs::write(&key, "half a k").unwrap();
        let told = files.look().unwrap_err().to_string();
        assert!(told.starts_with(KEY) && !told.contains("half a k"), "{told}");
        assert!(subject(&address).await.ends_with("unknown"), "the old one stays");
    }
}
