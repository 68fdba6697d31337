//! The arrows between the crates: which crate may depend directly on what, and why (`docs/architecture.md`).
//!
//! A dependency that stands in a manifest and not in [`RULES`] fails the test. Adding one here is a decision about the
//! architecture, so each entry says what the crate needs it for. What a dependency brings along is its own business.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// What one crate may depend on.
struct Rule {
    /// The crate.
    of: &'static str,
    /// What it is for, as far as its dependencies show it.
    because: &'static str,
    /// Crates that it is built from, with what each is needed for.
    built_from: &'static [(&'static str, &'static str)],
    /// Crates that only its tests use.
    tested_with: &'static [&'static str],
}

const RULES: &[Rule] = &[
    Rule {
        of: "deed-domain",
        because: "the rules know no runtime, driver, protocol, clock, randomness or environment",
        built_from: &[
            ("async-trait", "ports are object-safe, because the database is chosen at run time"),
            ("base64", "certificates come in it: a pure function"),
            ("cqrs-es", "the aggregate can be driven by any cqrs-es program"),
            ("serde", "the stored form of events"),
            ("serde_json", "the stored form of events"),
            ("sha3", "credentials ids are hashes by protocol: a pure function that no adapter may choose"),
            ("subtle", "digests are compared in constant time"),
            ("thiserror", "refusals and errors"),
            ("uuid", "ids"),
            ("zeroize", "secrets are wiped"),
        ],
        tested_with: &["csv", "insta", "proptest", "serde_json"],
    },
    Rule {
        of: "deed-projections",
        because: "read models are pure: no SQL, no driver, no protocol",
        built_from: &[
            ("deed-domain", "the events"),
            ("async-trait", "query traits are object-safe"),
            ("serde", "rows have a JSON form"),
            ("serde_json", "rows have a JSON form"),
            ("thiserror", "errors"),
        ],
        tested_with: &["deed-projections", "insta", "proptest"],
    },
    Rule {
        of: "deed-adapters",
        because: "technology behind the ports: never a protocol, never a decision",
        built_from: &[
            ("deed-domain", "the ports"),
            ("deed-projections", "the read models to store"),
            ("argon2", "password hashes"),
            ("async-trait", "the ports' form"),
            ("base64", "tokens"),
            ("crossbeam-channel", "the queue before the readers' threads"),
            ("deadpool-postgres", "connections to PostgreSQL, for `postgres` alone"),
            ("futures-util", "the conformance suite runs commands at once"),
            ("governor", "counts requests against a limit, for `rate_limits` alone"),
            ("hmac", "digests of claim keys, signatures of tokens"),
            ("jsonwebtoken", "tokens"),
            ("lettre", "mail, for `mail` alone"),
            ("metrics", "what the stores measure"),
            ("percent-encoding", "files that a database's address names, for `postgres` alone"),
            ("proptest", "the conformance suite, feature `testing`"),
            ("rand", "the operating system's randomness"),
            ("rusqlite", "the SQLite driver, for `sqlite` alone"),
            ("rustls-native-certs", "the authorities that the system trusts, for `postgres` alone"),
            ("serde_json", "stored forms"),
            ("sha2", "digests of claim keys, signatures of tokens"),
            ("thiserror", "errors"),
            ("tokio", "the queue before the writer, waiting readers"),
            ("tokio-postgres", "the PostgreSQL driver, for `postgres` alone"),
            ("tokio-rustls", "TLS to the server, for `postgres` alone"),
            ("tokio-util", "stopping what looks at other nodes, for `postgres` alone"),
            ("tracing", "what the stores log"),
            ("uuid", "ids"),
            ("zeroize", "secrets are wiped"),
        ],
        tested_with: &["deed-adapters", "deed-projections", "proptest", "tempfile", "tokio"],
    },
    Rule {
        of: "deed-api",
        because: "HTTP for people and machines: never a driver, never an adapter",
        built_from: &[
            ("deed-domain", "the use cases and the ports"),
            ("deed-labels", "labels"),
            ("deed-projections", "the queries"),
            ("axum", "HTTP"),
            ("base64", "values of API keys"),
            ("flate2", "pages are sent compressed, for `pages` alone"),
            ("futures-util", "streamed bodies"),
            ("http-body", "bodies"),
            ("http-body-util", "bodies"),
            ("metrics", "what is counted"),
            ("serde", "bodies"),
            ("serde_json", "bodies"),
            ("thiserror", "errors"),
            ("tokio", "limits in time, waiting for the service's end"),
            ("tower-http", "layers"),
            ("tracing", "what is logged"),
            ("utoipa", "OpenAPI"),
            ("utoipa-axum", "OpenAPI"),
            ("uuid", "ids"),
        ],
        tested_with: &["async-trait", "proptest", "tokio", "tower"],
    },
    Rule {
        of: "deed-labels",
        because: "draws what it is given: never the domain, a protocol, a file or the environment",
        built_from: &[
            ("ab_glyph", "how wide names are, and how they look in a picture"),
            ("dejavu", "the font"),
            ("flate2", "pictures and pages are deflated"),
            ("pdf-writer", "objects of a PDF, for `pdf` alone"),
            ("percent-encoding", "links"),
            ("qrcodegen", "codes, for `qr` alone"),
            ("subsetter", "the glyphs that a PDF uses, for `pdf` and for what fonts can be taken"),
            ("thiserror", "errors"),
        ],
        tested_with: &["proptest"],
    },
    Rule {
        of: "deed-transports",
        because: "protocols of devices: never a driver, an adapter or a read model",
        built_from: &[
            ("deed-domain", "the use cases and the ports"),
            ("axum", "HTTP, WebSockets"),
            ("base64", "certificates, as they are stored, for `tls` alone"),
            ("coap-lite", "messages, for `coap` alone"),
            ("futures-util", "messages under way"),
            ("http-body-util", "bodies"),
            ("metrics", "what is counted"),
            ("mqtt-protocol-core", "the protocol engine, for `mqtt` alone"),
            ("openssl", "DTLS, for `coap::dtls` alone, feature `dtls` (docs/adr/0017)"),
            ("prost", "payloads in Protobuf"),
            ("rumqttc", "a client of brokers, for `bridge` alone"),
            ("rustls-native-certs", "the authorities that the system trusts, for `tls` alone"),
            ("rustls-webpki", "what clients sign with their keys, for `tls` alone"),
            ("serde", "payloads"),
            ("serde_json", "payloads"),
            ("thiserror", "errors"),
            ("tokio", "sockets, limits in time"),
            ("tokio-rustls", "TLS, for `tls` alone"),
            ("tokio-util", "what waits ends when the service stops"),
            ("tracing", "what is logged"),
            ("uuid", "ids"),
            ("x509-cert", "how long a certificate is valid, for `tls` alone"),
            ("zeroize", "secrets are wiped"),
        ],
        tested_with: &["proptest", "tokio"],
    },
    Rule {
        of: "deed",
        because: "configuration, wiring and the command line: no rules, no SQL, no wire formats",
        built_from: &[
            ("deed-adapters", "wiring"),
            ("deed-api", "wiring"),
            ("deed-domain", "wiring"),
            ("deed-labels", "`deed labels`, and the font"),
            ("deed-projections", "wiring"),
            ("deed-transports", "wiring"),
            ("axum", "the router"),
            ("base64", "secrets in the configuration"),
            ("clap", "the command line"),
            ("csv", "what goes on labels"),
            ("hyper", "connections, with a limit in time"),
            ("hyper-util", "connections, with a limit in time"),
            ("indicatif", "progress of long commands"),
            ("jiff", "times on the command line"),
            ("metrics", "what is counted"),
            ("metrics-exporter-prometheus", "how it is told"),
            ("rustix", "how many files the system lets the process open"),
            ("serde", "configuration, output"),
            ("serde_json", "output"),
            ("serde_yaml_ng", "configuration"),
            ("strsim", "the nearest known name of a misspelt setting"),
            ("thiserror", "errors"),
            ("tokio", "the runtime"),
            ("tokio-util", "graceful shutdown"),
            ("tracing", "what is logged"),
            ("tracing-subscriber", "how it is logged"),
            ("uuid", "ids"),
            ("zeroize", "secrets are wiped"),
        ],
        tested_with: &[
            "async-trait",
            "base64",
            "cargo_metadata",
            "deed-adapters",
            "futures-util",
            "insta",
            "proptest",
            "regex",
            "reqwest",
            "rusqlite",
            "serde_json",
            "tempfile",
            "tokio",
        ],
    },
];

