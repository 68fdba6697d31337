//! Messages as such: malformed ones, ones that come again, ones that are too large, too many of them.

use std::{sync::mpsc, thread};

use rusqlite::Connection;

use crate::{
    client::{ACK, CON, Client, GET, Message, NON, POST, RST, SIZE1},
    deed::world::World,
    requests::{claim_of, key},
};

#[tokio::test]
async fn what_is_malformed_is_rejected_and_does_no_harm() {
    let world = World::start().await;
    world.open_device("D").await;
    let mut client = Client::new(&world.server).await;
    for silent in [
        &b""[..],
        b"\x40\x02\0",
        b"\x80\x02\0\x51",
        b"\x49\x02\0\x52123456789",
        b"\x60\0\0\x4f",
        b"\x70\0\0\x50",
        b"\x60\x02\0\x50",
    ] {
        client.send(silent).await;
    }
    client.hears_nothing().await;
    for rejected in
        [&b"\x40\0\0\x4d"[..], b"\x50\0\0\x4d", b"\x40\x21\0\x4d", b"\x40\x45\0\x4d", b"\x50\x02\0\x4d\xb9a"]
    {
        let answer = client.exchange(rejected).await;
        let reset = Message { kind: RST, id: 0x4d, ..Message::default() };
        assert_eq!(answer, reset, "{rejected:02x?}");
    }
    for (told, why) in [
        (&b"\x41\x02\0\x55t\xb9a"[..], "malformed"),
        (b"\x41\x02\0\x55t\xb3api\xff", "malformed"),
        (b"\x41\x1f\0\x55t", "unknown method"),
        (b"\x41\x02\0\x55t\xe1\x06\xf4x", "unknown critical option 2049"),
    ] {
        let answer = client.exchange(told).await;
        assert_eq!((answer.kind, answer.id, answer.code().as_str(), &*answer.token), (ACK, 0x55, "4.02", &b"t"[..]));
        assert!(answer.text().contains(why), "{}", answer.text());
    }
    let request =
        client.request(POST, &claim_of("D"), key("K")).with(2_048, "elective").with(5, "").with(35, "coap://x/");
    assert_eq!(client.ask(request).await.code(), "2.01", "what may be ignored is");
}

#[tokio::test]
async fn a_datagram_has_2048_bytes_at_most() {
    let world = World::start().await;
    world.open_device("D").await;
    let mut client = Client::new(&world.server).await;
    let padded = |client: &mut Client, size: usize| {
        let mut request = client.request(POST, &claim_of("D"), "");
        let room = size - request.write().len() - 1 - r#"{"pad":""}"#.len();
        request.payload = format!(r#"{{"pad":"{}"}}"#, "x".repeat(room)).into_bytes();
        assert_eq!(request.write().len(), size);
        request
    };
    let request = padded(&mut client, 2_048);
    assert_eq!(client.ask(request).await.code(), "2.01");
    for size in [2_049, 8_000, 60_000] {
        let request = padded(&mut client, size);
        let answer = client.ask(request.clone()).await;
        assert_eq!((answer.code().as_str(), answer.option(SIZE1)), ("4.13", Some(65_536)), "{size}");
        assert_eq!(client.ask(Message { kind: NON, ..request }).await.code(), "4.13", "{size}");
    }
}

/// The same message is the same request, whatever has happened in between; another one under its id is another.
#[tokio::test]
async fn a_message_that_comes_again_is_answered_again_and_not_carried_out() {
    let world = World::start().await;
    world.open_device("D").await;
    for kind in [CON, NON] {
        let mut client = Client::new(&world.server).await;
        let request = Message { kind, ..client.request(POST, &claim_of("D"), key("K")) };
        let answer = client.ask(request.clone()).await;
        assert_eq!(answer.code(), "2.01");
        assert_eq!(world.claim_with(&world.customer_a, "D", "K").await.0, 200);
        assert_eq!(client.ask(request.clone()).await, answer);
        assert_eq!(world.reclaim(&world.tenant, "D").await.0, 200);
        for _ in 0..3 {
            assert_eq!(client.ask(request.clone()).await, answer);
        }
        assert_eq!(world.claim_with(&world.customer_a, "D", "K").await.0, 400, "it has registered nothing again");
        let other = Message { payload: key("L").into_bytes(), ..request };
        assert_eq!(client.ask(other).await.code(), "2.01");
        assert_eq!(world.claim_with(&world.customer_a, "D", "L").await.0, 200);
        assert_eq!(world.reclaim(&world.tenant, "D").await.0, 200);
    }
}

/// While the store is busy, a request is acknowledged at once and answered later, until the client says that it has heard;
/// what comes again meanwhile is acknowledged again; and others are served.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_takes_long_comes_by_itself() {
    if crate::deed::on_postgres() {
        // It locks the file.
        return;
    }
    let world = World::start_with(&[("COAP_PIGGYBACK_TIMEOUT", "500")]).await;
    world.open_device("D").await;
    let (mut client, mut other) = (Client::new(&world.server).await, Client::new(&world.server).await);
    let lock = Lock::take(&world);
    let request = client.request(POST, &claim_of("D"), key("K"));
    let acknowledgement = Message { kind: ACK, id: request.id, ..Message::default() };
    assert_eq!(client.exchange(&request.write()).await, acknowledgement);
    assert_eq!(client.exchange(&request.write()).await, acknowledgement);
    assert_eq!(other.get(".well-known/core").await.0, "2.05");
    assert_eq!(other.get(&claim_of("D")).await.0, "2.05");
    lock.release();
    let answer = client.read().await;
    assert_eq!((answer.kind, answer.code().as_str(), &answer.token), (CON, "2.01", &request.token));
    assert_ne!(answer.id, request.id);
    assert_eq!(client.read().await, answer, "it comes again, as it was not acknowledged");
    client.send(&request.write()).await;
    assert_eq!((client.read().await, client.read().await), (acknowledgement, answer.clone()));
    client.send(&Message { kind: ACK, id: answer.id, ..Message::default() }.write()).await;
    assert_eq!(world.claim_with(&world.customer_a, "D", "K").await.0, 200);
    let count = |name| world.claim_with(&world.customer_a, name, "K");
    assert_eq!(count("D").await.0, 200, "the owner's retry");
    client.hears_nothing().await;
}

