//! What the operator's pages say about backup and restore, done word for word beside a service under load: what was acknowledged
//! before the backup is in what is restored.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[expect(dead_code, reason = "each test program uses a part of it")]
mod deed;

use std::{
    fs,
    path::Path,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use deed_adapters::conformance::{PostgresServer, new_database};
use reqwest::Client;
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;

use self::deed::{MARK, Server, deed, run, world::sign_in};

const SQLITE: &str = include_str!("../docs/operations/data-and-backup.md");
const POSTGRES: &str = include_str!("../docs/operations/postgresql.md");

/// The commands of the section.
fn commands(page: &str, heading: &str) -> String {
    let (_, section) = page.split_once(&format!("\n{heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let blocks: Vec<&str> = section.split("```sh\n").skip(1).filter_map(|block| block.split("```").next()).collect();
    assert_eq!(blocks.len(), 1, "{heading} has one block of commands");
    blocks[0].to_owned()
}

/// Where an operator works: `deed-data` is here, and so are the places that the pages call `/backup` and `/safe`.
struct Desk {
    directory: TempDir,
    environment: Vec<(&'static str, String)>,
}

impl Desk {
    fn new(environment: Vec<(&'static str, String)>) -> Self {
        let directory = TempDir::new().unwrap();
        for name in ["backup", "safe"] {
            fs::create_dir(directory.path().join(name)).unwrap();
        }
        Self { directory, environment }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    /// Types the commands as they stand.
    async fn follow(&self, commands: &str) {
        let here = self.directory.path().display();
        let commands = commands.replace("/backup", &format!("{here}/backup")).replace("/safe", &format!("{here}/safe"));
        let binaries = Path::new(env!("CARGO_BIN_EXE_deed")).parent().unwrap().display();
        let mut shell = Command::new("sh");
        shell.args(["-eux", "-c", &commands]).current_dir(self.directory.path()).env_clear();
        shell.env("PATH", format!("{binaries}:/usr/bin:/bin")).envs(self.environment.clone());
        let done = tokio::task::spawn_blocking(move || shell.output().unwrap()).await.unwrap();
        let printed = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success() && !printed.to_lowercase().contains("warning"), "{printed}");
    }
}

/// Clients that register devices and their keys until they are stopped.
struct Load {
    acknowledged: Arc<Mutex<Vec<String>>>,
    is_over: Arc<AtomicBool>,
    clients: JoinSet<()>,
}

impl Load {
    async fn start(server: &Server) -> Self {
        let url = server.url.clone();
        let tenant = sign_in(&Client::new(), &url, "tenant@thingsboard.org", "tenant").await;
        let mut load = Self { acknowledged: Arc::default(), is_over: Arc::default(), clients: JoinSet::new() };
        for client in 0..6 {
            let (acknowledged, is_over) = (load.acknowledged.clone(), load.is_over.clone());
            let (url, tenant) = (url.clone(), tenant.clone());
            load.clients.spawn(async move {
                let http = Client::new();
                for number in 0.. {
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    let name = format!("load-{client}-{number}");
                    let made = http.post(format!("{url}/api/device?accessToken={name}")).bearer_auth(&tenant);
                    let made = made.json(&json!({"name": name})).send().await.unwrap();
                    assert!(made.status().is_success());
                    let key = json!({"secretKey": key_of(&name), "durationMs": 86_400_000});
                    let issued = http.post(format!("{url}/api/v1/{name}/claim")).json(&key).send().await.unwrap();
                    assert!(issued.status().is_success());
                    acknowledged.lock().unwrap().push(name);
                }
            });
        }
        load.more(30).await;
        load
    }

    /// Waits for so many more, and gives all.
    async fn more(&self, count: usize) -> Vec<String> {
        let before = self.acknowledged.lock().unwrap().len();
        while self.acknowledged.lock().unwrap().len() < before + count {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.acknowledged.lock().unwrap().clone()
    }

    async fn stop(mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        while let Some(client) = self.clients.join_next().await {
            client.unwrap();
        }
    }
}

fn key_of(name: &str) -> String {
    format!("key-of-{name}-{MARK}")
}

fn demo(data: &Path, arguments: &[&str]) -> Server {
    let mut command = deed(data);
    command.args(["serve", "--demo"]).args(arguments).env("SECURITY_CLAIM_ALLOW_CLAIMING_BY_DEFAULT", "true");
    Server::start(&mut command)
}

fn output(command: &mut Command) -> String {
    let (status, output, error) = run(command);
    assert_eq!(status, 0, "{error}");
    output
}

/// A backup is the log of one moment: a beginning of the whole one, byte for byte, with what had been acknowledged.
fn assert_backed_up(live: &str, backup: &str, acknowledged: &[String]) {
    assert!(live.starts_with(backup) && live.len() > backup.len());
    for name in acknowledged {
        assert!(backup.contains(&format!(r#""name":"{name}""#)), "{name} is lost");
    }
}

/// Backs up and restores beside the service, and shows what is restored to have what was acknowledged before; `log` is how the log of
/// either is read, and `restored` serves what was restored.
async fn backed_up_and_restored(desk: &Desk, page: &str, server: Server, log: [Command; 2], mut restored: Command) {
    let load = Load::start(&server).await;
    let before = load.more(30).await;
    desk.follow(&commands(page, "## Backup")).await;
    load.more(10).await;
    desk.follow(&commands(page, "## Restore")).await;
    load.stop().await;
    assert!(server.stop().0.success());
    let [live, backup] = log.map(|mut command| output(&mut command));
    assert_backed_up(&live, &backup, &before);
    let server = Server::start(&mut restored);
    let customer = sign_in(&Client::new(), &server.url, "customer@thingsboard.org", "customer").await;
    let claim = Client::new().post(format!("{}/api/customer/device/{}/claim", server.url, before[0]));
    let claim = claim.bearer_auth(customer).json(&json!({"secretKey": key_of(&before[0])}));
    assert!(claim.send().await.unwrap().text().await.unwrap().contains("SUCCESS"));
    assert!(server.stop().0.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_backed_up_and_restored_as_the_page_says() {
    let desk = Desk::new(Vec::new());
    let [data, restored] = ["deed-data", "deed-restored"].map(|name| desk.path(name));
    let export = |data: &Path| {
        let mut command = deed(data);
        command.arg("export");
        command
    };
    let mut serve = deed(&restored);
    serve.arg("serve");
    let server = demo(&data, &[]);
    backed_up_and_restored(&desk, SQLITE, server, [export(&data), export(&restored)], serve).await;
    #[cfg(unix)]
    for name in ["backup/deed.db", "safe/secrets.yml", "deed-restored/deed.db", "deed-restored/secrets.yml"] {
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(desk.path(name)).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_is_backed_up_and_restored_as_the_page_says() {
    let admin = new_database();
    let (server, database) = admin.rsplit_once('/').unwrap();
    // The server's administrator is called as the page calls the nodes' user, who is nothing of the kind here.
    let server = server.replace("deed@", "ordinary@");
    let (live, restored) = (format!("{server}/{database}"), format!("{server}/deed_restored"));
    let environment = [("DEED_DATABASE", &live), ("DEED_RESTORED", &restored), ("POSTGRES_ADMIN", &admin)];
    let desk = Desk::new(environment.map(|(name, url)| (name, url.clone())).to_vec());
    desk.follow(&format!(
        r#"psql --quiet --command="CREATE ROLE ordinary LOGIN" --command="ALTER DATABASE {database} OWNER TO ordinary" "$POSTGRES_ADMIN""#
    ))
    .await;
    let page = POSTGRES.replace("--owner=deed deed_restored", "--owner=ordinary deed_restored");
    let data = desk.path("nodes");
    let export = |url: &str| {
        let mut command = deed(&data);
        command.args(["export", "--database", url]);
        command
    };
    let mut serve = deed(&desk.path("elsewhere"));
    serve.args(["serve", "--database", &restored, "--config"]).arg(data.join("secrets.yml"));
    let server = demo(&data, &["--database", &live]);
    backed_up_and_restored(&desk, &page, server, [export(&live), export(&restored)], serve).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_backed_up_as_the_page_says() {
    let mut server = PostgresServer::start();
    server.ready().await;
    let url = server.url("postgres");
    let backup = url.replace("deed@", "backup@");
    let desk = Desk::new(vec![("DEED_DATABASE", url.clone()), ("DEED_BACKUP", backup)]);
    desk.follow(r#"psql --quiet --command="CREATE ROLE backup LOGIN REPLICATION" "$DEED_DATABASE""#).await;
    let data = desk.path("nodes");
    let node = demo(&data, &["--database", &url]);
    let load = Load::start(&node).await;
    let before = load.more(30).await;
    desk.follow(&commands(POSTGRES, "## Continuous backup")).await;
    load.more(10).await;
    load.stop().await;
    assert!(node.stop().0.success());
    let export = || output(deed(&data).args(["export", "--database", &url]));
    let live = export();
    // The server goes, and comes again with the files of the backup.
    desk.follow("psql --no-align --tuples-only --command='SHOW data_directory' \"$DEED_DATABASE\" >files").await;
    server.stop();
    desk.follow("files=$(cat files); chown -R --reference=$files /backup/base; mv $files old; mv /backup/base $files")
        .await;
    server.start_again();
    server.ready().await;
    let checked = output(deed(&data).args(["check", "--database", &url]));
    assert!(checked.contains(" 0 faults"), "{checked}");
    assert_backed_up(&live, &export(), &before);
}
