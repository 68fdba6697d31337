//! Listens, serves, and stops in order.

use std::{fmt::Display, io, net::IpAddr, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use deed_transports::{
    coap::dtls::DtlsIdentity,
    mqtt::{Mqtt, PeerAddress},
    tls::Tls,
};
use hyper::{
    Request,
    body::Incoming,
    server::conn::http1,
    service::{Service as _, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{
    net::{TcpListener, TcpStream, UdpSocket},
    signal::unix::{Signal, SignalKind, signal},
    sync::Semaphore,
    task::{JoinError, JoinHandle, JoinSet},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{gauges, impatient::Impatient, lease, tls_files::TlsFiles, wiring::Service};

/// What is in progress when the service is told to stop gets this long to end.
const GRACE: Duration = Duration::from_secs(30);
/// How long a connection may take for the head of a request, the wait for its first byte included. Whoever opens
/// connections and says nothing, or says it byte by byte, holds them no longer than this.
const HEAD: Duration = Duration::from_secs(75);
/// How long a client may take to agree on TLS.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// After a connection could not be accepted, because there are too many, some get this long to end.
const BREATH: Duration = Duration::from_millis(100);
/// The status of a process that a second signal ended.
const STOPPED_AT_ONCE: i32 = 130;

/// The signals that end the service.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Catches them from here on.
    ///
    /// # Errors
    /// What the system says against it.
    pub(crate) fn catch() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Where the service is reached.
pub(crate) struct Listeners {
    /// By HTTP.
    pub(crate) http: TcpListener,
    /// By MQTT, if it is served.
    pub(crate) mqtt: Option<TcpListener>,
    /// By MQTT over TLS, if it is served.
    pub(crate) mqtt_tls: Option<(TcpListener, TlsFiles<Tls>)>,
    /// By CoAP, if it is served.
    pub(crate) coap: Option<UdpSocket>,
    /// By CoAP over DTLS, if it is served.
    pub(crate) coap_dtls: Option<(UdpSocket, TlsFiles<DtlsIdentity>)>,
}

/// Serves until a signal comes, then finishes what has been accepted and closes the store. A second signal ends the
/// process at once; nothing that was acknowledged is lost by that either.
///
/// # Errors
/// What the system says against serving.
pub(crate) async fn serve(
    service: Service,
    listeners: Listeners,
    metrics: PrometheusHandle,
    mut signals: Signals,
) -> io::Result<()> {
    let Service {
        store,
        router,
        most_http_connections,
        mqtt,
        coap,
        coap_dtls,
        bridge,
        expiry,
        deletion,
        mail,
        readiness,
        stopping,
        ..
    } = service;
    let mut background = JoinSet::new();
    background.spawn(expiry.run(stopping.clone()));
    background.spawn(lease::on_one_node(store.clone(), "deletions", stopping.clone(), move |stopping| {
        deletion.clone().run(stopping)
    }));
    background.spawn(gauges::measure(store.clone(), metrics, stopping.clone()));
    if let Some(bridge) = bridge {
        background.spawn(lease::on_one_node(store.clone(), "bridge", stopping.clone(), move |stopping| {
            bridge.clone().run(stopping)
        }));
    }
    if let Some(mail) = mail {
        background.spawn(mail.run(stopping.clone().cancelled_owned()));
    }

    let end = stopping.clone();
    let Listeners { http, mqtt: plain, mqtt_tls, coap: socket, coap_dtls: dtls_socket } = listeners;
    let mqtt_tls = mqtt_tls.map(|(listener, files)| {
        let tls = Arc::clone(files.tls());
        background.spawn(files.follow(stopping.clone()));
        (listener, tls)
    });
    let dtls_socket = dtls_socket.map(|(socket, files)| {
        let identity = Arc::clone(files.tls());
        background.spawn(files.follow(stopping.clone()));
        (socket, identity)
    });
    let mut server = tokio::spawn(async move {
        tokio::join!(
            answer(http, router, most_http_connections, end.clone()),
            async {
                if let Some(listener) = plain {
                    converse(listener, &mqtt, &end).await;
                }
            },
            async {
                if let Some((listener, tls)) = mqtt_tls {
                    converse_over_tls(listener, &tls, &mqtt, &end).await;
                }
            },
            async {
                if let Some(socket) = socket {
                    coap.serve(socket).await;
                }
            },
            async {
                if let Some((socket, identity)) = dtls_socket {
                    coap_dtls.serve_dtls(socket, identity).await;
                }
            }
        );
        mqtt.ended().await;
    });

    let ended = loop {
        tokio::select! {
            ended = &mut server => break Some(ended),
            () = signals.next() => break None,
            // Requests are answered all the same; what is amiss has to be seen.
            Some(task) = background.join_next() => report(task),
        }
    };
    tracing::info!("stopping: finishing what has been accepted");
    readiness.drain();
    stopping.cancel();
    tokio::spawn(async move {
        signals.next().await;
        end_at_once();
    });
    let result = match ended {
        Some(ended) => ended.map_err(io::Error::other),
        None => finish(server).await,
    };
    while let Some(task) = background.join_next().await {
        report(task);
    }
    store.close().await;
    tracing::info!("stopped");
    result
}

fn report(task: Result<(), JoinError>) {
    if let Err(error) = task {
        tracing::error!(%error, "a background task failed");
    }
}

/// Accepts connections until the service stops, then waits for the requests in progress. Those beyond the `most` at once are
/// closed; one that becomes a WebSocket counts as MQTT from then on.
async fn answer(listener: TcpListener, router: Router, most: usize, stopping: CancellationToken) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD);
    let open = TaskTracker::new();
    let room = Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
    while let Some(stream) = accept(&listener, &stopping).await {
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
            metrics::counter!("deed_refused_connections_total", "transport" => "http").increment(1);
            continue;
        };
        let from = address(&stream);
        let routed = TowerToHyperService::new(router.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(PeerAddress(from));
            routed.call(request)
        });
        let stream = Impatient::new(stream, stopping.clone());
        let connection = http.serve_connection(TokioIo::new(stream), service).with_upgrades();
        let stopping = stopping.clone();
        open.spawn(async move {
            let mut connection = pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = stopping.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection broke");
            }
            drop(place);
        });
    }
    drop(listener);
    open.close();
    open.wait().await;
}

