//! One connection, from its first byte to its last: the client introduces itself, and is let in or not.

use std::{future::ready, sync::Arc, time::Duration};

use deed_domain::client_certificate::ClientCertificate;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::{
    Mqtt,
    arrivals::Arrival,
    connect::{self, Client},
    heard::Heard,
    session::Session,
    stream::{Stream, close, flush, read},
    wire::Wire,
};

/// How long a client may take to introduce itself.
const INTRODUCTION: Duration = Duration::from_secs(10);

/// Speaks with a client until either goes.
pub(super) async fn run<S: Stream>(
    mqtt: Arc<Mqtt>,
    mut arrival: Arrival,
    mut stream: S,
    certificate: Option<ClientCertificate>,
) {
    let mut wire = Wire::new(mqtt.settings.max_payload);
    let session = mqtt.entropy.new_id(mqtt.clock.now());
    // Rare and large: it is not kept in the task of a connection that is open for days.
    let let_in = Box::pin(introduce(&mqtt, &arrival, &mut stream, &mut wire, certificate, session)).await;
    if let Some((client, keep_alive)) = let_in {
        let is_device = matches!(client, Client::Device { .. });
        if is_device {
            arrival.stay();
            wire.trust();
        }
        let mut session = Box::new(Session::new(mqtt, wire, client, keep_alive, session));
        tokio::select! {
            () = session.run(&mut stream) => {}
            // Whoever adds itself has shown nothing yet.
            () = arrival.pushed_out(), if !is_device => {}
        }
        // Its place and its turn are free from here on.
        wire = session.into_wire();
    }
    // Whether the last words arrive is the client's affair.
    let _ = flush(&mut stream, &mut wire, ready(())).await;
    close(&mut stream).await;
}

/// Waits for the client to introduce itself, and answers.
async fn introduce<S: Stream>(
    mqtt: &Mqtt,
    arrival: &Arrival,
    stream: &mut S,
    wire: &mut Wire,
    certificate: Option<ClientCertificate>,
    session: Uuid,
) -> Option<(Client, Duration)> {
    let deadline = Instant::now() + INTRODUCTION;
    let connect = loop {
        match wire.hear(|_| false) {
            Ok(Some(Heard::Connect(connect))) => break connect,
            Ok(Some(_)) => return None,
            Ok(None) => {}
            Err(fault) => {
                connect::answer_fault(wire, &fault);
                return None;
            }
        }
        let read = tokio::select! {
            read = timeout_at(deadline, read(stream, wire.inbox())) => read,
            () = arrival.pushed_out() => return None,
            () = mqtt.stopping.cancelled() => return None,
        };
        if !matches!(read, Ok(Ok(1..))) {
            return None;
        }
    };
    let keep_alive = Duration::from_millis(u64::from(connect.keep_alive) * 1_500);
    let client = connect::admit(mqtt, wire, connect, certificate.as_ref(), session).await?;
    Some((client, keep_alive))
}
