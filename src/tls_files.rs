//! The files of a certificate of the service and its key, followed while it runs: certificates are renewed every few weeks.

use std::{fs, io, path::PathBuf, sync::Arc, time::Duration};

use deed_transports::tls::{Renewable, TlsError};
use tokio_util::sync::CancellationToken;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(60);

/// The settings that name the files.
#[derive(Clone, Copy)]
pub(crate) struct Names {
    certificate: &'static str,
    key: &'static str,
}

/// Those of MQTT over TLS.
pub(crate) const MQTT: Names = Names {
    certificate: "transport.mqtt.ssl.credentials.pem.cert_file",
    key: "transport.mqtt.ssl.credentials.pem.key_file",
};

/// Those of CoAP over DTLS.
pub(crate) const COAP: Names =
    Names { certificate: "coap.dtls.credentials.pem.cert_file", key: "coap.dtls.credentials.pem.key_file" };

/// Where they are, what they held, and what uses it.
pub(crate) struct TlsFiles<T> {
    names: Names,
    certificate: PathBuf,
    key: PathBuf,
    read: (Vec<u8>, Vec<u8>),
    tls: Arc<T>,
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

impl<T: Renewable> TlsFiles<T> {
    /// Reads them.
    ///
    /// # Errors
    /// [`TlsFilesError`].
    pub(crate) fn open(names: Names, certificate: PathBuf, key: PathBuf) -> Result<Self, TlsFilesError> {
        let read = (read(names.certificate, &certificate)?, read(names.key, &key)?);
        match T::new(&read.0, &read.1) {
            Ok(tls) => Ok(Self { names, certificate, key, read, tls: Arc::new(tls) }),
            Err(why) => Err(useless(names, &certificate, &key, why)),
        }
    }

    /// What uses what they hold.
    pub(crate) const fn tls(&self) -> &Arc<T> {
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
        let now = (read(self.names.certificate, &self.certificate)?, read(self.names.key, &self.key)?);
        if now == self.read {
            return Ok(false);
        }
        let renewed = self.tls.renew(&now.0, &now.1);
        renewed.map_err(|why| useless(self.names, &self.certificate, &self.key, why))?;
        self.read = now;
        Ok(true)
    }
}

fn read(setting: &'static str, path: &PathBuf) -> Result<Vec<u8>, TlsFilesError> {
    fs::read(path).map_err(|why| TlsFilesError::Unreadable { setting, path: path.clone(), why })
}

fn useless(names: Names, certificate: &PathBuf, key: &PathBuf, why: TlsError) -> TlsFilesError {
    let (setting, path) = match why {
        TlsError::Certificates(_) => (names.certificate, certificate),
        TlsError::Key(_) | TlsError::Together(_) => (names.key, key),
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

    use deed_transports::tls::Tls;
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
        let mut files = TlsFiles::<Tls>::open(MQTT, certificate.clone(), key.clone()).unwrap();
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
        assert!(told.starts_with(MQTT.key) && !told.contains("half a k"), "{told}");
        assert!(subject(&address).await.ends_with("unknown"), "the old one stays");
    }
}
