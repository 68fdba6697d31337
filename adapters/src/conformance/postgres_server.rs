//! A PostgreSQL server of one's own, from the system's binaries: on a free port, with its files in a temporary directory, gone
//! with whoever started it.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio_postgres::NoTls;

/// Makes the files, runs the server, and ends it when nobody holds the other end of the pipe any more, however that came.
/// Each line that comes through the pipe is an order: `kill` ends all its processes by SIGKILL, the first of them first, so
/// that it cannot mend anything; `stop` and `quit` are its own ways to end without waiting for clients, with and without a
/// checkpoint; `start` starts it again; `limit` is for the size of its files.
const SCRIPT: &str = r#"
set -eu
bin=$1 port=$2 log_files=$3 settings=$4
dir=$(mktemp -d /tmp/deed-postgres.XXXXXXXX)
trap 'kill -QUIT $server 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
"$bin/initdb" -D "$dir/data" -U deed --auth=trust -E UTF8 --locale=C.UTF-8 --wal-segsize="$log_files" --no-sync >"$dir/log" 2>&1
start() {
    "$bin/postgres" -D "$dir/data" -p "$port" -h 127.0.0.1 -k "$dir" -c fsync=off -c max_connections=300 \
        -c listen_addresses=127.0.0.1 $settings >>"$dir/log" 2>&1 &
    server=$!
}
children() { sed -n "s/^\([0-9]*\) (.*) . $server .*/\1/p" /proc/[0-9]*/stat 2>/dev/null || true; }
start
echo "$dir"
while read -r order size; do
    case $order in
        kill)
            children=$(children)
            kill -KILL "$server" $children 2>/dev/null || true
            wait "$server" || true
            for child in $children; do while readlink "/proc/$child/exe" >/dev/null; do sleep 0.01; done; done ;;
        limit)
            prlimit --pid "$server" --fsize="$size:"
            for child in $(children); do prlimit --pid "$child" --fsize="$size:" 2>/dev/null || true; done ;;
        stop) kill -INT "$server" 2>/dev/null || true; wait "$server" || true ;;
        quit) kill -QUIT "$server" 2>/dev/null || true; wait "$server" || true ;;
        start) start ;;
    esac
    echo "$order"
done
"#;

/// A running server.
pub struct PostgresServer {
    port: u16,
    directory: PathBuf,
    /// The end of the pipe; the server ends when it is closed.
    orders: Option<ChildStdin>,
    answers: BufReader<std::process::ChildStdout>,
    script: Child,
}

static DATABASES: AtomicU32 = AtomicU32::new(0);

impl PostgresServer {
    /// Starts a server that does not wait for the disk.
    pub fn start() -> Self {
        Self::start_with(16, "")
    }

    /// Starts a server whose write-ahead log is in files of so many MiB, a power of two; of 16 by default.
    pub fn start_with_log_files_of(size: u32) -> Self {
        Self::start_with(size, "")
    }

    /// Starts a server that waits for the disk, as those do that keep what is dear to somebody.
    pub fn start_durable() -> Self {
        Self::start_with(16, "-c fsync=on")
    }

    fn start_with(log_files: u32, settings: &str) -> Self {
        let binaries = binaries().expect("PostgreSQL's server is needed: install the package `postgresql`");
        let port = free_port();
        let mut command = if is_root() {
            // PostgreSQL refuses to run as root.
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "sh"]);
            command
        } else {
            Command::new("sh")
        };
        command.args(["-c", SCRIPT, "sh"]).arg(binaries);
        command.args([&port.to_string(), &log_files.to_string(), settings]).current_dir("/");
        let mut script =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("sh and setpriv are there");
        let orders = script.stdin.take();
        let mut answers = BufReader::new(script.stdout.take().unwrap());
        let mut directory = String::new();
        answers.read_line(&mut directory).unwrap();
        assert!(!directory.is_empty(), "the server could not be started");
        Self { port, directory: directory.trim().into(), orders, answers, script }
    }

    /// The port on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The address of a database of the server.
    pub fn url(&self, database: &str) -> String {
        url(self.port, database)
    }

    /// The address of a new, empty database.
    pub fn new_database(&self) -> String {
        new_database_on(self.port)
    }

    /// A program of the server's, such as `psql`.
    pub fn program(&self, name: &str) -> PathBuf {
        binaries().expect("PostgreSQL is installed").join(name)
    }

    /// Ends the server and each of its processes at once, by `kill -9`.
    pub fn kill(&mut self) {
        self.order("kill");
    }

    /// Ends the server in order, without waiting for its clients.
    pub fn stop(&mut self) {
        self.order("stop");
    }

    /// Ends the server without a checkpoint, as for a machine that goes down at once: it recovers when it starts again.
    pub fn quit(&mut self) {
        self.order("quit");
    }

    /// Starts it again after that.
    pub fn start_again(&mut self) {
        self.order("start");
    }

    /// Lets no file of the running server be written beyond so many bytes, or any again: stands for a disk that is full.
    /// The files of the write-ahead log are written anew as long as they are no larger.
    pub fn limit_files(&mut self, bytes: Option<u64>) {
        self.order(&bytes.map_or_else(|| "limit unlimited".to_owned(), |bytes| format!("limit {bytes}")));
    }

    /// What the server has written to its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }

    fn order(&mut self, order: &str) {
        use std::io::Write;
        writeln!(self.orders.as_mut().unwrap(), "{order}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        assert_eq!(Some(answer.trim()), order.split(' ').next());
    }

    /// Waits until it takes connections.
    pub async fn ready(&self) {
        for _ in 0..300 {
            if tokio_postgres::connect(&self.url("postgres"), NoTls).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the server does not take connections");
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.script.wait();
    }
}

/// The address of a new, empty database on a server that all tests of this program share.
pub fn new_database() -> String {
    new_database_on(shared_server())
}

fn new_database_on(port: u16) -> String {
    let name = format!("deed_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let tool = binaries().expect("PostgreSQL is installed").join("createdb");
    let mut command = Command::new(tool);
    command.args(["-h", "127.0.0.1", "-U", "deed", "-p", &port.to_string(), &name]).stderr(Stdio::null());
    for _ in 0..300 {
        if command.status().is_ok_and(|status| status.success()) {
            return url(port, &name);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("the server takes no database");
}

/// The address of the database that goes with a data directory, made when it is asked for first; on the server that all tests
/// of this program share.
pub fn database_beside(data_dir: &Path) -> String {
    static KNOWN: Mutex<BTreeMap<PathBuf, String>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.entry(data_dir.to_owned()).or_insert_with(new_database).clone()
}

fn shared_server() -> u16 {
    static SERVER: OnceLock<(u16, PostgresServer)> = OnceLock::new();
    let server = SERVER.get_or_init(|| {
        let server = PostgresServer::start();
        (server.port, server)
    });
    server.0
}

fn url(port: u16, database: &str) -> String {
    format!("postgres://deed@127.0.0.1:{port}/{database}")
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// The directory of the newest server's binaries, where Debian has them, or where PostgreSQL says that they are.
fn binaries() -> Option<PathBuf> {
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = installed.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).max();
    newest.map(|version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin"))).or_else(|| {
        let told = Command::new("pg_config").arg("--bindir").output().ok()?;
        Some(PathBuf::from(String::from_utf8(told.stdout).ok()?.trim()))
    })
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| std::os::unix::fs::MetadataExt::uid(&process) == 0)
}
