//! `deed serve`

use std::{
    io::{self, Write},
    net::{IpAddr, SocketAddr},
};

use clap::Args;
use deed_adapters::surroundings::OsEntropy;
use deed_domain::{claims::Failure, device::Refusal, ports::AccountsError};
use deed_transports::{bridge::Bridge, coap::dtls::DtlsIdentity, tls::Tls};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::{TcpListener, TcpSocket, UdpSocket};

use super::{bridge, exit::CliError, shared::Location};
use crate::{
    config::{Config, Loaded, Secrets},
    data_dir::{DataDir, lock_database},
    demo::{self, SeedError},
    first_start::{self, FirstStartError},
    gauges, logging,
    open_files::Connections,
    pepper_check,
    server::{self, Listeners, Signals},
    storage,
    tls_files::{COAP, MQTT, TlsFiles},
    wiring::Service,
};

const DEMO_DEFAULTS: &[(&str, &str)] = &[
    ("dataDir", "./deed-demo"),
    ("server.address", "127.0.0.1"),
    ("transport.mqtt.bind_address", "127.0.0.1"),
    ("transport.mqtt.ssl.bind_address", "127.0.0.1"),
    ("coap.bind_address", "127.0.0.1"),
    ("coap.dtls.bind_address", "127.0.0.1"),
];

/// Connections that wait to be accepted, of each port.
const BACKLOG: u32 = 1024;

/// Serve devices and people until a signal ends it
///
/// The first start makes the data directory, the database and the secrets. SIGTERM or SIGINT stops: what has been
/// accepted is finished; a second signal ends at once.
#[derive(Args, Debug)]
pub(super) struct Serve {
    /// Begin with people and devices to try it with, on a data directory of its own [default: ./deed-demo], or in an
    /// empty database on a server; on this machine only, unless an address is configured
    #[arg(long)]
    demo: bool,

    #[command(flatten)]
    location: Location,
}

impl Serve {
    pub(super) fn run(self) -> Result<(), CliError> {
        let Loaded { config, warnings, .. } = self.location.load(if self.demo { DEMO_DEFAULTS } else { &[] })?;
        if self.demo && config.storage.database_elsewhere().is_some() {
            return Err(CliError::Usage("--demo has a file of its own: leave `database` unset".into()));
        }
        logging::start(&config.log);
        warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
        let connections = Connections::allowed(config.mqtt.max_connections);
        let runtime = tokio::runtime::Runtime::new()
            .map_err(|why| CliError::System(format!("the system does not let the runtime start: {why}")))?;
        let certificates = Certificates::read(&config)?;
        let data_dir = self.take_data_dir(&config)?;
        // Before anything is made: a start in vain leaves nothing behind that looks like a lost database.
        let ports = runtime.block_on(Ports::take(&config, certificates))?;
        data_dir.as_ref().map_or(Ok(()), DataDir::settle)?;
        let _database = config.storage.database_elsewhere().map(|path| lock_database(path, "serve")).transpose()?;
        let had_secrets = data_dir.is_some() && config.storage.secrets_file().exists();
        let secrets = match &data_dir {
            Some(_) => Secrets::complete(&config, &OsEntropy)?,
            None => Secrets::of_all_nodes(&config)?,
        };
        let metrics = gauges::collect().map_err(|why| CliError::System(format!("metrics: {why}")))?;
        let surroundings = Surroundings { _data_dir: data_dir, ports, metrics, connections };
        runtime.block_on(self.serve(&config, &secrets, had_secrets, surroundings))
    }

    /// None where everything is on a database server and configured. For a demo there that is not, secrets are made.
    fn take_data_dir(&self, config: &Config) -> Result<Option<DataDir>, CliError> {
        let path = &config.storage.data_dir;
        if config.storage.is_on_a_server() && (!self.demo || Secrets::of_all_nodes(config).is_ok()) {
            return Ok(None);
        }
        let data_dir = if self.demo { DataDir::open_demo(path, "serve --demo") } else { DataDir::open(path, "serve") };
        Ok(Some(data_dir?))
    }

    async fn serve(
        &self,
        config: &Config,
        secrets: &Secrets,
        had_secrets: bool,
        surroundings: Surroundings,
    ) -> Result<(), CliError> {
        let Surroundings { _data_dir, ports, metrics, connections } = surroundings;
        let signals = Signals::catch().map_err(|why| CliError::System(format!("signals cannot be caught: {why}")))?;
        let store = storage::open(&config.storage).await?;
        pepper_check::active_keys(&*store, secrets, config.storage.is_on_a_server()).await?;
        if had_secrets && store.is_empty().await? {
            // What was there has been lost, or the first start was cut off.
            tracing::warn!("the database is empty, and secrets.yml was made for one: if it held anything, restore it");
        }
        let mut service = Service::build(config, secrets, store, metrics.clone(), connections)?;
        let url = format!("http://{}", reachable(ports.http.local_addr()?));
        self.prepare(&service, config, &url).await?;
        let bridge = bridge::settings(config, &*service.store).await?;
        service.bridge = bridge.map(|settings| Bridge::new(settings, service.protocol.clone()));
        let http = listen(ports.http)?;
        let mqtt = ports.mqtt.map(listen).transpose()?;
        let mqtt_tls = ports.mqtt_tls.map(|(socket, files)| Ok::<_, CliError>((listen(socket)?, files))).transpose()?;
        let mut out = io::stdout();
        if let Some(mqtt) = &mqtt {
            writeln!(out, "Devices speak MQTT at {}", reachable(mqtt.local_addr()?))?;
        }
        if let Some((mqtt_tls, _)) = &mqtt_tls {
            writeln!(out, "Devices speak MQTT over TLS at {}", reachable(mqtt_tls.local_addr()?))?;
        }
        let (coap, coap_dtls) = (ports.coap, ports.coap_dtls);
        if let Some(coap) = &coap {
            writeln!(out, "Devices speak CoAP at {}", reachable(coap.local_addr()?))?;
        }
        if let Some((coap_dtls, _)) = &coap_dtls {
            writeln!(out, "Devices speak CoAP over DTLS at {}", reachable(coap_dtls.local_addr()?))?;
        }
        writeln!(out, "deed is ready: {url}")?;
        out.flush()?;
        tracing::info!(%url, "ready");
        server::serve(service, Listeners { http, mqtt, mqtt_tls, coap, coap_dtls }, metrics, signals)
            .await
            .map_err(|why| CliError::System(why.to_string()))
    }

