//! The real binary, started and stopped by tests.

pub(crate) mod world;

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Output, Stdio},
    thread::{self, JoinHandle},
};

use deed_adapters::conformance::database_beside;

/// In every claim key that the suite uses, and in nothing else: no server and no command may print it.
pub(crate) const MARK: &str = "HUNTER2";

/// The binary, with nothing of the developer's own environment that could configure it.
pub(crate) fn deed(data_dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deed"));
    command
        .env_clear()
        .envs(on_postgres().then(|| ("DEED_DATABASE", database_beside(data_dir))))
        .env("DEED_DATA_DIR", data_dir)
        .env("HTTP_BIND_ADDRESS", "127.0.0.1")
        .env("HTTP_BIND_PORT", "0")
        .env("MQTT_BIND_PORT", "0")
        .env("COAP_BIND_PORT", "0")
        // On a busy machine an answer may take its time; a test of its own shows how it comes then.
        .env("COAP_PIGGYBACK_TIMEOUT", "20000");
    command
}

/// Whether the service keeps its data on PostgreSQL, as `./task test-postgres` has it.
#[expect(clippy::disallowed_methods, reason = "how the tests are run, not how the service is configured")]
pub(crate) fn on_postgres() -> bool {
    std::env::var("DEED_TEST_STORE").is_ok_and(|store| store == "postgres")
}

/// Runs the binary to its end.
pub(crate) fn run(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert_shows_no_key(&stdout);
    assert_shows_no_key(&stderr);
    (status.code().unwrap(), stdout, stderr)
}

/// A server that is killed when the test is over.
pub(crate) struct Server {
    child: Child,
    /// Where it answers.
    pub(crate) url: String,
    /// Where it speaks MQTT.
    pub(crate) mqtt: String,
    /// Where it speaks MQTT over TLS; empty if it does not.
    pub(crate) mqtt_tls: String,
    /// Where it speaks CoAP.
    pub(crate) coap: String,
    /// Where it speaks CoAP over DTLS; empty if it does not.
    pub(crate) coap_dtls: String,
    /// What it printed before it was ready.
    pub(crate) greeting: String,
    stdout: BufReader<ChildStdout>,
    stderr: Option<JoinHandle<String>>,
}

impl Server {
    /// Starts it and waits until it is ready.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let stderr = child.stderr.take().unwrap();
        let stderr = Some(thread::spawn(move || read_all(stderr)));
        let mut server = Self {
            child,
            url: String::new(),
            mqtt: String::new(),
            mqtt_tls: String::new(),
            coap: String::new(),
            coap_dtls: String::new(),
            greeting: String::new(),
            stdout,
            stderr,
        };
        loop {
            let mut line = String::new();
            if server.stdout.read_line(&mut line).unwrap() == 0 {
                panic!("the server ended before it was ready:\n{}", server.wait().1);
            }
            if let Some(url) = line.trim().strip_prefix("deed is ready: ") {
                url.clone_into(&mut server.url);
                return server;
            }
            if let Some(address) = line.trim().strip_prefix("Devices speak MQTT at ") {
                address.clone_into(&mut server.mqtt);
            }
            if let Some(address) = line.trim().strip_prefix("Devices speak MQTT over TLS at ") {
                address.clone_into(&mut server.mqtt_tls);
            }
            if let Some(address) = line.trim().strip_prefix("Devices speak CoAP at ") {
                address.clone_into(&mut server.coap);
            }
            if let Some(address) = line.trim().strip_prefix("Devices speak CoAP over DTLS at ") {
                address.clone_into(&mut server.coap_dtls);
            }
            server.greeting.push_str(&line);
        }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.id().to_string()).status().unwrap();
        assert!(sent.success());
    }

    /// Stops it in order, and gives its status and everything that it printed and logged.
    pub(crate) fn stop(self) -> (ExitStatus, String) {
        self.signal("TERM");
        self.wait()
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        let mut printed = self.greeting.clone();
        self.stdout.read_to_string(&mut printed).unwrap();
        printed.push_str(&self.stderr.take().unwrap().join().unwrap());
        assert_shows_no_key(&printed);
        (status, printed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(stderr) = self.stderr.take()
            && !thread::panicking()
        {
            assert_shows_no_key(&stderr.join().unwrap());
        }
    }
}

fn assert_shows_no_key(printed: &str) {
    assert!(!printed.contains(MARK), "a claim key was printed:\n{printed}");
}

fn read_all(mut stderr: ChildStderr) -> String {
    let mut text = String::new();
    stderr.read_to_string(&mut text).unwrap();
    text
}