/// Somebody else writes the database, so that the service has to wait.
struct Lock {
    release: mpsc::Sender<()>,
    released: thread::JoinHandle<()>,
}

impl Lock {
    fn take(world: &World) -> Self {
        let (release, wait) = mpsc::channel();
        let (taken, is_taken) = mpsc::channel();
        let path = world.data.path().join("deed.db");
        let released = thread::spawn(move || {
            let database = Connection::open(path).unwrap();
            database.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
            database.execute_batch("begin immediate").unwrap();
            taken.send(()).unwrap();
            wait.recv().unwrap();
            database.execute_batch("rollback").unwrap();
        });
        is_taken.recv().unwrap();
        Self { release, released }
    }

    fn release(self) {
        self.release.send(()).unwrap();
        self.released.join().unwrap();
    }
}

/// Whoever sends what costs nothing to send, in whatever amount, takes no memory for it, and nobody's turn.
#[tokio::test]
async fn a_flood_leaves_nothing_behind_and_others_served() {
    let world = World::start().await;
    world.open_device("D").await;
    let mut client = Client::new(&world.server).await;
    assert_eq!(client.post(&claim_of("D"), key("K")).await, "2.01");
    let before = memory(world.server.id());
    let mut flooding = Vec::new();
    for _ in 0..8 {
        flooding.push(Client::new(&world.server).await);
    }
    let mut request = client.request(POST, &claim_of("nobody"), vec![b'x'; 1_024]);
    request.options.push((27, crate::client::block(0, true, 6)));
    for id in 0..5_000_u16 {
        request.id = id;
        for flooder in &flooding {
            flooder.send(&request.write()).await;
            flooder.send(b"\x41\x02\0\x55t\xb9a").await;
        }
        if id % 500 == 0 {
            let mut device = Client::new(&world.server).await;
            let request = device.request(POST, &claim_of("D"), key("K"));
            assert_eq!(device.insist(&request).await.code(), "2.01");
        }
    }
    let after = memory(world.server.id());
    assert!(after < before + 48 * 1_024, "{before} KiB before, {after} KiB after it");
    let request = client.request(GET, &claim_of("D"), "");
    assert_eq!(client.insist(&request).await.code(), "2.05");
}

/// Resident memory, KiB.
pub(crate) fn memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
