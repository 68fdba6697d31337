//! The network between a node and the database, which does what a test tells it.

use std::{sync::Arc, time::Duration};

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

/// A way to the database.
pub(crate) struct Network {
    port: u16,
    passage: Arc<watch::Sender<Passage>>,
    cut: Arc<Notify>,
}

impl Network {
    /// An open way to that port of this machine.
    pub(crate) async fn to(database: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (passage, cut) = (Arc::new(watch::Sender::new(Passage::Open)), Arc::new(Notify::new()));
        let network = Self { port, passage: Arc::clone(&passage), cut: Arc::clone(&cut) };
        tokio::spawn(async move {
            loop {
                let (node, _) = listener.accept().await.unwrap();
                tokio::spawn(connect(node, database, passage.subscribe(), Arc::clone(&cut)));
            }
        });
        network
    }

    /// Where the node finds it.
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn set(&self, passage: Passage) {
        self.passage.send_replace(passage);
    }

    /// Resets the connections that there are. New ones are made as the passage allows.
    pub(crate) fn cut(&self) {
        self.cut.notify_waiters();
    }
}

async fn connect(node: TcpStream, database: u16, passage: watch::Receiver<Passage>, cut: Arc<Notify>) {
    // Closed with something unsaid, a connection is reset.
    node.set_zero_linger().unwrap();
    let mut closing = passage.clone();
    tokio::select! {
        biased;
        _ = closing.wait_for(|passage| *passage == Passage::Refused) => {}
        () = cut.notified() => {}
        () = pass(node, database, passage) => {}
    }
}

async fn pass(node: TcpStream, database: u16, mut passage: watch::Receiver<Passage>) {
    let is_open = |passage: Passage| matches!(passage, Passage::Open | Passage::Unanswered);
    // A SYN that is dropped is sent again.
    until(&mut passage, is_open).await;
    let Ok(database) = TcpStream::connect(("127.0.0.1", database)).await else { return };
    node.set_nodelay(true).unwrap();
    database.set_nodelay(true).unwrap();
    let ((from_node, to_node), (from_database, to_database)) = (node.into_split(), database.into_split());
    let answers = passage.clone();
    tokio::join!(
        carry(from_node, to_database, passage, is_open),
        carry(from_database, to_node, answers, |passage| passage == Passage::Open),
    );
}

/// Carries one direction until its sender ends it; that is told like anything else.
async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut passage: watch::Receiver<Passage>,
    is_open: impl Fn(Passage) -> bool,
) {
    let mut buffer = vec![0; 65_536];
    loop {
        let length = from.read(&mut buffer).await.unwrap_or(0);
        until(&mut passage, &is_open).await;
        if length == 0 || to.write_all(&buffer[..length]).await.is_err() {
            let _ = to.shutdown().await;
            return;
        }
    }
}

async fn until(passage: &mut watch::Receiver<Passage>, is_open: impl Fn(Passage) -> bool) {
    if passage.wait_for(|passage| is_open(*passage)).await.is_err() {
        // The test is over.
        tokio::time::sleep(Duration::MAX).await;
    }
}
