//! The server's process.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use tempfile::TempDir;

use crate::Failure;

/// How long a start may take, in steps of a tenth of a second.
const PATIENCE: u32 = 600;

pub(crate) struct Server {
    program: PathBuf,
    /// Whether it begins with the demo's people.
    is_demo: bool,
    environment: Vec<(&'static str, String)>,
    data: TempDir,
    port: u16,
    mqtt_port: u16,
    coap_port: u16,
    process: Option<Child>,
}

impl Server {
    /// A data directory with the demo's accounts in it; the server is not running.
    pub(crate) fn prepare(program: &Path) -> Result<Self, Failure> {
        let mut server = Self::new(program, true, Vec::new())?;
        server.start()?;
        server.stop()?;
        Ok(server)
    }

    /// A server that is not running, with that environment.
    pub(crate) fn new(
        program: &Path,
        is_demo: bool,
        environment: Vec<(&'static str, String)>,
    ) -> Result<Self, Failure> {
        let (http, mqtt) = (TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
        let (port, mqtt_port) = (http.local_addr()?.port(), mqtt.local_addr()?.port());
        let coap_port = UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port();
        drop((http, mqtt));
        let data = tempfile::tempdir()?;
        let program = program.canonicalize()?;
        Ok(Self { program, is_demo, environment, data, port, mqtt_port, coap_port, process: None })
    }

    pub(crate) fn start(&mut self) -> Result<(), Failure> {
        let process = Command::new(&self.program)
            .args(["serve", "--data-dir"])
            .arg(self.data.path())
            .args(self.is_demo.then_some("--demo"))
            .envs(self.environment.iter().map(|(name, value)| (*name, value.as_str())))
            .env("HTTP_BIND_PORT", self.port.to_string())
            .env("MQTT_BIND_PORT", self.mqtt_port.to_string())
            .env("COAP_BIND_PORT", self.coap_port.to_string())
            .env("DEED_LOG_LEVEL", "warn")
            .stdout(Stdio::null())
            .spawn()?;
        self.process = Some(process);
        for _ in 0..PATIENCE {
            if self.is_ready() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(100));
        }
        Err("the server does not get ready".into())
    }

    fn is_ready(&self) -> bool {
        let answer = TcpStream::connect(self.address()).and_then(|mut stream| {
            stream.write_all(b"GET /health/ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).map(|_| answer)
        });
        answer.is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
    }

    /// Ends the process at once; what it has acknowledged is on disk.
    pub(crate) fn stop(&mut self) -> Result<(), Failure> {
        if let Some(mut process) = self.process.take() {
            process.kill()?;
            process.wait()?;
        }
        Ok(())
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn mqtt_address(&self) -> String {
        format!("127.0.0.1:{}", self.mqtt_port)
    }

    pub(crate) fn coap_address(&self) -> String {
        format!("127.0.0.1:{}", self.coap_port)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.data.path().join("deed.db")
    }

    /// Resident memory in units of a million bytes.
    pub(crate) fn resident_mb(&self) -> Result<u64, Failure> {
        Ok(self.resident_bytes()? / 1_000_000)
    }

    pub(crate) fn resident_bytes(&self) -> Result<u64, Failure> {
        self.memory("VmRSS:")
    }

    /// The most resident memory counts anew from here on; says how much there is.
    pub(crate) fn begin_peak(&self) -> Result<u64, Failure> {
        fs::write(format!("/proc/{}/clear_refs", self.id()?), "5")?;
        self.resident_bytes()
    }

    /// The most resident memory since then.
    pub(crate) fn peak_bytes(&self) -> Result<u64, Failure> {
        self.memory("VmHWM:")
    }

    fn id(&self) -> Result<u32, Failure> {
        Ok(self.process.as_ref().ok_or("the server is not running")?.id())
    }

    fn memory(&self, what: &str) -> Result<u64, Failure> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()?))?;
        let line = status.lines().find_map(|line| line.strip_prefix(what)).ok_or_else(|| format!("no {what}"))?;
        let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kib * 1_024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing more can be done about a process that does not end.
        let _ = self.stop();
    }
}
