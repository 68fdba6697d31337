//! Which requests have come, so that one that comes again is answered again and not carried out again.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::Peer;

/// How long a message may come again: EXCHANGE_LIFETIME of RFC 7252, 4.8.2.
pub(super) const LIFETIME: Duration = Duration::from_secs(247);
/// Most answers that are remembered; then the oldest are forgotten.
const MOST: usize = 65_536;
/// Most bytes of them.
const MOST_BYTES: usize = 16 << 20;

/// The requests of the last minutes.
#[derive(Default)]
pub(super) struct Exchanges {
    table: Mutex<Table>,
    digest: RandomState,
}

/// A request: who sent it under which id (RFC 7252, 4.5), and a digest of the whole datagram, with path, query and payload. What
/// comes again is the same datagram. Another one under that id is another request, of a peer that has begun anew.
pub(super) type Exchange = (Peer, u16, u64);

/// What is known of a request that has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Nothing; from now on it is under way.
    New,
    /// It is under way. If it was acknowledged, it has to be again.
    UnderWay {
        /// Whether it was.
        is_acknowledged: bool,
    },
    /// It was answered by these datagrams.
    Answered(Vec<Vec<u8>>),
}

#[derive(Default)]
struct Table {
    states: HashMap<Exchange, State>,
    /// Those that were answered, in that order.
    answered: VecDeque<(Instant, Exchange)>,
    bytes: usize,
}

enum State {
    UnderWay { is_acknowledged: bool },
    Answered(Vec<Vec<u8>>),
}

impl Exchanges {
    /// The name of a request.
    pub(super) fn of(&self, peer: Peer, id: u16, datagram: &[u8]) -> Exchange {
        (peer, id, self.digest.hash_one(datagram))
    }

    /// Looks a request up; one that is new is under way from now on.
    pub(super) fn begin(&self, exchange: Exchange) -> Seen {
        let mut table = self.table();
        table.forget(Instant::now());
        match table.states.get(&exchange) {
            Some(State::UnderWay { is_acknowledged }) => Seen::UnderWay { is_acknowledged: *is_acknowledged },
            Some(State::Answered(datagrams)) => Seen::Answered(datagrams.clone()),
            None => {
                table.states.insert(exchange, State::UnderWay { is_acknowledged: false });
                Seen::New
            }
        }
    }

    /// It was acknowledged, and is still under way.
    pub(super) fn acknowledged(&self, exchange: Exchange) {
        self.table().states.insert(exchange, State::UnderWay { is_acknowledged: true });
    }

    /// It was answered by these datagrams.
    pub(super) fn answered(&self, exchange: Exchange, datagrams: Vec<Vec<u8>>) {
        let mut table = self.table();
        table.bytes += datagrams.iter().map(Vec::len).sum::<usize>();
        table.states.insert(exchange, State::Answered(datagrams));
        table.answered.push_back((Instant::now(), exchange));
        while table.answered.len() > MOST || table.bytes > MOST_BYTES {
            table.forget_oldest();
        }
    }

    /// It is over, and may be carried out anew.
    pub(super) fn forget(&self, exchange: Exchange) {
        self.table().states.remove(&exchange);
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn forget(&mut self, now: Instant) {
        while self.answered.front().is_some_and(|(at, _)| now.duration_since(*at) >= LIFETIME) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some((_, exchange)) = self.answered.pop_front() else { return };
        if let Some(State::Answered(datagrams)) = self.states.remove(&exchange) {
            self.bytes -= datagrams.iter().map(Vec::len).sum::<usize>();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    fn peer(n: usize) -> Peer {
        format!("[::1]:{}", n % 65_536).parse::<SocketAddr>().unwrap().into()
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_given_again_for_as_long_as_the_request_may_come_again() {
        let exchanges = Exchanges::default();
        let one = exchanges.of(peer(1), 7, b"a");
        assert_eq!(exchanges.begin(one), Seen::New);
        assert_eq!(exchanges.begin(one), Seen::UnderWay { is_acknowledged: false });
        exchanges.acknowledged(one);
        assert_eq!(exchanges.begin(one), Seen::UnderWay { is_acknowledged: true });
        exchanges.answered(one, vec![b"x".to_vec()]);
        for other in [(peer(2), 7, &b"a"[..]), (peer(1), 8, b"a"), (peer(1), 7, b"b")] {
            assert_eq!(exchanges.begin(exchanges.of(other.0, other.1, other.2)), Seen::New);
        }
        let in_a_session = exchanges.of(Peer { session: Some(1), ..peer(1) }, 7, b"a");
        assert_eq!(exchanges.begin(in_a_session), Seen::New);
        tokio::time::advance(LIFETIME - Duration::from_millis(1)).await;
        assert_eq!(exchanges.begin(one), Seen::Answered(vec![b"x".to_vec()]));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(exchanges.begin(one), Seen::New);
        exchanges.forget(one);
        assert_eq!(exchanges.begin(one), Seen::New);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_limited_in_number_and_in_bytes() {
        let exchanges = Exchanges::default();
        let nth = |n: usize| (peer(n), u16::try_from(n >> 16).unwrap(), 0);
        for n in 0..MOST + 10 {
            exchanges.begin(nth(n));
            exchanges.answered(nth(n), vec![vec![0; 8]]);
        }
        assert_eq!(exchanges.begin(nth(9)), Seen::New);
        assert!(matches!(exchanges.begin(nth(10)), Seen::Answered(_)));
        assert_eq!(exchanges.table().answered.len(), MOST);
        assert_eq!(exchanges.table().bytes, MOST * 8);
        for n in 0..=MOST_BYTES / 1_024 {
            exchanges.answered((peer(n), 9, 1), vec![vec![0; 512]; 2]);
        }
        let table = exchanges.table();
        assert!(table.bytes <= MOST_BYTES && table.answered.len() <= MOST, "{}", table.bytes);
        // The two that are under way.
        assert_eq!(table.states.len(), table.answered.len() + 1);
    }
}