/// Accepts connections of devices until the service stops; each ends by itself then.
async fn converse(listener: TcpListener, mqtt: &Arc<Mqtt>, stopping: &CancellationToken) {
    while let Some(stream) = accept(&listener, stopping).await {
        if let Some(arrival) = mqtt.arrive(address(&stream)) {
            tokio::spawn(Arc::clone(mqtt).serve(arrival, stream, None));
        }
    }
}

/// The same over TLS.
async fn converse_over_tls(listener: TcpListener, tls: &Arc<Tls>, mqtt: &Arc<Mqtt>, stopping: &CancellationToken) {
    while let Some(stream) = accept(&listener, stopping).await {
        let Some(arrival) = mqtt.arrive(address(&stream)) else { continue };
        let (tls, mqtt, stopping) = (Arc::clone(tls), Arc::clone(mqtt), stopping.clone());
        tokio::spawn(async move {
            let agreed = tokio::select! {
                // Boxed, as it is large and soon over.
                agreed = timeout(HANDSHAKE, Box::pin(tls.accept(stream))) => agreed,
                () = arrival.pushed_out() => return,
                () = stopping.cancelled() => return,
            };
            match agreed {
                Ok(Ok((stream, certificate))) => mqtt.serve(arrival, stream, certificate).await,
                Ok(Err(error)) => refused(&error),
                Err(_) => refused(&"it took too long"),
            }
        });
    }
}

/// Where the other end is; one that has gone already is nowhere.
fn address(stream: &TcpStream) -> IpAddr {
    stream.peer_addr().map_or(IpAddr::from([0, 0, 0, 0]), |address| address.ip())
}

fn refused(why: &dyn Display) {
    metrics::counter!("deed_tls_failed_handshakes_total").increment(1);
    tracing::debug!(%why, "a client and the service did not agree on TLS");
}

