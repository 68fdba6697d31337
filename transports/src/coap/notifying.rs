//! What observers are told, and when they are told nothing any more.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use coap_lite::ResponseType;
use deed_domain::claims::Failure;
use futures_util::FutureExt;
use serde_json::Value;
use tokio::time::{MissedTickBehavior, interval};

use super::{
    Coap, Outlet,
    confirmations::Fate,
    message::{Answer, JSON, Kind},
    observers::{FRESH, Observation, Observer, Told},
    requests::of_failure,
};
use crate::device_protocol::difference;

/// How often it is looked who has to be told again.
const LOOK: Duration = Duration::from_secs(1);

/// What an observer is to be told.
enum News {
    /// Nothing else than it knows.
    Nothing,
    /// This, after which it knows that.
    Text(String, Told),
    /// That it is told no more.
    End(Answer),
}

impl Coap {
    /// Tells observers what has changed, until the service stops.
    pub async fn tell_observers(self: Arc<Self>, outlet: Arc<dyn Outlet>) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let observers = tokio::select! {
                due = self.observers.due() => due,
                _ = looks.tick() => self.observers.silent(),
                () = self.stopping.cancelled() => return,
            };
            for observer in observers {
                let (coap, outlet) = (Arc::clone(&self), Arc::clone(&outlet));
                self.spawn(async move {
                    if AssertUnwindSafe(coap.tell(&*outlet, &observer)).catch_unwind().await.is_err() {
                        metrics::counter!("deed_connection_panics_total", "transport" => "coap").increment(1);
                        tracing::error!("an observation over CoAP ended by a fault of the service");
                        coap.observers.leave(&observer);
                    }
                });
            }
        }
    }

    /// Tells an observer how it stands, until that is what it knows.
    async fn tell(&self, outlet: &dyn Outlet, observer: &Observer) {
        loop {
            let Some(observation) = self.observers.observation(observer) else { return };
            match self.news(&observation).await {
                News::Nothing => {}
                News::Text(text, told) => {
                    let Some(number) = self.observers.tell(observer, told) else { return };
                    let max_age = u32::try_from(FRESH.as_secs()).ok();
                    let answer = Answer::with(ResponseType::Content, JSON, text);
                    let answer = Answer { observe: Some(number), max_age, ..answer };
                    // If it is too large for one message, it is fetched as an answer is.
                    let answer = self.answers.begin(observation.name, answer, None);
                    if self.send(outlet, observer, &answer).await != Fate::Confirmed {
                        self.observers.leave(observer);
                        return;
                    }
                }
                News::End(answer) => {
                    self.observers.leave(observer);
                    self.send(outlet, observer, &answer).await;
                    return;
                }
            }
            if !self.observers.done(observer) {
                return;
            }
        }
    }

    async fn send(&self, outlet: &dyn Outlet, observer: &Observer, answer: &Answer) -> Fate {
        let (peer, token) = observer;
        let id = self.next_id();
        metrics::counter!("deed_coap_notifications_total").increment(1);
        self.confirm(outlet, *peer, id, &answer.write(Kind::Con, id, token)).await
    }

    /// How it stands with the observer's device, if it is still let in and that is otherwise than it knows, or if it heard
    /// nothing for long. What cannot be read now is told with the next change.
    async fn news(&self, observation: &Observation) -> News {
        let device = match self.identify(&observation.shown).await {
            Ok(Some(device)) if device == observation.device => device,
            Ok(_) => return News::End(Answer::of(ResponseType::Unauthorized)),
            Err(_) => return News::Nothing,
        };
        let is_silent = observation.is_silent();
        let news = match &observation.told {
            Told::Claiming(before) => self.protocol.claim_state(device).await.map(|state| {
                let is_news = *before != state || is_silent;
                is_news.then(|| (serde_json::to_string(&state).unwrap_or_default(), Told::Claiming(state)))
            }),
            Told::Shared(before) => self.protocol.shared_attributes(device).await.map(|shared| {
                let changed = difference(before, &shared);
                let is_news = !changed.is_empty() || is_silent;
                is_news.then(|| (Value::from(changed).to_string(), Told::Shared(shared)))
            }),
        };
        match news {
            Ok(Some((text, told))) => News::Text(text, told),
            Err(failure @ Failure::Refused(_)) => News::End(of_failure(failure)),
            Ok(None) | Err(Failure::NotAppended(_)) => News::Nothing,
        }
    }
}