    /// Makes what a new database begins with, and says how to sign in.
    async fn prepare(&self, service: &Service, config: &Config, url: &str) -> Result<(), CliError> {
        let mut out = io::stdout();
        if self.demo {
            demo::seed(service).await.map_err(not_seeded)?;
            let sheet = demo::sheet(url, config.server.address.is_loopback(), config.storage.server());
            writeln!(out, "{sheet}")?;
            return Ok(());
        }
        if demo::is_demo(&*service.store).await? {
            tracing::warn!("this database was made for a demo, with passwords that everybody knows");
        }
        let show = |password: &str| {
            writeln!(out, "Sign in as {} with the password {password}", first_start::OPERATOR)?;
            writeln!(out, "It is shown this once.")?;
            out.flush()
        };
        first_start::add_operator(service, show).await.map_err(|error| match error {
            FirstStartError::Output(error) => error.into(),
            FirstStartError::Store(error) | FirstStartError::Accounts(AccountsError::Store(error)) => {
                CliError::Store(error)
            }
            FirstStartError::Accounts(other) => CliError::System(other.to_string()),
        })
    }
}

fn not_seeded(error: SeedError) -> CliError {
    match error {
        SeedError::Device(Failure::Refused(why @ (Refusal::KeyTooShort { .. } | Refusal::KeyTrivial))) => {
            CliError::Usage(format!("the demo's own keys break security.claim.adminKeys: {why}"))
        }
        SeedError::NotADemo => CliError::Usage(error.to_string()),
        error => error.into(),
    }
}

/// What is this process's alone while it runs, and where it counts.
struct Surroundings {
    _data_dir: Option<DataDir>,
    ports: Ports,
    metrics: PrometheusHandle,
    connections: Connections,
}

/// Who the service is, where it has to show it.
struct Certificates {
    mqtt: Option<TlsFiles<Tls>>,
    coap: Option<TlsFiles<DtlsIdentity>>,
}

impl Certificates {
    fn read(config: &Config) -> Result<Self, CliError> {
        let Config { mqtt, coap, .. } = config;
        let over_tls = mqtt.enabled && mqtt.tls_enabled;
        let mqtt = over_tls.then(|| TlsFiles::open(MQTT, mqtt.tls_certificate.clone(), mqtt.tls_key.clone()));
        let over_dtls = coap.is_served_over_dtls();
        let coap = over_dtls.then(|| TlsFiles::open(COAP, coap.dtls_certificate.clone(), coap.dtls_key.clone()));
        Ok(Self { mqtt: mqtt.transpose()?, coap: coap.transpose()? })
    }
}

/// The ports, taken; nobody is let in before the service is ready.
struct Ports {
    http: TcpSocket,
    mqtt: Option<TcpSocket>,
    mqtt_tls: Option<(TcpSocket, TlsFiles<Tls>)>,
    coap: Option<UdpSocket>,
    coap_dtls: Option<(UdpSocket, TlsFiles<DtlsIdentity>)>,
}

impl Ports {
    async fn take(config: &Config, certificates: Certificates) -> Result<Self, CliError> {
        let http = take(config.server.address, config.server.port)?;
        let mqtt = config.mqtt.enabled.then(|| take(config.mqtt.address, config.mqtt.port)).transpose()?;
        let over_tls = |files| Ok::<_, CliError>((take(config.mqtt.tls_address, config.mqtt.tls_port)?, files));
        let mqtt_tls = certificates.mqtt.map(over_tls).transpose()?;
        let coap = match config.coap.is_served() {
            true => Some(take_udp(config.coap.address, config.coap.port).await?),
            false => None,
        };
        let coap_dtls = match certificates.coap {
            Some(files) => Some((take_udp(config.coap.dtls_address, config.coap.dtls_port).await?, files)),
            None => None,
        };
        Ok(Self { http, mqtt, mqtt_tls, coap, coap_dtls })
    }
}

fn listen(socket: TcpSocket) -> Result<TcpListener, CliError> {
    let address = socket.local_addr()?;
    socket.listen(BACKLOG).map_err(|why| CliError::Listen { address, why })
}

fn take(address: IpAddr, port: u16) -> Result<TcpSocket, CliError> {
    let address = SocketAddr::new(address, port);
    let bind = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // Or the connections of an earlier process would keep the port for minutes.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(socket)
    };
    bind().map_err(|why| CliError::Listen { address, why })
}

async fn take_udp(address: IpAddr, port: u16) -> Result<UdpSocket, CliError> {
    let address = SocketAddr::new(address, port);
    UdpSocket::bind(address).await.map_err(|why| CliError::Listen { address, why })
}

/// Where who is on this machine finds what listens at that address.
fn reachable(address: SocketAddr) -> SocketAddr {
    let host = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => IpAddr::from([127, 0, 0, 1]),
        IpAddr::V6(_) => IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
    };
    SocketAddr::new(host, address.port())
}
