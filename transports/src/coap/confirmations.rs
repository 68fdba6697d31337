//! Messages of the service that are sent until the peer says that it has got them (RFC 7252, 4.2).

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::oneshot, time::timeout};

use super::{Outlet, Peer};

/// How long the peer has at first; up to half as long again, so that messages do not come in waves.
const ACK_TIMEOUT: Duration = Duration::from_secs(2);
/// How often a message is sent again, each time after twice as long.
const MAX_RETRANSMIT: u32 = 4;
/// Most messages that wait to be confirmed. Beyond these they are sent once.
const MOST: usize = 8_192;

/// What waits to be confirmed.
#[derive(Default)]
pub(super) struct Confirmations(Mutex<HashMap<(Peer, u16), oneshot::Sender<bool>>>);

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The peer has got it.
    Confirmed,
    /// The peer does not want it.
    Rejected,
    /// Nobody says anything.
    Silence,
}

/// Takes the message out of those that wait, however this ends.
struct Waiting<'a> {
    all: &'a Confirmations,
    key: (Peer, u16),
    heard: oneshot::Receiver<bool>,
}

impl Confirmations {
    /// Sends the message until the peer answers it; `chance` is any number, by which messages come at different times.
    pub(super) async fn send(&self, outlet: &dyn Outlet, peer: Peer, id: u16, datagram: &[u8], chance: u8) -> Fate {
        let (told, heard) = oneshot::channel();
        let key = (peer, id);
        let has_room = {
            let mut all = self.all();
            let has_room = all.len() < MOST;
            if has_room {
                all.insert(key, told);
            }
            has_room
        };
        // Not before it is waited for: the peer may be quick.
        outlet.send(peer, datagram);
        if !has_room {
            return Fate::Silence;
        }
        let mut waiting = Waiting { all: self, key, heard };
        let mut patience = ACK_TIMEOUT + ACK_TIMEOUT * u32::from(chance) / 512;
        for left in (0..=MAX_RETRANSMIT).rev() {
            match timeout(patience, &mut waiting.heard).await {
                Ok(Ok(true)) => return Fate::Confirmed,
                Ok(Ok(false)) => return Fate::Rejected,
                // Another message has taken its id.
                Ok(Err(_)) => return Fate::Silence,
                Err(_) if left > 0 => outlet.send(peer, datagram),
                Err(_) => {}
            }
            patience *= 2;
        }
        Fate::Silence
    }

    /// The peer has answered the message of that id.
    pub(super) fn heard(&self, peer: Peer, id: u16, is_confirmed: bool) {
        if let Some(told) = self.all().remove(&(peer, id)) {
            // Whoever waited may have gone.
            let _ = told.send(is_confirmed);
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<(Peer, u16), oneshot::Sender<bool>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.heard.close();
        let mut all = self.all.all();
        // It may be another one's by now.
        if all.get(&self.key).is_some_and(oneshot::Sender::is_closed) {
            all.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{net::SocketAddr, sync::Arc};

    use tokio::time::Instant;

    use super::*;

    #[derive(Default)]
    struct Sent(Mutex<Vec<Duration>>, Mutex<Option<Instant>>);

    impl Outlet for Sent {
        fn send(&self, _: Peer, datagram: &[u8]) {
            assert_eq!(datagram, b"x");
            let began = *self.1.lock().unwrap().get_or_insert_with(Instant::now);
            self.0.lock().unwrap().push(began.elapsed());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_is_sent_until_it_is_answered() {
        let (all, peer) = (Arc::<Confirmations>::default(), Peer::from(SocketAddr::from(([127, 0, 0, 1], 1))));
        let sent = Sent::default();
        assert_eq!(all.send(&sent, peer, 1, b"x", 0).await, Fate::Silence);
        let seconds: Vec<_> = sent.0.lock().unwrap().iter().map(Duration::as_secs).collect();
        assert_eq!(seconds, [0, 2, 6, 14, 30]);
        for (is_confirmed, fate) in [(true, Fate::Confirmed), (false, Fate::Rejected)] {
            let sent = Sent::default();
            let answering = async {
                tokio::time::sleep(Duration::from_secs(5)).await;
                all.heard(peer, 3, is_confirmed);
                all.heard(peer, 2, is_confirmed);
            };
            let (heard, ()) = tokio::join!(all.send(&sent, peer, 2, b"x", 255), answering);
            assert_eq!((heard, sent.0.lock().unwrap().len()), (fate, 2));
        }
        assert!(all.all().is_empty());
    }
}