/// Workspace members outside the arrows: what measures and attacks the product is no part of it.
const FREE: &[&str] = &["deed-fuzz-entries", "deed-load"];

#[test]
fn every_direct_dependency_follows_the_arrows() {
    let metadata = metadata();
    let mut strays = Vec::new();
    for package in product(&metadata) {
        let rule = rule(&package.name);
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            let built_from = rule.built_from.iter().any(|(allowed, _)| *allowed == name);
            let tested_with = rule.tested_with.contains(&name);
            let allowed = built_from || (tested_with && dependency.kind == DependencyKind::Development);
            if !allowed {
                strays.push(format!("{} → {name} ({:?}): {}", rule.of, dependency.kind, rule.because));
            }
        }
    }
    assert!(strays.is_empty(), "outside the table of tests/architecture.rs:\n  {}", strays.join("\n  "));
}

#[test]
fn every_crate_of_the_product_has_its_rule_and_no_rule_is_left_over() {
    let metadata = metadata();
    let members: BTreeSet<_> = product(&metadata).map(|package| package.name.as_str().to_owned()).collect();
    let ruled: BTreeSet<_> = RULES.iter().map(|rule| rule.of.to_owned()).collect();
    assert_eq!(members, ruled);
}

#[test]
fn the_table_allows_nothing_that_nobody_uses() {
    let metadata = metadata();
    let mut idle = Vec::new();
    for package in product(&metadata) {
        let used: BTreeSet<_> = package.dependencies.iter().map(|dependency| dependency.name.as_str()).collect();
        let rule = rule(&package.name);
        let allowed = rule.built_from.iter().map(|(name, _)| *name).chain(rule.tested_with.iter().copied());
        idle.extend(allowed.filter(|name| !used.contains(name)).map(|name| format!("{} → {name}", rule.of)));
    }
    assert!(idle.is_empty(), "allowed in tests/architecture.rs and used nowhere:\n  {}", idle.join("\n  "));
}

