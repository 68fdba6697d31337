//! Other people's brokers, each a process of its own on a free port.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use tempfile::TempDir;

use crate::certificates::Certificates;

/// What the tests ask of a broker.
pub(crate) trait Kind {
    fn address(&self) -> String;
    /// As a device does: again, until the broker has taken it.
    fn publish(&self, topic: &str, message: &str) {
        let taken = (0..20).any(|_| {
            mosquitto_pub(&self.address(), topic, message, &[]) || {
                thread::sleep(Duration::from_millis(100));
                false
            }
        });
        assert!(taken, "the broker does not take a message");
    }
    fn listen(&self, topic: &str) -> Replies;
    fn restart(&mut self);
    /// Whether what it has taken outlives its process.
    fn keeps_over_restart(&self) -> bool;
}

/// A broker's process, which ends with the test.
pub(crate) struct Broker {
    child: Child,
    port: u16,
}

impl Drop for Broker {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Broker {
    pub(crate) fn start(command: &mut Command, port: u16) -> Self {
        Self::try_start(command, port).expect("the broker has its port")
    }

    /// Nothing if the process ended, as somebody else took the port meanwhile.
    fn try_start(command: &mut Command, port: u16) -> Option<Self> {
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the broker is installed");
        let mut started = Self { child, port };
        for _ in 0..1_000 {
            // Whoever else has the port may be what answers there.
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                thread::sleep(Duration::from_millis(20));
                return started.child.try_wait().unwrap().is_none().then_some(started);
            }
            if started.child.try_wait().unwrap().is_some() {
                return None;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("the broker does not listen");
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// What is published to a topic.
pub(crate) struct Replies {
    child: Child,
    lines: Receiver<String>,
}

impl Replies {
    pub(crate) fn heard(&mut self) -> Option<String> {
        self.lines.try_recv().ok()
    }
}

impl Drop for Replies {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn mosquitto_pub(address: &str, topic: &str, message: &str, more: &[&str]) -> bool {
    let (host, port) = address.rsplit_once(':').unwrap();
    let mut client = Command::new("mosquitto_pub");
    client.args(["-V", "mqttv5", "-q", "1", "-h", host, "-p", port, "-t", topic, "-s"]).args(more);
    let mut client = client.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    client.stdin.take().unwrap().write_all(message.as_bytes()).unwrap();
    client.wait().unwrap().success()
}

/// Publishes each line as a message, one behind the other.
pub(crate) fn mosquitto_pub_lines(address: &str, topic: &str, lines: &[String]) {
    let (host, port) = address.rsplit_once(':').unwrap();
    let mut command = Command::new("mosquitto_pub");
    command.args(["-h", host, "-p", port, "-q", "1", "-t", topic, "-l"]).stdin(Stdio::piped());
    let mut client = command.spawn().unwrap();
    client.stdin.take().unwrap().write_all(lines.join("\n").as_bytes()).unwrap();
    assert!(client.wait().unwrap().success());
}

pub(crate) fn mosquitto_sub(address: &str, topic: &str) -> Replies {
    let (host, port) = address.rsplit_once(':').unwrap();
    let mut client = Command::new("mosquitto_sub");
    client.args(["-V", "mqttv5", "-q", "1", "-h", host, "-p", port, "-t", topic]);
    let mut child = client.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            // Nobody may listen any more.
            let _ = sender.send(line);
        }
    });
    Replies { child, lines }
}

/// Debian's Mosquitto.
pub(crate) struct Mosquitto {
    broker: Broker,
    directory: TempDir,
    authority: Option<PathBuf>,
}

impl Mosquitto {
    pub(crate) fn start() -> Self {
        Self::with("allow_anonymous true\n", TempDir::new().unwrap(), None)
    }

