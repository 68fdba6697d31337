//! The configuration: one YAML file, environment variables and a few options, checked whole before anything starts.
//!
//! A setting is defined once, in its section under `sections/`: name, variable, default, kind and meaning. From that
//! it is read ([`load`]), shown ([`Loaded::to_yaml`]) and documented ([`reference()`]).

mod effective;
mod environment;
mod file;
mod kind;
mod reference;
mod secret;
mod secrets_file;
mod sections;
mod setting;
mod sources;
mod unknown;

use std::{fmt, path::PathBuf};

pub(crate) use self::{
    environment::Environment,
    reference::reference,
    secrets_file::{Secrets, SecretsError},
    sections::{
        BridgeSettings, ClaimSettings, CoapSettings, DATABASE_FILE, DatabaseUrl, JwtSettings, LabelSettings,
        LimitSettings, LogFormat, LogSettings, MailSettings, MqttSettings, NamedPepper, PepperSettings, ReclaimBody,
        ServerSettings, ServerUrl, SignInSettings, StorageSettings, TransportSettings, base_url,
    },
};
use self::{
    file::{ConfigFile, FileError},
    setting::{Section, Setting},
    sources::{Effective, Fault, Sources},
};

/// What the service is configured by.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Where everything is kept.
    pub(crate) storage: StorageSettings,
    /// Where and how HTTP is served.
    pub(crate) server: ServerSettings,
    /// What devices may speak.
    pub(crate) transport: TransportSettings,
    /// Where and how MQTT is served.
    pub(crate) mqtt: MqttSettings,
    /// Where and how CoAP is served.
    pub(crate) coap: CoapSettings,
    /// How much callers may send.
    pub(crate) limits: LimitSettings,
    /// The rules of claiming.
    pub(crate) claim: ClaimSettings,
    /// The tokens of people.
    pub(crate) jwt: JwtSettings,
    /// How people sign in.
    pub(crate) sign_in: SignInSettings,
    /// The secrets behind claim keys.
    pub(crate) peppers: PepperSettings,
    /// A broker to which devices send already.
    pub(crate) bridge: BridgeSettings,
    /// What is printed for devices.
    pub(crate) labels: LabelSettings,
    /// The mail server.
    pub(crate) mail: MailSettings,
    /// What is logged.
    pub(crate) log: LogSettings,
}

/// A configuration, and what there is to say about it.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// The configuration.
    pub(crate) config: Config,
    /// What is doubtful about it, in sentences.
    pub(crate) warnings: Vec<String>,
    effective: Vec<Effective>,
}

/// What a configuration is made of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inputs {
    /// Settings of the command line, by name.
    pub(crate) command_line: Vec<(&'static str, String)>,
    /// The environment.
    pub(crate) environment: Environment,
    /// The operator's file.
    pub(crate) file: Option<PathBuf>,
    /// Defaults of this start that stand in for a setting's own.
    pub(crate) special_defaults: &'static [(&'static str, &'static str)],
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// Settings cannot be used.
    #[error("{0}")]
    Faults(Faults),
}

/// What is wrong with some settings, a line for each.
#[derive(Debug)]
pub(crate) struct Faults(Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.iter().map(Fault::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// Every section, in the order of the reference.
fn sections() -> Vec<Section> {
    vec![
        StorageSettings::section(),
        ServerSettings::section(),
        TransportSettings::section(),
        MqttSettings::section(),
        CoapSettings::section(),
        BridgeSettings::section(),
        LimitSettings::section(),
        ClaimSettings::section(),
        SignInSettings::section(),
        JwtSettings::section(),
        PepperSettings::section(),
        LabelSettings::section(),
        MailSettings::section(),
        LogSettings::section(),
    ]
}

/// Reads every setting and checks it.
///
/// # Errors
/// [`ConfigError`] names everything that is wrong.
pub(crate) fn load(inputs: Inputs) -> Result<Loaded, ConfigError> {
    let Inputs { command_line, environment, file, special_defaults } = inputs;
    let mut sources = Sources {
        command_line,
        environment,
        file: file.as_deref().map(ConfigFile::read).transpose()?,
        secrets: None,
        special_defaults,
        effective: Vec::new(),
        faults: Vec::new(),
        warnings: Vec::new(),
    };
    let storage = StorageSettings::read(&mut sources);
    let secrets = storage.as_ref().map(StorageSettings::secrets_file).filter(|path| path.exists());
    sources.secrets = secrets.as_deref().map(ConfigFile::read).transpose()?;
    let settings: Vec<Setting> = sections().into_iter().flat_map(|section| section.settings).collect();
    sources.check_names(&settings);
    let config = read(&mut sources, storage);
    if let Some(config) = &config {
        sources.faults.extend(config.coap.faults());
        sources.faults.extend(config.bridge.faults());
        sources.faults.extend(config.mail.faults(config.server.base_url.is_some()));
    }
    let Sources { faults, mut warnings, effective, .. } = sources;
    match config {
        Some(config) if faults.is_empty() => {
            warnings.extend(doubts(&config));
            Ok(Loaded { config, warnings, effective })
        }
        _ => Err(ConfigError::Faults(Faults(faults))),
    }
}

/// Reads every section before it gives up, so that all faults are told at once.
fn read(sources: &mut Sources, storage: Option<StorageSettings>) -> Option<Config> {
    let server = ServerSettings::read(sources);
    let transport = TransportSettings::read(sources);
    let mqtt = MqttSettings::read(sources);
    let coap = CoapSettings::read(sources);
    let bridge = BridgeSettings::read(sources);
    let limits = LimitSettings::read(sources);
    let claim = ClaimSettings::read(sources);
    let jwt = JwtSettings::read(sources);
    let sign_in = SignInSettings::read(sources);
    let peppers = PepperSettings::read(sources);
    let labels = LabelSettings::read(sources);
    let mail = MailSettings::read(sources);
    let log = LogSettings::read(sources);
    Some(Config {
        storage: storage?,
        server: server?,
        transport: transport?,
        mqtt: mqtt?,
        coap: coap?,
        bridge: bridge?,
        limits: limits?,
        claim: claim?,
        jwt: jwt?,
        sign_in: sign_in?,
        peppers: peppers?,
        labels: labels?,
        mail: mail?,
        log: log?,
    })
}

/// What can be used and is perhaps not meant.
fn doubts(config: &Config) -> Vec<String> {
    let policy = config.claim.policy();
    let is_cut = policy.default_duration_ms > policy.max_duration_ms;
    let doubt = format!(
        "security.claim.duration is longer than a device-side key may live: keys are cut to {} ms",
        policy.max_duration_ms
    );
    is_cut.then_some(doubt).into_iter().collect()
}

#[cfg(test)]
mod tests;
