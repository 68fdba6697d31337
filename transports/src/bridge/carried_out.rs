//! Messages that were carried out and that the broker may send again, as it need not have got their acknowledgements.

use std::{
    collections::VecDeque,
    hash::{BuildHasher, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
};

use rumqttc::v5::mqttbytes::v5::Publish;

/// Most that are remembered; beyond these the oldest are forgotten.
const MOST: usize = 1_024;

/// What was carried out last.
#[derive(Default)]
pub(super) struct CarriedOut {
    all: Mutex<VecDeque<Known>>,
    digest: RandomState,
}

/// A message: the broker's session, the packet id in it, and a digest of topic and payload. What a broker sends again has the same
/// packet id, and says so (MQTT 5, 3.3.1.1 and 4.4).
type Known = (u64, u16, u64);

impl CarriedOut {
    /// Takes note that the broker has sent that. With a packet id that it uses anew, it has got the acknowledgement of the last one.
    pub(super) fn came(&self, session: u64, publish: &Publish) {
        if !publish.dup {
            self.all().retain(|(of, id, _)| (*of, *id) != (session, publish.pkid));
        }
    }

    /// Whether it was carried out before, and has come again.
    pub(super) fn has(&self, session: u64, publish: &Publish) -> bool {
        publish.dup && self.all().contains(&self.known(session, publish))
    }

    /// It was carried out.
    pub(super) fn add(&self, session: u64, publish: &Publish) {
        let known = self.known(session, publish);
        let mut all = self.all();
        all.push_back(known);
        if all.len() > MOST {
            all.pop_front();
        }
    }

    fn known(&self, session: u64, publish: &Publish) -> Known {
        (session, publish.pkid, self.digest.hash_one((&publish.topic, &publish.payload)))
    }

    fn all(&self) -> MutexGuard<'_, VecDeque<Known>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use rumqttc::v5::mqttbytes::QoS;

    use super::*;

    fn publish(id: u16, payload: &'static str, dup: bool) -> Publish {
        Publish { pkid: id, dup, ..Publish::new("fleet/D/claim", QoS::AtLeastOnce, payload, None) }
    }

    #[test]
    fn what_comes_again_is_known_until_its_number_is_used_anew() {
        let all = CarriedOut::default();
        all.came(1, &publish(7, "a", false));
        assert!(!all.has(1, &publish(7, "a", true)), "it was not carried out yet");
        all.add(1, &publish(7, "a", false));
        all.came(1, &publish(7, "a", true));
        assert!(all.has(1, &publish(7, "a", true)));
        for (session, other) in [
            (1, publish(7, "a", false)),
            (1, publish(8, "a", true)),
            (1, publish(7, "b", true)),
            (2, publish(7, "a", true)),
        ] {
            assert!(!all.has(session, &other), "{session} {other:?}");
        }
        all.came(1, &publish(8, "a", false));
        assert!(all.has(1, &publish(7, "a", true)));
        all.came(1, &publish(7, "a", false));
        assert!(!all.has(1, &publish(7, "a", true)));
    }

    #[test]
    fn what_is_remembered_is_limited() {
        let all = CarriedOut::default();
        for id in 1..=1_025 {
            all.add(1, &publish(id, "a", false));
        }
        let known = [1, 2, 1_025].map(|id| all.has(1, &publish(id, "a", true)));
        assert_eq!((known, all.all().len()), ([false, true, true], MOST));
    }
}
