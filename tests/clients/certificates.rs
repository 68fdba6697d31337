//! Certificates for a test: the service's own, and those of devices.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use tempfile::TempDir;

pub(crate) struct Certificates(TempDir);

impl Certificates {
    /// `server`, for this machine; `device` and `unknown`, of different kinds; `expired`, and of version 1. Each with its
    /// key beside it.
    pub(crate) fn make() -> Self {
        let made = Self(TempDir::new().unwrap());
        // No authority's: who trusts it, trusts it alone.
        let server =
            ["-days", "2", "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"];
        made.one("server", "rsa:2048", &server);
        let elliptic = "ec -pkeyopt ec_paramgen_curve:P-256";
        made.one("device", elliptic, &["-days", "2"]);
        made.one("unknown", "rsa:2048", &["-days", "2"]);
        made.expired("expired");
        made
    }

    pub(crate) fn path(&self) -> &str {
        self.0.path().to_str().unwrap()
    }

    /// What the service needs to know of them.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let file = |name: &str| self.0.path().join(name).display().to_string();
        vec![
            ("MQTT_SSL_ENABLED", "true".to_owned()),
            ("MQTT_SSL_BIND_PORT", "0".to_owned()),
            ("MQTT_SSL_PEM_CERT", file("server.pem")),
            ("MQTT_SSL_PEM_KEY", file("server.key")),
        ]
    }

    fn one(&self, name: &str, kind: &str, more: &[&str]) {
        let mut openssl = self.openssl();
        openssl.args(["req", "-x509", "-nodes", "-newkey"]).args(kind.split(' ')).args(more);
        openssl.args(["-subj", &format!("/CN={name}"), "-keyout", &format!("{name}.key"), "-out"]);
        assert!(openssl.arg(format!("{name}.pem")).status().unwrap().success());
    }

    /// Only an authority's command makes one whose time is over.
    fn expired(&self, name: &str) {
        let write = |file: &str, text: &str| fs::write(self.0.path().join(file), text).unwrap();
        write("index", "");
        write(
            "ca.conf",
            "[ca]\ndefault_ca=own\n[own]\ndatabase=index\nnew_certs_dir=.\ndefault_md=sha256\npolicy=any\nrand_serial=yes\n\
             [any]\ncommonName=supplied\n",
        );
        let mut request = self.openssl();
        request.args(["req", "-new", "-nodes", "-newkey", "rsa:2048", "-subj", &format!("/CN={name}")]);
        request.args(["-keyout", &format!("{name}.key"), "-out", "request.pem"]);
        assert!(request.status().unwrap().success());
        let mut sign = self.openssl();
        sign.args(["ca", "-batch", "-selfsign", "-notext", "-config", "ca.conf", "-in", "request.pem"]);
        sign.args(["-keyfile", &format!("{name}.key"), "-startdate", "20200101000000Z", "-enddate", "20210101000000Z"]);
        assert!(sign.args(["-out", &format!("{name}.pem")]).status().unwrap().success());
    }

    fn openssl(&self) -> Command {
        let mut openssl = Command::new("openssl");
        openssl.current_dir::<&Path>(self.0.path().as_ref()).stdout(Stdio::null()).stderr(Stdio::null());
        openssl
    }
}