    /// Over TLS, where each account publishes under its own name alone; the first reads everything.
    pub(crate) fn start_secured(certificates: &Certificates, accounts: &[(&str, &str)]) -> Self {
        let directory = TempDir::new().unwrap();
        let path = |name: &str| directory.path().join(name);
        for (n, (name, password)) in accounts.iter().enumerate() {
            let mut made = Command::new("mosquitto_passwd");
            made.arg("-b").args((n == 0).then_some("-c")).arg(path("accounts")).args([name, password]);
            assert!(made.stderr(Stdio::null()).status().unwrap().success());
        }
        let reader = accounts[0].0;
        fs::write(path("rights"), format!("user {reader}\ntopic readwrite fleet/#\npattern write fleet/%u/claim\n"))
            .unwrap();
        for file in ["server.pem", "server.key"] {
            fs::copy(format!("{}/{file}", certificates.path()), path(file)).unwrap();
        }
        let settings = format!(
            "allow_anonymous false\npassword_file {}\nacl_file {}\ncertfile {}\nkeyfile {}\n",
            path("accounts").display(),
            path("rights").display(),
            path("server.pem").display(),
            path("server.key").display()
        );
        let authority = path("server.pem");
        Self::with(&settings, directory, Some(authority))
    }

    fn with(settings: &str, directory: TempDir, authority: Option<PathBuf>) -> Self {
        let port = free_port();
        let place = directory.path().display();
        // It stays who starts it, as a process of root would otherwise not read its files.
        let user = if fs::metadata("/root").is_ok_and(|_| fs::read_dir("/root").is_ok()) { "user root\n" } else { "" };
        let text = format!(
            "listener {port} 127.0.0.1\n{settings}{user}persistence true\npersistence_location {place}/\nautosave_interval 1\n\
             autosave_on_changes true\nmax_queued_messages 0\n"
        );
        fs::write(directory.path().join("mosquitto.conf"), text).unwrap();
        let broker = Broker::start(&mut command(&directory), port);
        Self { broker, directory, authority }
    }

    pub(crate) fn kill(&mut self) {
        // Mosquitto writes what it keeps when it is told to end.
        let pid = self.broker.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.broker.child.wait().unwrap();
    }

    pub(crate) fn publish_as(&self, user: &str, password: &str, topic: &str, message: &str) {
        let authority = self.authority.as_ref().unwrap().display().to_string();
        mosquitto_pub(&self.address(), topic, message, &["-u", user, "-P", password, "--cafile", &authority]);
    }

    pub(crate) fn publish_retained(&self, topic: &str, message: &str) {
        assert!(mosquitto_pub(&self.address(), topic, message, &["-r"]));
    }
}

fn command(directory: &TempDir) -> Command {
    // Debian has it where only root looks.
    let program = if fs::exists("/usr/sbin/mosquitto").unwrap() { "/usr/sbin/mosquitto" } else { "mosquitto" };
    let mut command = Command::new(program);
    command.arg("-c").arg(directory.path().join("mosquitto.conf"));
    command
}

impl Kind for Mosquitto {
    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.broker.port)
    }

    fn listen(&self, topic: &str) -> Replies {
        mosquitto_sub(&self.address(), topic)
    }

    fn restart(&mut self) {
        if self.broker.child.try_wait().unwrap().is_none() {
            self.kill();
        }
        self.broker = Broker::start(&mut command(&self.directory), self.broker.port);
    }

    fn keeps_over_restart(&self) -> bool {
        true
    }
}

/// rumqttd, which `./task` builds from `tests/rumqttd`. It keeps nothing over its own end.
pub(crate) struct Rumqttd(Broker);

impl Rumqttd {
    pub(crate) fn start() -> Self {
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("rumqttd/debug/rumqttd-for-tests");
        assert!(program.exists(), "{} is not there: `./task test` builds it first", program.display());
        let mut attempts = (0..10).map(|_| free_port());
        let started = attempts.find_map(|port| Broker::try_start(Command::new(&program).arg(port.to_string()), port));
        Self(started.expect("one of ten ports stays free"))
    }
}

impl Kind for Rumqttd {
    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.0.port)
    }

    fn listen(&self, topic: &str) -> Replies {
        mosquitto_sub(&self.address(), topic)
    }

    fn restart(&mut self) {
        *self = Self::start();
    }

    fn keeps_over_restart(&self) -> bool {
        false
    }
}