/// Dependencies are named once, in the workspace's manifest: two crates cannot drift apart on a version.
#[test]
fn versions_stand_in_the_workspace_only() {
    let metadata = metadata();
    let mut versions = BTreeMap::<_, BTreeSet<_>>::new();
    for package in &metadata.packages {
        for dependency in &package.dependencies {
            versions.entry(dependency.name.as_str()).or_default().insert(dependency.req.to_string());
        }
    }
    let differing: Vec<_> = versions.into_iter().filter(|(_, requirements)| requirements.len() > 1).collect();
    assert!(differing.is_empty(), "required in several versions: {differing:?}");
}

fn metadata() -> Metadata {
    MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec().expect("cargo metadata runs")
}

fn product(metadata: &Metadata) -> impl Iterator<Item = &Package> {
    metadata.packages.iter().filter(|package| !FREE.contains(&package.name.as_str()))
}

fn rule(package: &str) -> &'static Rule {
    RULES
        .iter()
        .find(|rule| rule.of == package)
        .unwrap_or_else(|| panic!("{package} has no rule in tests/architecture.rs"))
}

/// A driver is known in one module of the adapters. Everything else sees ports.
#[test]
fn a_driver_stays_in_its_module() {
    let strays: Vec<_> = sources(&root().join("adapters/src"))
        .filter(|path| !path.starts_with(root().join("adapters/src/sqlite")))
        .filter(|path| fs::read_to_string(path).unwrap().contains("rusqlite"))
        .collect();
    assert!(strays.is_empty(), "rusqlite outside of adapters/src/sqlite: {strays:?}");
}

/// A file holds one concept. One that grew this long holds several.
#[test]
fn no_file_has_more_than_400_lines_beside_its_tests() {
    let crates = ["adapters", "api", "benches", "domain", "fuzz", "labels", "projections", "src", "transports"];
    let long: Vec<_> = crates
        .iter()
        .flat_map(|folder| sources(&root().join(folder)))
        .filter(|path| path.components().all(|part| part.as_os_str() != "tests"))
        .map(|path| (production_lines(&fs::read_to_string(&path).unwrap()), path))
        .filter(|(lines, _)| *lines > 400)
        .collect();
    assert!(long.is_empty(), "files to be taken apart: {long:?}");
}

/// Lines before the file's tests.
fn production_lines(source: &str) -> usize {
    source.lines().take_while(|line| line.trim() != "#[cfg(test)]").count()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Rust files of a folder and the folders in it.
fn sources(folder: &Path) -> Box<dyn Iterator<Item = PathBuf>> {
    let entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    Box::new(entries.into_iter().flat_map(|path| -> Box<dyn Iterator<Item = PathBuf>> {
        if path.is_dir() {
            sources(&path)
        } else {
            Box::new(std::iter::once(path).filter(|path| path.extension().is_some_and(|extension| extension == "rs")))
        }
    }))
}