/// The next connection; nothing once the service stops.
async fn accept(listener: &TcpListener, stopping: &CancellationToken) -> Option<TcpStream> {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopping.cancelled() => return None,
        };
        match accepted {
            Ok((stream, _)) => {
                // Answers are small and whole: waiting for more to send would only delay them.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection keeps its delay");
                }
                return Some(stream);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

/// Waits for the requests in progress, but not for ever.
async fn finish(mut server: JoinHandle<()>) -> io::Result<()> {
    match tokio::time::timeout(GRACE, &mut server).await {
        Ok(ended) => ended.map_err(io::Error::other),
        Err(_) => {
            tracing::warn!(seconds = GRACE.as_secs(), "requests still in progress are cut off");
            server.abort();
            Ok(())
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "whoever sends a second signal does not want to wait for anything")]
fn end_at_once() -> ! {
    std::process::exit(STOPPED_AT_ONCE)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::{body::Body, routing::get};
    use futures_util::stream;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        time::Instant,
    };

    use super::*;
    use crate::impatient::{LAST_WORDS, UNREAD};

    async fn connect() -> (TcpStream, CancellationToken, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stopping = CancellationToken::new();
        let slow = get(|| async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            "done"
        });
        let endless = get(|| async { Body::from_stream(stream::repeat(Ok::<_, Infallible>(vec![0_u8; 65_536]))) });
        let router = Router::new().route("/slow", slow).route("/endless", endless);
        let server = tokio::spawn(answer(listener, router, 1, stopping.clone()));
        (TcpStream::connect(address).await.unwrap(), stopping, server)
    }

    async fn rest_of(mut stream: TcpStream) -> String {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test(start_paused = true)]
    async fn who_never_finishes_the_head_is_cut_off() {
        for said in ["", "GET /slow HTTP/1.1\r\nhost: l"] {
            let began = Instant::now();
            let (mut stream, ..) = connect().await;
            stream.write_all(said.as_bytes()).await.unwrap();
            assert_eq!(rest_of(stream).await, "", "{said}");
            assert!(began.elapsed() >= HEAD, "{said}: {:?}", began.elapsed());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_one_too_many_is_cut_off_at_once() {
        let (mut first, ..) = connect().await;
        let mut second = TcpStream::connect(first.peer_addr().unwrap()).await.unwrap();
        let began = Instant::now();
        // It may be closed before anything is written to it.
        let _ = second.write_all(b"GET /slow HTTP/1.1\r\nhost: l\r\n\r\n").await;
        assert!(!matches!(second.read(&mut [0]).await, Ok(1..)));
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        first.write_all(b"GET /slow HTTP/1.1\r\nhost: l\r\nconnection: close\r\n\r\n").await.unwrap();
        assert!(rest_of(first).await.ends_with("done"));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_accepted_is_answered_when_the_service_stops() {
        let (mut stream, stopping, server) = connect().await;
        stream.write_all(b"GET /slow HTTP/1.1\r\nhost: l\r\n\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        stopping.cancel();
        assert!(rest_of(stream).await.ends_with("done"));
        server.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn who_leaves_an_answer_unread_is_cut_off() {
        let connect = async || {
            let (mut stream, stopping, server) = connect().await;
            stream.write_all(b"GET /endless HTTP/1.1\r\nhost: l\r\n\r\n").await.unwrap();
            stream.read_exact(&mut [0; 1_000]).await.unwrap();
            (stream, stopping, server)
        };
        let (mut stream, ..) = connect().await;
        tokio::time::sleep(UNREAD + Duration::from_secs(1)).await;
        // What was on the way still comes, and then nothing.
        while let Ok(1..) = stream.read(&mut [0; 65_536]).await {}

        let (_unread, stopping, server) = connect().await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let began = Instant::now();
        stopping.cancel();
        server.await.unwrap();
        let took = began.elapsed();
        assert!(took >= LAST_WORDS && took < LAST_WORDS * 2, "{took:?}");
    }
}
