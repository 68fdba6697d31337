//! Several nodes on one PostgreSQL database, and what befalls the way between them.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use deed_adapters::{
    Store,
    conformance::{PostgresServer, new_database},
};
use deed_domain::{
    claim_key::ClaimKey,
    claims::{Claims, Failure},
    credentials::NewCredentials,
    device::{Reclaimer, Refusal},
    ids::{CustomerId, DeviceId, Position, UserId},
    ports::{AppendError, DeviceWatch, DeviceWatcher, EventStore, Feed, Scope, StoreError, Written},
};
use deed_projections::OwnershipQuery;
use futures_util::future::join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{Instant, sleep, timeout},
};
use tokio_postgres::NoTls;
use uuid::Uuid;

use crate::world::{TENANT, caller, claims, expect_whole, issue, open, register};

async fn claim(claims: &Claims, name: &str, number: u128) -> Result<(), Failure> {
    let (customer, user) = (CustomerId(Uuid::from_u128(number)), UserId(Uuid::from_u128(number)));
    claims.claim(&caller(), TENANT, name, customer, user, ClaimKey::new("right")).await.map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_share_one_log_and_each_device_has_one_winner() {
    const ROUNDS: usize = 12;
    let url = new_database();
    let mut nodes = Vec::new();
    for _ in 0..3 {
        nodes.push(open(&url).await);
    }
    let first = claims(&nodes[0]);
    let mut devices = Vec::new();
    for number in 0..8 {
        devices.push(register(&first, &format!("D-{number}")).await.unwrap());
    }
    let mut won = 0;
    for _ in 0..ROUNDS {
        for device in &devices {
            issue(&first, *device, "right", 600_000).await.unwrap();
        }
        let mut racing = Vec::new();
        for (node, store) in nodes.iter().enumerate() {
            for (number, device) in devices.iter().enumerate() {
                let (claims, device) = (claims(store), *device);
                racing.push(tokio::spawn(async move {
                    let name = format!("D-{number}");
                    let claimed = claim(&claims, &name, 100 + node as u128).await;
                    // An issue beside it is refused or not, as it happens to come before or after.
                    drop(issue(&claims, device, "right", 600_000).await);
                    (number, claimed)
                }));
            }
        }
        let mut winners = vec![0; devices.len()];
        for racer in racing {
            let (number, claimed) = racer.await.unwrap();
            match claimed {
                Ok(()) => winners[number] += 1,
                Err(Failure::Refused(Refusal::AlreadyClaimed)) => {}
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(winners, vec![1; devices.len()]);
        won += devices.len();
        for (number, store) in (0..devices.len()).zip(nodes.iter().cycle()) {
            claims(store).reclaim(&caller(), TENANT, &format!("D-{number}"), Reclaimer::Tenant).await.unwrap();
        }
    }
    let mut spans = 0;
    for device in &devices {
        spans += nodes[1].ownerships(device.device_id).await.unwrap().len();
    }
    assert_eq!(spans, won);
    for node in &nodes {
        expect_whole(node).await;
        node.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_hears_of_what_another_node_appends() {
    let url = new_database();
    let (here, there) = (open(&url).await, open(&url).await);
    let mut all = here.subscribe(Scope::All, Position(0));
    let following = tokio::spawn(async move {
        let mut events = 0;
        while events < 20 {
            events += all.next().await.unwrap().events.len();
        }
        events
    });
    let claims = claims(&there);
    for number in 0..20 {
        register(&claims, &format!("D-{number}")).await.unwrap();
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(timeout(Duration::from_secs(30), following).await.unwrap().unwrap(), 20);
}

/// Remembers what it is told.
#[derive(Default)]
struct Heard(Mutex<Vec<(DeviceId, Written)>>);

impl DeviceWatcher for Heard {
    fn written(&self, device_id: DeviceId, what: Written) {
        self.0.lock().unwrap().push((device_id, what));
    }
}

/// What stays connected must not go on with credentials that another node has replaced. The bound that the documentation
/// states is two seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_watches_devices_hears_of_what_another_node_writes() {
    let url = new_database();
    let (here, there) = (open(&url).await, open(&url).await);
    let device = register(&claims(&there), "D-1").await.unwrap();
    sleep(Duration::from_secs(1)).await;
    let heard = Arc::new(Heard::default());
    let watcher = Arc::downgrade(&heard);
    here.watch(watcher);
    let replaced = NewCredentials::access_token("another-token").unwrap();
    claims(&there).replace_credentials(&caller(), device, &replaced, None).await.unwrap();
    let began = Instant::now();
    let has_heard = || heard.0.lock().unwrap().iter().any(|(id, what)| *id == device.device_id && what.credentials);
    while !has_heard() {
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", heard.0.lock().unwrap());
        sleep(Duration::from_millis(20)).await;
    }
}

/// What stands between a node and the database.
struct Proxy {
    port: u16,
    mode: Arc<AtomicU8>,
}

/// All is passed on.
const OPEN: u8 = 0;
/// Nothing is passed on any more, and nobody is told.
const SILENT: u8 = 1;
/// The next commit reaches the database, and its answer nobody.
const SWALLOW_COMMIT: u8 = 2;

impl Proxy {
    async fn before(database: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mode = Arc::new(AtomicU8::new(OPEN));
        let shared = Arc::clone(&mode);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if shared.load(Ordering::SeqCst) == SILENT {
                    // Accepted, and never answered.
                    tokio::spawn(async move {
                        sleep(Duration::from_secs(600)).await;
                        drop(client);
                    });
                    continue;
                }
                let server = TcpStream::connect(("127.0.0.1", database)).await.unwrap();
                tokio::spawn(pass(client, server, Arc::clone(&shared)));
            }
        });
        Self { port, mode }
    }

    fn set(&self, mode: u8) {
        self.mode.store(mode, Ordering::SeqCst);
    }
}

async fn pass(client: TcpStream, server: TcpStream, mode: Arc<AtomicU8>) {
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let swallowed = Arc::new(AtomicU8::new(0));
    let (down_mode, down_swallowed) = (Arc::clone(&mode), Arc::clone(&swallowed));
    let down = tokio::spawn(async move {
        let mut buffer = vec![0; 65_536];
        while let Ok(length @ 1..) = from_server.read(&mut buffer).await {
            if down_swallowed.load(Ordering::SeqCst) == 1 {
                // The database has answered: the connection ends without it.
                return;
            }
            while down_mode.load(Ordering::SeqCst) == SILENT {
                sleep(Duration::from_millis(50)).await;
            }
            if to_client.write_all(&buffer[..length]).await.is_err() {
                return;
            }
        }
    });
    let mut buffer = vec![0; 65_536];
    while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
        while mode.load(Ordering::SeqCst) == SILENT {
            sleep(Duration::from_millis(50)).await;
        }
        let is_commit = buffer[..length].windows(6).any(|word| word == b"COMMIT");
        if is_commit && mode.compare_exchange(SWALLOW_COMMIT, OPEN, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            swallowed.store(1, Ordering::SeqCst);
        }
        if to_server.write_all(&buffer[..length]).await.is_err() {
            break;
        }
        if swallowed.load(Ordering::SeqCst) == 1 {
            break;
        }
    }
    let _ = down.await;
}

fn through(proxy: &Proxy, url: &str) -> String {
    let (server, database) = url.rsplit_once('/').unwrap();
    let (address, _) = server.rsplit_once(':').unwrap();
    format!("{address}:{}/{database}", proxy.port)
}

fn port_of(url: &str) -> u16 {
    url.rsplit_once('/').unwrap().0.rsplit_once(':').unwrap().1.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_got_lost_is_asked_after() {
    let url = new_database();
    let proxy = Proxy::before(port_of(&url)).await;
    let store = open(&through(&proxy, &url)).await;
    let claims = claims(&store);
    for round in 0..5 {
        proxy.set(SWALLOW_COMMIT);
        let name = format!("D-{round}");
        register(&claims, &name).await.unwrap();
        // It was carried out, and once.
        let again = register(&claims, &name).await.unwrap_err();
        assert!(matches!(again, Failure::NotAppended(AppendError::Taken(_))), "{again}");
    }
    expect_whole(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_cut_off_says_so_and_holds_up_nobody() {
    let url = new_database();
    let proxy = Proxy::before(port_of(&url)).await;
    let (cut, other) = (open(&through(&proxy, &url)).await, open(&url).await);
    let (cut_claims, other_claims) = (claims(&cut), claims(&other));
    register(&cut_claims, "D-0").await.unwrap();
    proxy.set(SILENT);
    let began = Instant::now();
    let refused = register(&cut_claims, "D-1").await.unwrap_err();
    assert!(matches!(refused, Failure::NotAppended(AppendError::Store(StoreError::Unavailable(_)))), "{refused}");
    assert!(cut.check_writable().await.is_err());
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    let began = Instant::now();
    register(&other_claims, "D-2").await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    proxy.set(OPEN);
    let began = Instant::now();
    while cut.check_writable().await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(30), "it does not come back");
        sleep(Duration::from_millis(100)).await;
    }
    register(&cut_claims, "D-3").await.unwrap();
    expect_whole(&other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_when_the_server_is_killed() {
    let mut server = PostgresServer::start();
    server.ready().await;
    let url = server.url("postgres");
    let nodes = [open(&url).await, open(&url).await];
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let stop = Arc::new(AtomicU8::new(0));
    let mut clients = Vec::new();
    for client in 0..16 {
        let (claims, acknowledged, stop) = (claims(&nodes[client % 2]), Arc::clone(&acknowledged), Arc::clone(&stop));
        clients.push(tokio::spawn(async move {
            let mut number = 0;
            while stop.load(Ordering::SeqCst) == 0 {
                let name = format!("D-{client}-{number}");
                match register(&claims, &name).await {
                    Ok(device) => acknowledged.lock().unwrap().push((name, device.device_id)),
                    Err(Failure::NotAppended(AppendError::Store(StoreError::Unavailable(_)))) => {
                        sleep(Duration::from_millis(50)).await;
                    }
                    Err(other) => panic!("{other}"),
                }
                number += 1;
            }
        }));
    }
    for round in 0..4 {
        sleep(Duration::from_millis(700)).await;
        let before = acknowledged.lock().unwrap().len();
        if round % 2 == 0 {
            server.kill();
        } else {
            server.stop();
        }
        sleep(Duration::from_millis(300)).await;
        server.start_again();
        let began = Instant::now();
        while acknowledged.lock().unwrap().len() < before + 50 {
            assert!(began.elapsed() < Duration::from_secs(60), "nothing is acknowledged any more\n{}", server.log());
            sleep(Duration::from_millis(50)).await;
        }
    }
    stop.store(1, Ordering::SeqCst);
    for client in clients {
        client.await.unwrap();
    }
    let acknowledged = acknowledged.lock().unwrap().clone();
    for (name, device_id) in &acknowledged {
        let found = deed_projections::DeviceListQuery::device_named(&nodes[0], TENANT, name).await.unwrap();
        assert_eq!(found.map(|row| row.device_id), Some(*device_id), "{name}");
    }
    expect_whole(&nodes[1]).await;
}

/// Managed databases say so when their disk is nearly full, and take it back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_from_when_nothing_could_be_written_is_not_kept() {
    let server = PostgresServer::start();
    server.ready().await;
    let (admin, connection) = tokio_postgres::connect(&server.url("postgres"), NoTls).await.unwrap();
    tokio::spawn(connection);
    let store = open(&server.url("postgres")).await;
    let all = || join_all((0..4).map(|_| store.odd_peppers(Vec::new())));
    let say = async |on: &str| {
        admin
            .batch_execute(&format!("ALTER DATABASE postgres SET default_transaction_read_only = {on}"))
            .await
            .unwrap();
        let ours = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'deed'";
        admin.query(ours, &[]).await.unwrap();
    };
    assert!(all().await.iter().all(Result::is_ok));
    say("on").await;
    sleep(Duration::from_millis(1_100)).await;
    let refused = all().await.into_iter().map(|written| written.unwrap_err().to_string()).collect::<Vec<_>>();
    assert!(refused.iter().any(|why| why.contains("does not allow writes")), "{refused:?}");
    assert!(store.check_writable().await.is_err());
    admin
        .batch_execute(
            "SET default_transaction_read_only = off; ALTER DATABASE postgres RESET default_transaction_read_only",
        )
        .await
        .unwrap();
    let written = all().await;
    assert!(written.iter().all(Result::is_ok), "{written:?}");
    store.check_writable().await.unwrap();
}
