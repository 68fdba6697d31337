//! What a request asks for, carried out: each ends in one answer.

use std::{borrow::Cow, sync::Arc};

use coap_lite::ResponseType;
use deed_domain::{
    claims::Failure,
    client_certificate::ClientCertificate,
    device::Refusal,
    metadata::Transport,
    ports::{AppendError, DeviceIdentity, DeviceToken, PayloadEncoding, StoreError},
};

use super::{
    Coap, Peer,
    blocks::{MAX_BODY, Name, too_large},
    message::{Answer, BadBlock, JSON, LINKS, Method, Request, TEXT},
    observers::{FRESH, Told},
    peers::Shown,
    routes::{Feature, Nowhere, Target},
};
use crate::device_protocol::{
    NotAnswered, NotPublished, NotRegistered, ProvisionStatus, Wanted, check_telemetry, count_registration, read,
};

/// What there is, as far as it can be said without a token. Short: anybody may ask for it in anybody's name.
const DISCOVERY: &str = "</api/v1>;obs,</api/v1/provision>";
/// When what could not be stored may be sent again, seconds.
const RETRY: u32 = 1;

/// What became of a request.
pub(super) struct Carried {
    /// The answer.
    pub(super) answer: Answer,
    /// Whether it has to be remembered: it must not be carried out twice. Who proves nothing takes no room by that.
    pub(super) is_remembered: bool,
}

/// The answer that ends a request early.
type Step<T> = Result<T, Answer>;

/// Carries out a request of that peer, which has proved to hold that certificate.
pub(super) async fn carry_out(
    coap: &Coap,
    peer: Peer,
    certificate: Option<Arc<ClientCertificate>>,
    request: &mut Request,
) -> Carried {
    let mut is_remembered = false;
    let answer = answer(coap, peer, certificate, request, &mut is_remembered).await.unwrap_or_else(|answer| answer);
    Carried { answer, is_remembered }
}

async fn answer(
    coap: &Coap,
    peer: Peer,
    certificate: Option<Arc<ClientCertificate>>,
    request: &mut Request,
    is_remembered: &mut bool,
) -> Step<Answer> {
    let path = request.path.take().ok_or_else(|| bad(&"the path is not UTF-8"))?;
    let target = Target::of(request.method, &path).map_err(nowhere)?;
    let sent = request.block1.transpose().map_err(no_block)?;
    let wanted = request.block2.transpose().map_err(no_block)?;
    let mut name = Name { peer, path: path.clone(), query: request.query.clone() };
    if let (Target::Device(..), Some(feature)) = (target, name.path.last_mut()) {
        feature.make_ascii_lowercase();
    }

    let device = match target {
        Target::Device(token, feature) => {
            // Who names a token is who the token says, whatever certificate it has.
            let shown = match token {
                Some(token) => Some(Shown::Token(DeviceToken::new(token))),
                None => certificate.map(Shown::Certificate),
            };
            let found = match &shown {
                Some(shown) => coap.identify(shown).await.map_err(of_failure),
                None => Ok(None),
            };
            let device = found.and_then(|found| found.zip(shown).ok_or_else(|| Answer::of(ResponseType::Unauthorized)));
            let (device, shown) = device.inspect_err(|answer| not_registered(feature, answer))?;
            *is_remembered = true;
            Some((device, shown, feature))
        }
        Target::Discovery | Target::Provision => None,
    };
    let later = wanted.filter(|wanted| wanted.number > 0);
    if let Some(part) = later
        && let Some(part) = coap.answers.fetch(&name, part)
    {
        return Ok(part);
    }
    if later.is_some() && request.method == Method::Post {
        return Err(Answer::because(ResponseType::RequestEntityIncomplete, &"the answer is not there any more"));
    }
    let is_first = sent.is_none_or(|sent| sent.number == 0);
    if let Some((device, _, feature)) = &device
        && is_first
        && let Err(too_many) = coap.protocol.admit(*device)
    {
        let max_age = u32::try_from(too_many.seconds()).ok();
        let answer = Answer { max_age, ..Answer::of(ResponseType::TooManyRequests) };
        not_registered(*feature, &answer);
        return Err(answer);
    }
    let payload = std::mem::take(&mut request.payload);
    let payload = match sent {
        None => payload,
        Some(block) => {
            let owner = device.as_ref().map(|(device, ..)| device.device_id);
            let taken = coap.requests.take(name.clone(), owner, block, request.size1, &payload);
            taken.inspect_err(|answer| {
                if let Some((.., feature)) = &device {
                    not_registered(*feature, answer);
                }
            })?
        }
    };
    if payload.len() > MAX_BODY {
        return Err(too_large());
    }
    let answer = match device {
        Some((device, shown, feature)) => {
            let asking = Asking { coap, device, name: &name, shown: &shown, request, payload: &payload };
            asking.answer(feature).await
        }
        None if target == Target::Discovery => Ok(Answer::with(ResponseType::Content, LINKS, DISCOVERY)),
        None => provision(coap, &payload, is_remembered).await,
    };
    let answer = Answer { block1: sent, ..answer.unwrap_or_else(|answer| answer) };
    if let Some(part) = later {
        // Nothing waits to be fetched: the answer is made anew, and told from there on.
        coap.answers.begin(name.clone(), answer, Some(part));
        return coap.answers.fetch(&name, part).ok_or_else(|| bad(&"there is no such block"));
    }
    Ok(coap.answers.begin(name, answer, wanted))
}

