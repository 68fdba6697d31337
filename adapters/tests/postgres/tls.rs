//! TLS to a PostgreSQL server: what `sslmode` and `sslrootcert` say is done, with a server that has a certificate of an authority
//! of the test's own.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::PathBuf,
    process::Command,
};

use deed_adapters::{
    Store,
    conformance::PostgresServer,
    postgres::{OpenError, PostgresOptions, PostgresStore},
};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

struct Place {
    directory: TempDir,
    server: PostgresServer,
    admin: Client,
}

impl Place {
    /// A server that speaks no TLS yet, and the certificates.
    async fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let certificate = |name: &str, more: &[&str]| {
            let mut command = Command::new("openssl");
            command.current_dir(directory.path()).args(["req", "-x509", "-newkey", "ec", "-pkeyopt"]);
            command.args(["ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", &format!("/CN={name}")]);
            command.args(["-keyout", &format!("{name}.key"), "-out", &format!("{name}.pem")]).args(more);
            let made = command.output().unwrap();
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        };
        certificate("authority", &[]);
        certificate("stranger", &[]);
        let signed =
            ["-CA", "authority.pem", "-CAkey", "authority.key", "-addext", "basicConstraints=critical,CA:FALSE"];
        certificate("server", &[&signed[..], &["-addext", "subjectAltName=DNS:db.example.org"]].concat());
        certificate("deed", &signed);
        let server = PostgresServer::start();
        server.ready().await;
        let (admin, connection) = tokio_postgres::connect(&server.url("postgres"), NoTls).await.unwrap();
        tokio::spawn(connection);
        Self { directory, server, admin }
    }

    /// Gives the server its certificate; `access` is its pg_hba.conf from here on.
    async fn encrypt(&self, access: &str) {
        let data: String = self.admin.query_one("SHOW data_directory", &[]).await.unwrap().get(0);
        let (data, owner) = (PathBuf::from(&data), fs::metadata(&data).unwrap());
        for name in ["server.pem", "server.key", "authority.pem"] {
            let copy = data.join(name);
            fs::copy(self.file(name), &copy).unwrap();
            fs::set_permissions(&copy, fs::Permissions::from_mode(0o600)).unwrap();
            chown(&copy, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
        fs::write(data.join("pg_hba.conf"), access).unwrap();
        for setting in
            ["ssl_cert_file = 'server.pem'", "ssl_key_file = 'server.key'", "ssl_ca_file = 'authority.pem'", "ssl = on"]
        {
            self.admin.execute(&format!("ALTER SYSTEM SET {setting}"), &[]).await.unwrap();
        }
        self.admin.execute("SELECT pg_reload_conf()", &[]).await.unwrap();
        for _ in 0..100 {
            let (client, connection) = tokio_postgres::connect(&self.server.url("postgres"), NoTls).await.unwrap();
            let connection = tokio::spawn(connection);
            if client.query_one("SHOW ssl", &[]).await.unwrap().get::<_, &str>(0) == "on" {
                return;
            }
            connection.abort();
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("the server does not take its certificate: {}", self.server.log());
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Opens a database by the server's name, or by its address alone.
    async fn open(&self, host: &str, parameters: &str) -> Result<PostgresStore, OpenError> {
        let port = self.server.port();
        let parameters = parameters.replace("@/", &format!("{}/", self.directory.path().display()));
        let url = format!("postgres://deed@{host}:{port}/postgres?hostaddr=127.0.0.1{parameters}");
        PostgresStore::open(PostgresOptions::new(url, 2), None).await
    }

    /// Whether every connection of the store is encrypted; the store is closed then.
    async fn is_encrypted(&self, store: PostgresStore) -> bool {
        store.odd_peppers(Vec::new()).await.unwrap();
        let sql = "SELECT bool_and(ssl), count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
             WHERE application_name = 'deed'";
        let row = self.admin.query_one(sql, &[]).await.unwrap();
        assert!(row.get::<_, i64>(1) > 0);
        store.close().await;
        drop(store);
        row.get(0)
    }

    /// Waits until no connection of a store is left.
    async fn is_left(&self) {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'deed'";
        while self.admin.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}

const NAME: &str = "db.example.org";
const ADDRESS: &str = "127.0.0.1";
const OURS: &str = "&sslrootcert=@/authority.pem";
const STRANGE: &str = "&sslrootcert=@/stranger.pem";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_address_asks_for_is_done() {
    let place = Place::new().await;
    for mode in ["require", "verify-ca", "verify-full"] {
        let refused = place.open(NAME, &format!("&sslmode={mode}{OURS}")).await.unwrap_err().to_string();
        assert!(refused.contains("server does not support TLS"), "{mode}: {refused}");
    }
    for mode in ["", "&sslmode=prefer", "&sslmode=disable"] {
        assert!(!place.is_encrypted(place.open(NAME, mode).await.unwrap()).await, "{mode}");
        place.is_left().await;
    }

    place.encrypt("host all all 127.0.0.1/32 trust\n").await;
    let taken = [
        (ADDRESS, "".to_owned(), true),
        (ADDRESS, "&sslmode=prefer".into(), true),
        (ADDRESS, "&sslmode=disable".into(), false),
        (ADDRESS, "&sslmode=require".into(), true),
        (ADDRESS, format!("&sslmode=require{OURS}"), true),
        (ADDRESS, format!("&sslmode=verify-ca{OURS}"), true),
        (NAME, format!("&sslmode=verify-full{OURS}"), true),
    ];
    for (host, parameters, is_encrypted) in taken {
        let store = place.open(host, &parameters).await.unwrap();
        assert_eq!(place.is_encrypted(store).await, is_encrypted, "{host} {parameters}");
        place.is_left().await;
    }
    let refused = [
        (ADDRESS, format!("&sslmode=verify-full{OURS}"), "not valid for name"),
        ("other.example.org", format!("&sslmode=verify-full{OURS}"), "not valid for name"),
        (ADDRESS, format!("&sslmode=require{STRANGE}"), "UnknownIssuer"),
        (ADDRESS, format!("&sslmode=prefer{STRANGE}"), "UnknownIssuer"),
        (NAME, format!("&sslmode=verify-ca{STRANGE}"), "UnknownIssuer"),
        (NAME, format!("&sslmode=verify-full{STRANGE}"), "UnknownIssuer"),
        (NAME, "&sslmode=verify-full&sslrootcert=system".into(), "UnknownIssuer"),
    ];
    for (host, parameters, why) in refused {
        let refused = place.open(host, &parameters).await.unwrap_err().to_string();
        assert!(refused.contains("TLS") && refused.contains(why), "{host} {parameters}: {refused}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_knows_its_client_by_a_certificate() {
    let place = Place::new().await;
    place.encrypt("hostssl postgres deed 127.0.0.1/32 cert\nhost postgres deed 127.0.0.1/32 trust\n").await;
    let verified = format!("&sslmode=verify-full{OURS}");
    let refused = place.open(NAME, &verified).await.unwrap_err().to_string();
    assert!(refused.contains("requires a valid client certificate"), "{refused}");
    let known = format!("{verified}&sslcert=@/deed.pem&sslkey=@/deed.key");
    assert!(place.is_encrypted(place.open(NAME, &known).await.unwrap()).await);
    let anothers = format!("{verified}&sslcert=@/server.pem&sslkey=@/server.key");
    let refused = place.open(NAME, &anothers).await.unwrap_err().to_string();
    assert!(refused.contains("authentication failed"), "{refused}");
    let mixed = format!("{verified}&sslcert=@/deed.pem&sslkey=@/server.key");
    let refused = place.open(NAME, &mixed).await.unwrap_err();
    assert!(matches!(&refused, OpenError::Url(why) if why.starts_with("sslcert and sslkey: ")), "{refused}");
}
