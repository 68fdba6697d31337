use std::{io::Write, net::IpAddr, path::Path};

use super::*;

struct Given {
    inputs: Inputs,
    // Kept so that the file outlives the test's steps.
    file: Option<tempfile::NamedTempFile>,
}

fn given() -> Given {
    // A directory that is not there, so that no secrets of a developer's own are found.
    let command_line = vec![("dataDir", "/nonexistent/deed".to_owned())];
    Given { inputs: Inputs { command_line, ..Inputs::default() }, file: None }
}

impl Given {
    fn file(mut self, yaml: &str) -> Self {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(yaml.as_bytes()).unwrap();
        self.inputs.file = Some(file.path().to_owned());
        self.file = Some(file);
        self
    }

    fn environment<const N: usize>(mut self, variables: [(&str, &str); N]) -> Self {
        self.inputs.environment = Environment::from_iter(variables);
        self
    }

    fn loaded(&self) -> Loaded {
        load(self.inputs.clone()).unwrap()
    }

    fn config(&self) -> Config {
        self.loaded().config
    }

    /// What is wrong, the file's name taken out.
    fn faults(&self) -> Vec<String> {
        let text = load(self.inputs.clone()).unwrap_err().to_string();
        text.lines().map(|line| self.without_path(line)).collect()
    }

    fn warnings(&self) -> Vec<String> {
        self.loaded().warnings.iter().map(|line| self.without_path(line)).collect()
    }

    fn without_path(&self, text: &str) -> String {
        let path = self.file.as_ref().map(|file| file.path().display().to_string()).unwrap_or_default();
        if path.is_empty() { text.to_owned() } else { text.replace(&path, "FILE") }
    }
}

#[test]
fn the_defaults_are_the_domains_own() {
    let config = given().config();
    assert_eq!(config.claim.policy(), deed_domain::device::ClaimPolicy::default());
    assert_eq!((config.server.address, config.server.port), (IpAddr::from([0, 0, 0, 0]), 8080));
    assert_eq!(config.server.max_body_bytes, 16_777_216);
    assert!(config.transport.http_enabled);
    assert_eq!((config.jwt.token_expiration_s, config.jwt.refresh_token_expiration_s), (9_000, 604_800));
    assert_eq!(config.storage.database_file(), Path::new("/nonexistent/deed/deed.db"));
}

#[test]
fn every_default_can_be_used_and_every_name_and_variable_is_the_only_one() {
    let loaded = given().loaded();
    assert!(loaded.warnings.is_empty());
    let settings: Vec<_> = sections().into_iter().flat_map(|section| section.settings).collect();
    assert_eq!(loaded.effective.len(), settings.len());
    let mut names: Vec<_> = settings.iter().flat_map(|s| std::iter::once(s.key).chain(s.aliases.to_vec())).collect();
    let mut variables: Vec<_> = settings.iter().map(|setting| setting.variable).collect();
    for list in [&mut names, &mut variables] {
        let all = list.len();
        list.sort_unstable();
        list.dedup();
        assert_eq!(list.len(), all);
    }
}

#[test]
fn environment_over_file_over_default() {
    let file = given().file("security:\n  claim:\n    duration: 1000\nserver.port: 81\n");
    assert_eq!(file.config().claim.duration_ms, 1_000);
    let both = file.environment([("SECURITY_CLAIM_DURATION", "2000"), ("HTTP_BIND_PORT", "")]);
    assert_eq!(both.config().claim.duration_ms, 2_000);
    assert_eq!(both.config().server.port, 81, "an empty variable is none");
    let mut options = both;
    options.inputs.command_line.push(("security.claim.duration", "3000".into()));
    assert_eq!(options.config().claim.duration_ms, 3_000);
}

#[test]
fn special_defaults_give_way_to_everything_else() {
    let mut demo = given();
    demo.inputs.special_defaults = &[("server.address", "127.0.0.1")];
    assert_eq!(demo.config().server.address, IpAddr::from([127, 0, 0, 1]));
    let demo = demo.environment([("HTTP_BIND_ADDRESS", "::")]);
    assert_eq!(demo.config().server.address, IpAddr::from([0_u16; 8]));
}

#[test]
fn aliases_are_accepted_and_the_own_name_wins() {
    let old = given().file("device.claim.duration: 5\ncaffeine.specs.claimDevices.timeToLiveInMinutes: 3");
    assert_eq!((old.config().claim.duration_ms, old.config().claim.policy().max_duration_ms), (5, 180_000));
    assert!(old.warnings().is_empty());

    let equal = given().file("claim.duration: 5\nsecurity.claim.duration: '5'");
    assert!(equal.warnings().is_empty());

    let differing = given().file("claim.duration: 5\nsecurity.claim.duration: 6");
    assert_eq!(differing.config().claim.duration_ms, 6);
    assert_eq!(
        differing.warnings(),
        [
            "FILE: security.claim.duration and claim.duration are the same setting and differ; security.claim.duration counts"
        ],
    );
}