/// Counts a registration that ended before it was one.
fn not_registered(feature: Feature, answer: &Answer) {
    let outcome = match answer.code {
        ResponseType::Unauthorized => "unknown_token",
        ResponseType::TooManyRequests => "too_many_requests",
        ResponseType::RequestEntityTooLarge => "too_large",
        ResponseType::Continue => return,
        ResponseType::ServiceUnavailable | ResponseType::InternalServerError => "not_stored",
        _ => "malformed",
    };
    if feature == Feature::Claim {
        count_registration(Transport::Coap, outcome);
    }
}

/// A device adds itself. What was found wrong with a request stands in its answer; what could not be read is not answered,
/// as it holds secrets.
async fn provision(coap: &Coap, payload: &[u8], is_remembered: &mut bool) -> Step<Answer> {
    let reply = coap.protocol.provision(Transport::Coap, coap.correlation(), payload).await;
    match reply {
        Ok(reply) => {
            *is_remembered = reply.status() == ProvisionStatus::Success;
            let code = if *is_remembered { ResponseType::Created } else { ResponseType::BadRequest };
            Ok(Answer::with(code, TEXT, reply.to_json()))
        }
        Err(NotAnswered::Request(_)) => Err(Answer::of(ResponseType::BadRequest)),
        Err(NotAnswered::NotStored(error)) => Err(of_failure(error.into())),
    }
}

struct Asking<'a> {
    coap: &'a Coap,
    device: DeviceIdentity,
    name: &'a Name,
    shown: &'a Shown,
    request: &'a Request,
    payload: &'a [u8],
}

