//! The way to a broker, which loses what the service says.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

pub(crate) struct Proxy {
    pub(crate) address: String,
    way: Arc<Way>,
}

#[derive(Default)]
struct Way {
    loses: AtomicBool,
    cut: Notify,
}

impl Proxy {
    pub(crate) async fn before(broker: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self { address: listener.local_addr().unwrap().to_string(), way: Arc::default() };
        let way = Arc::clone(&proxy.way);
        tokio::spawn(async move {
            loop {
                let (service, _) = listener.accept().await.unwrap();
                let broker = TcpStream::connect(&broker).await.unwrap();
                let way = Arc::clone(&way);
                tokio::spawn(async move {
                    let ((from_service, to_service), (from_broker, to_broker)) =
                        (service.into_split(), broker.into_split());
                    tokio::select! {
                        () = carry(from_service, to_broker, || way.loses.load(Ordering::SeqCst)) => {}
                        () = carry(from_broker, to_service, || false) => {}
                        () = way.cut.notified() => {}
                    }
                });
            }
        });
        proxy
    }

    /// From now on nothing that the service says arrives.
    pub(crate) fn lose(&self) {
        self.way.loses.store(true, Ordering::SeqCst);
    }

    /// Ends the connections; the next ones lose nothing.
    pub(crate) fn cut(&self) {
        self.way.loses.store(false, Ordering::SeqCst);
        self.way.cut.notify_waiters();
    }
}

async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, loses: impl Fn() -> bool) {
    let mut buffer = vec![0; 65_536];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if !loses() && to.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
}