#[test]
fn the_maximum_follows_from_the_time_to_live_unless_it_is_set() {
    let minutes = given().environment([("CACHE_SPECS_CLAIM_DEVICES_TTL", "10"), ("SECURITY_CLAIM_DURATION", "600000")]);
    assert_eq!(minutes.config().claim.policy().max_duration_ms, 600_000);
    assert!(minutes.warnings().is_empty());
    let set = given().environment([("CACHE_SPECS_CLAIM_DEVICES_TTL", "10"), ("SECURITY_CLAIM_MAX_DURATION_MS", "7")]);
    assert_eq!(set.config().claim.policy().max_duration_ms, 7);
    assert_eq!(
        set.warnings(),
        ["security.claim.duration is longer than a device-side key may live: keys are cut to 7 ms"],
    );
}

#[test]
fn unknown_names_stop_the_start_and_name_the_nearest() {
    let faults = given().file("security.claim.allowClaimByDefault: true\nnonsense: 1\nserve: {port: 80}").faults();
    assert_eq!(
        faults,
        [
            "nonsense is no setting (FILE)",
            "security.claim.allowClaimByDefault is no setting; did you mean security.claim.allowClaimingByDefault? (FILE)",
            "serve.port is no setting; did you mean server.port? (FILE)",
        ],
    );
}

#[test]
fn what_has_no_effect_is_no_setting() {
    let sections = sections();
    let settings = || sections.iter().flat_map(|section| &section.settings);
    let both = unknown::WITHOUT_EFFECT.iter().filter(|(name, _)| settings().any(|setting| setting.key == *name));
    assert_eq!(both.map(|(name, _)| name).collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[test]
fn unknown_variables_of_our_own_are_mentioned() {
    let warnings =
        given().environment([("SECURITY_CLAIM_GUESLIMIT", "0"), ("DEED_CONFIG", "x"), ("HOME", "/")]).warnings();
    assert_eq!(
        warnings,
        ["the environment variable SECURITY_CLAIM_GUESLIMIT is no setting; did you mean SECURITY_CLAIM_GUESS_LIMIT?"],
    );
}

#[test]
fn a_file_written_for_thingsboard_is_accepted() {
    let fragment = r#"
server:
  address: "${HTTP_BIND_ADDRESS:0.0.0.0}"
  port: "${HTTP_BIND_PORT:8080}"
  ssl: { enabled: "${SSL_ENABLED:false}" }
  http:
    max_payload_size: "${HTTP_MAX_PAYLOAD_SIZE_LIMIT_CONFIGURATION:/api/image*/**=52428800;/api/**=1000}"
security:
  jwt:
    tokenExpirationTime: "${JWT_TOKEN_EXPIRATION_TIME:9000}" # Number of seconds (2.5 hours)
  user_token_access_enabled: "${SECURITY_USER_TOKEN_ACCESS_ENABLED:true}"
  claim:
    allowClaimingByDefault: "${SECURITY_CLAIM_ALLOW_CLAIMING_BY_DEFAULT:true}"
    duration: "${SECURITY_CLAIM_DURATION:86400000}"
cache:
  type: "${CACHE_TYPE:caffeine}"
  specs:
    claimDevices:
      timeToLiveInMinutes: "${CACHE_SPECS_CLAIM_DEVICES_TTL:1440}"
      maxSize: "${CACHE_SPECS_CLAIM_DEVICES_MAX_SIZE:1000}"
transport:
  mqtt:
    enabled: "${MQTT_ENABLED:true}"
    netty: { max_payload_size: "${NETTY_MAX_PAYLOAD_SIZE:65536}" }
coap:
  server: { enabled: "${COAP_SERVER_ENABLED:true}" }
  bind_port: "${COAP_BIND_PORT:5684}"
  dtls:
    enabled: "${COAP_DTLS_ENABLED:false}"
    bind_port: "${COAP_DTLS_BIND_PORT:5685}"
    retransmission_timeout: "${COAP_DTLS_RETRANSMISSION_TIMEOUT_MS:9000}"
"#;
    let given = given().file(fragment).environment([("HTTP_BIND_PORT", "8081")]);
    let config = given.config();
    assert!(config.claim.allow_by_default);
    assert_eq!((config.server.port, config.server.max_body_bytes), (8_081, 1_000));
    assert!(config.mqtt.enabled && config.mqtt.max_payload_bytes == 65_536);
    assert!(config.coap.is_served() && config.coap.port == 5_684);
    assert!(!config.coap.is_served_over_dtls() && config.coap.dtls_port == 5_685);
    let without_effect: Vec<_> =
        given.warnings().iter().map(|line| line.split(' ').nth(1).unwrap().to_owned()).collect();
    assert_eq!(without_effect, ["cache.specs.claimDevices.maxSize", "cache.type", "coap.dtls.retransmission_timeout"],);
}

#[test]
fn all_faults_are_told_at_once_with_their_origin() {
    let faults = given()
        .file("server.port: 70000\nsecurity.claim.duration: 1h\nsecurity.claim.guessLimit: [1]")
        .environment([("HTTP_BIND_ADDRESS", "here"), ("DEED_LOG_FORMAT", "xml")])
        .faults();
    assert_eq!(
        faults,
        [
            "server.address must be an IP address such as 0.0.0.0 or ::1, not `here` (environment variable HTTP_BIND_ADDRESS)",
            "server.port must be a whole number from 0 to 65535, not `70000` (server.port in FILE)",
            "security.claim.duration must be a whole number, at least 1, not `1h` (security.claim.duration in FILE)",
            "security.claim.guessLimit must be a whole number (security.claim.guessLimit in FILE)",
            "log.format must be `text` or `json`, not `xml` (environment variable DEED_LOG_FORMAT)",
        ],
    );
}

#[test]
fn what_is_overridden_has_to_be_usable_too() {
    let given = given().file("server.port: abc").environment([("HTTP_BIND_PORT", "0")]);
    let faults = given.faults();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].contains("server.port") && faults[0].contains("FILE"), "{faults:?}");
}