impl Asking<'_> {
    async fn answer(&self, feature: Feature) -> Step<Answer> {
        let protocol = &self.coap.protocol;
        match feature {
            Feature::Claim => self.claim().await,
            Feature::ClaimState => {
                let state = protocol.claim_state(self.device).await.map_err(of_failure)?;
                let text = serde_json::to_string(&state).unwrap_or_default();
                Ok(self.observing(Told::Claiming(state), Answer::with(ResponseType::Content, JSON, text)))
            }
            Feature::Attributes => self.attributes().await,
            Feature::PublishAttributes => {
                if self.encoding().await? == PayloadEncoding::Protobuf {
                    return Err(bad(&"attributes are read as JSON alone"));
                }
                let published =
                    protocol.publish_attributes(self.device, Transport::Coap, self.coap.correlation(), self.payload);
                match published.await {
                    Ok(()) => Ok(Answer::of(ResponseType::Created)),
                    Err(NotPublished::Invalid(why)) => Err(bad(&why)),
                    Err(NotPublished::Failed(failure)) => Err(of_failure(failure)),
                }
            }
            Feature::Telemetry => {
                // What is in Protobuf, only the maker of the device knows; nothing of it is kept.
                if self.encoding().await? == PayloadEncoding::Json {
                    check_telemetry(self.payload).map_err(|why| bad(&why))?;
                }
                Ok(Answer::of(ResponseType::Created))
            }
            Feature::Rpc => {
                let answer = protocol.answer(self.payload, MAX_BODY).map_err(|why| bad(&why))?;
                Ok(Answer::with(ResponseType::Content, JSON, answer.to_string()))
            }
        }
    }

    async fn claim(&self) -> Step<Answer> {
        let encoding = self.encoding().await.inspect_err(|answer| not_registered(Feature::Claim, answer))?;
        let payload = read(encoding, self.payload);
        let protocol = &self.coap.protocol;
        let registered =
            protocol.register_claim(self.device, Transport::Coap, self.coap.correlation(), None, payload).await;
        match registered {
            Ok(_) => Ok(Answer::of(ResponseType::Created)),
            Err(refusal) if self.coap.settings.legacy_ack && refusal.is_refusal() => {
                Ok(Answer::of(ResponseType::Created))
            }
            Err(NotRegistered::Payload(why)) => Err(bad(&why)),
            Err(NotRegistered::Failed(failure)) => Err(of_failure(failure)),
        }
    }

    async fn attributes(&self) -> Step<Answer> {
        let protocol = &self.coap.protocol;
        let wanted = wanted(&self.request.query);
        let found = protocol.attributes(self.device, &wanted).await.map_err(of_failure)?;
        let shared = match self.request.observe {
            Some(0) => protocol.shared_attributes(self.device).await.map_err(of_failure)?,
            _ => Default::default(),
        };
        let is_nothing = found.client.is_empty() && found.shared.is_empty();
        if is_nothing && self.request.observe != Some(0) {
            self.coap.observers.leave(&self.observer());
            return Err(Answer::of(ResponseType::NotFound));
        }
        let text = serde_json::to_string(&found).unwrap_or_default();
        Ok(self.observing(Told::Shared(shared), Answer::with(ResponseType::Content, JSON, text)))
    }

    /// The answer to who asks this, as an observer from now on if that is wished and there is room; who asks without that
    /// wish observes no longer.
    fn observing(&self, told: Told, answer: Answer) -> Answer {
        if self.request.observe != Some(0) {
            self.coap.observers.leave(&self.observer());
            return Answer { max_age: Some(0), ..answer };
        }
        let entered =
            self.coap.observers.enter(self.observer(), self.name.clone(), self.device, self.shown.clone(), told);
        let max_age = entered.map_or(0, |_| u32::try_from(FRESH.as_secs()).unwrap_or(u32::MAX));
        Answer { observe: entered, max_age: Some(max_age), ..answer }
    }

    fn observer(&self) -> (Peer, Vec<u8>) {
        (self.name.peer, self.request.back.token.clone())
    }

    async fn encoding(&self) -> Step<PayloadEncoding> {
        Ok(self.coap.protocol.payloads(self.device).await.map_err(of_failure)?.encoding)
    }
}

impl Coap {
    /// The name of a request in the log and beside the events that it causes.
    fn correlation(&self) -> Cow<'static, str> {
        Cow::Owned(self.entropy.new_id(self.clock.now()).to_string())
    }
}

/// `clientKeys=a,b` and `sharedKeys=c`; anything else is not looked at.
fn wanted(query: &[Vec<u8>]) -> Wanted {
    let keys = |name: &str| -> Vec<String> {
        let values = query.iter().filter_map(|pair| str::from_utf8(pair).ok()?.strip_prefix(name)?.strip_prefix('='));
        values.flat_map(|keys| keys.split(',')).filter(|key| !key.is_empty()).map(str::to_owned).collect()
    };
    Wanted { client: keys("clientKeys"), shared: keys("sharedKeys") }
}

/// The answer to a request that is at fault itself.
fn bad(why: &dyn std::fmt::Display) -> Answer {
    Answer::because(ResponseType::BadRequest, why)
}

fn no_block(_: BadBlock) -> Answer {
    bad(&"a block option is malformed")
}

fn nowhere(why: Nowhere) -> Answer {
    match why {
        Nowhere::NotFound => Answer::of(ResponseType::NotFound),
        Nowhere::Method => Answer::of(ResponseType::MethodNotAllowed),
        Nowhere::Feature => bad(&"the path names nothing that there is"),
    }
}

/// The answer to a failure of a use case.
pub(super) fn of_failure(failure: Failure) -> Answer {
    match failure {
        Failure::Refused(why @ (Refusal::AlreadyClaimed | Refusal::VersionConflict)) => {
            Answer::because(ResponseType::Conflict, &why)
        }
        // Deleted after it was authenticated: from here on its token is unknown.
        Failure::Refused(Refusal::DeviceNotFound) => Answer::of(ResponseType::Unauthorized),
        Failure::Refused(why) => Answer::because(ResponseType::Forbidden, &why),
        Failure::NotAppended(AppendError::Store(StoreError::Corrupt(_) | StoreError::Damaged { .. })) => {
            Answer::of(ResponseType::InternalServerError)
        }
        Failure::NotAppended(_) => {
            Answer { max_age: Some(RETRY), ..Answer::because(ResponseType::ServiceUnavailable, &"try again") }
        }
    }
}
