//! The network between a node and the database, which does what a test tells it.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{Notify, watch},
};

/// What happens to what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passage {
    /// It arrives.
    Open,
    /// Connections are reset, those that there are and new ones.
    Refused,
    /// It does not arrive, either way, and nobody is told. As with TCP, what was sent meanwhile arrives afterwards, if the
    /// connection has lasted.
    Dropped,
    /// What the node sends arrives, and what the database answers does not.
    Unanswered,
}

/// What a connection for appending is told at its beginning, and no other one.
const WRITER: &[u8] = b"enable_seqscan = off";

/// A way to the database.
pub(crate) struct Network {
    port: u16,
    passage: Arc<watch::Sender<Passage>>,
    at_commit: Arc<Mutex<Option<Passage>>>,
    cut: Arc<Notify>,
}

impl Network {
    /// An open way to that port of this machine.
    pub(crate) async fn to(database: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let passage = Arc::new(watch::Sender::new(Passage::Open));
        let network = Self { port, passage, at_commit: Arc::default(), cut: Arc::default() };
        let (passage, at_commit, cut) =
            (Arc::clone(&network.passage), Arc::clone(&network.at_commit), Arc::clone(&network.cut));
        tokio::spawn(async move {
            loop {
                let (node, _) = listener.accept().await.unwrap();
                let told = Told { passage: Arc::clone(&passage), at_commit: Arc::clone(&at_commit) };
                tokio::spawn(connect(node, database, told, Arc::clone(&cut)));
            }
        });
        network
    }

    /// Where the node finds it.
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn set(&self, passage: Passage) {
        *self.at_commit.lock().unwrap() = None;
        self.passage.send_replace(passage);
    }

    /// From the next commit of the node's writer on, the passage is that: [`Passage::Dropped`] loses the commit,
    /// [`Passage::Unanswered`] its answer.
    pub(crate) fn set_at_commit(&self, passage: Passage) {
        *self.at_commit.lock().unwrap() = Some(passage);
    }

    /// Waits until that has come.
    pub(crate) async fn has_lost(&self) {
        self.passage.subscribe().wait_for(|passage| *passage != Passage::Open).await.unwrap();
    }

    /// Resets the connections that there are. New ones are made as the passage allows.
    pub(crate) fn cut(&self) {
        self.cut.notify_waiters();
    }
}

/// What the connections of a network are told.
struct Told {
    passage: Arc<watch::Sender<Passage>>,
    at_commit: Arc<Mutex<Option<Passage>>>,
}

async fn connect(node: TcpStream, database: u16, told: Told, cut: Arc<Notify>) {
    // Closed with something unsaid, a connection is reset.
    node.set_zero_linger().unwrap();
    let mut closing = told.passage.subscribe();
    tokio::select! {
        biased;
        _ = closing.wait_for(|passage| *passage == Passage::Refused) => {}
        () = cut.notified() => {}
        () = pass(node, database, &told) => {}
    }
}

async fn pass(node: TcpStream, database: u16, told: &Told) {
    let is_heard = |passage: Passage| matches!(passage, Passage::Open | Passage::Unanswered);
    // A SYN that is dropped is sent again.
    until(&told.passage, is_heard).await;
    let Ok(database) = TcpStream::connect(("127.0.0.1", database)).await else { return };
    node.set_nodelay(true).unwrap();
    database.set_nodelay(true).unwrap();
    let ((from_node, to_node), (from_database, to_database)) = (node.into_split(), database.into_split());
    let is_writer = AtomicBool::new(false);
    let loses = |sent: &[u8]| {
        let has = |words: &[u8]| sent.windows(words.len()).any(|found| found == words);
        if has(WRITER) {
            is_writer.store(true, Ordering::SeqCst);
        }
        if is_writer.load(Ordering::SeqCst)
            && has(b"COMMIT")
            && let Some(passage) = told.at_commit.lock().unwrap().take()
        {
            told.passage.send_replace(passage);
        }
    };
    tokio::join!(
        carry(from_node, to_database, &told.passage, is_heard, loses),
        carry(from_database, to_node, &told.passage, |passage| passage == Passage::Open, |_| {}),
    );
}

/// Carries one direction until its sender ends it; that is told like anything else.
async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    passage: &watch::Sender<Passage>,
    is_open: impl Fn(Passage) -> bool,
    seen: impl Fn(&[u8]),
) {
    let mut buffer = vec![0; 65_536];
    loop {
        let length = from.read(&mut buffer).await.unwrap_or(0);
        seen(&buffer[..length]);
        until(passage, &is_open).await;
        if length == 0 || to.write_all(&buffer[..length]).await.is_err() {
            let _ = to.shutdown().await;
            return;
        }
    }
}

async fn until(passage: &watch::Sender<Passage>, is_open: impl Fn(Passage) -> bool) {
    // The sender is held here.
    let _ = passage.subscribe().wait_for(|passage| is_open(*passage)).await;
}