#[test]
fn switches_that_cannot_be_kept_stop_the_start() {
    for (variable, key) in [
        ("SECURITY_CLAIM_REQUIRE_PERMISSION", "security.claim.requirePermission"),
        ("SSL_ENABLED", "server.ssl.enabled"),
    ] {
        let faults = given().environment([(variable, "true")]).faults();
        assert!(faults[0].starts_with(&format!("{key} must be false: ")), "{faults:?}");
    }
}

#[test]
fn faults_of_secrets_do_not_show_them() {
    let faults = given()
        .file("security.peppers: [{id: p1, secret: hunter2hunter2}]")
        .environment([("JWT_TOKEN_SIGNING_KEY", "aHVudGVyMg=="), ("DEED_DATABASE", "mysql://deed:hunter2@db/deed")])
        .faults();
    assert_eq!(faults.len(), 3);
    assert!(!faults.join("").contains("hunter2") && !faults.join("").contains("aHVudGVyMg"), "{faults:?}");
}

#[test]
fn what_is_in_effect_can_be_read_back_and_hides_secrets() {
    let key = "QUFB".repeat(30);
    let given = given()
        .file("security.claim.duration: 5\nsecurity.jwt.tokenIssuer: it's # me")
        .environment([("JWT_TOKEN_SIGNING_KEY", key.as_str()), ("HTTP_BIND_PORT", "81")]);
    let shown = given.without_path(&given.loaded().to_yaml());
    for line in [
        "security.claim.duration: 5  # security.claim.duration in FILE",
        "server.port: 81  # environment variable HTTP_BIND_PORT",
        "server.http.max_payload_size: '/api/**=16777216'  # default",
        "# security.jwt.tokenSigningKey: ***  # environment variable JWT_TOKEN_SIGNING_KEY",
        "# security.peppers:  # not set",
        "# security.claim.maxDurationMs:  # not set",
        "security.jwt.tokenIssuer: 'it''s'  # security.jwt.tokenIssuer in FILE",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}\n{shown}");
    }
    assert!(!shown.contains(&key));
    let again = self::given().file(&given.loaded().to_yaml());
    assert_eq!(again.config().claim.policy(), given.config().claim.policy());
    assert_eq!(again.config().jwt.issuer, "it's");
}

#[test]
fn dtls_is_refused_where_it_was_not_built() {
    let given = given().environment([("COAP_DTLS_ENABLED", "true")]);
    if cfg!(feature = "dtls") {
        assert!(given.config().coap.is_served_over_dtls());
        return;
    }
    let faults = given.faults();
    assert!(faults.len() == 1 && faults[0].contains("coap.dtls.enabled"), "{faults:?}");
    assert!(faults[0].contains("cargo build --release --features dtls"), "{faults:?}");
    // Where CoAP is not served at all, nothing is missing.
    let off = self::given().environment([("COAP_DTLS_ENABLED", "true"), ("COAP_ENABLED", "false")]);
    assert!(!off.config().coap.is_served_over_dtls());
}
