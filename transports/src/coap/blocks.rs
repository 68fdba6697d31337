//! Requests and answers that come in parts (RFC 7959): the parts that have come, and those that are still to be fetched.

use std::{
    collections::VecDeque,
    hash::{DefaultHasher, Hash, Hasher},
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use coap_lite::ResponseType;
use deed_domain::ids::DeviceId;
use tokio::time::Instant;

use super::{
    Peer,
    exchanges::LIFETIME,
    message::Answer,
    peers::{makes_room, source},
};

/// Most bytes of a request in parts.
pub(super) const MAX_BODY: usize = 65_536;
/// Most requests of devices of which parts are still to come: 16 MiB. Then a device that has most of them loses its oldest one.
const MOST_REQUESTS: usize = 256;
/// Most of them of one device.
const MOST_OF_ONE: usize = 4;
/// Most of all who are not known to be a device, in the same way by their addresses: 16 MiB. One address may stand for many
/// devices, so that it may have all that nobody else wants.
const MOST_OF_STRANGERS: usize = 256;
/// Most bytes of a part of an answer, as an exponent of two, less four.
const LARGEST: u8 = 6;
/// Most answers of which parts are still to be fetched.
const MOST_ANSWERS: usize = 256;
/// Most bytes of them.
const MOST_ANSWER_BYTES: usize = 16 << 20;

/// A part of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// The how many-th it is, from 0 on.
    pub(super) number: u32,
    /// Whether others follow.
    pub(super) more: bool,
    /// Parts have 16 bytes, times two as often as this says; 6 at most.
    pub(super) exponent: u8,
}

/// Who asks for something, and for what: parts with the same name are parts of the same. The path holds a token.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// Who.
    pub(super) peer: Peer,
    /// Where.
    pub(super) path: Vec<String>,
    /// What of it.
    pub(super) query: Vec<Vec<u8>>,
}

/// What has come so far; of each, what was heard of longest ago is first.
#[derive(Default)]
pub(super) struct Requests {
    of_devices: Mutex<VecDeque<Unfinished>>,
    of_strangers: Mutex<VecDeque<Unfinished>>,
}

/// Whose place it takes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Owner {
    Device(DeviceId),
    Stranger(IpAddr),
}

struct Unfinished {
    name: Name,
    owner: Owner,
    body: Vec<u8>,
    since: Instant,
}

/// What is still to be fetched.
#[derive(Default)]
pub(super) struct Answers(Mutex<VecDeque<Unfetched>>);

struct Unfetched {
    name: Name,
    answer: Answer,
    since: Instant,
}

impl Block {
    /// Reads the value of the option.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > 3 {
            return None;
        }
        let value = bytes.iter().fold(0_u32, |value, byte| value << 8 | u32::from(*byte));
        let exponent = u8::try_from(value & 7).ok().filter(|exponent| *exponent <= LARGEST)?;
        Some(Self { number: value >> 4, more: value & 8 != 0, exponent })
    }

    /// The value of the option.
    pub(super) fn value(self) -> u32 {
        self.number << 4 | u32::from(self.more) << 3 | u32::from(self.exponent)
    }

    /// How many bytes a part has that is not the last one.
    pub(super) const fn size(self) -> usize {
        16 << self.exponent
    }

    /// Where it begins.
    const fn offset(self) -> usize {
        self.number as usize * self.size()
    }
}

impl Requests {
    /// Takes a part. With the last one, the whole.
    ///
    /// # Errors
    /// The answer to a part that is not the last, or that does not fit.
    pub(super) fn take(
        &self,
        name: Name,
        device: Option<DeviceId>,
        block: Block,
        announced: Option<u32>,
        part: &[u8],
    ) -> Result<Vec<u8>, Answer> {
        let (owner, all, most, most_of_one) = match device {
            Some(id) => (Owner::Device(id), &self.of_devices, MOST_REQUESTS, MOST_OF_ONE),
            None => {
                let owner = Owner::Stranger(source(name.peer.address));
                (owner, &self.of_strangers, MOST_OF_STRANGERS, MOST_OF_STRANGERS)
            }
        };
        let now = Instant::now();
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|one| now.duration_since(one.since) < LIFETIME);
        let found = all.iter().position(|one| one.name == name && one.owner == owner).and_then(|at| all.remove(at));
        let mut body = match (block.number, found) {
            (0, _) => Vec::new(),
            (_, Some(found)) if found.body.len() == block.offset() => found.body,
            (_, found) => {
                // The part that is missing may still come.
                all.extend(found);
                return Err(Answer::because(ResponseType::RequestEntityIncomplete, &"an earlier block is missing"));
            }
        };
        if body.len() + part.len() > MAX_BODY || announced.is_some_and(|size| size as usize > MAX_BODY) {
            return Err(too_large());
        }
        if block.more && part.len() != block.size() {
            return Err(Answer::because(ResponseType::BadRequest, &"a block has another length than it says"));
        }
        body.extend(part);
        if !block.more {
            return Ok(body);
        }
        let makes_room = if all.iter().filter(|one| one.owner == owner).count() >= most_of_one {
            all.iter().position(|one| one.owner == owner)
        } else if all.len() >= most {
            let owners = all.iter().map(|one| one.owner).chain([owner]);
            makes_room(owners.enumerate().map(|(at, owner)| (owner, at)))
        } else {
            None
        };
        makes_room.and_then(|at| all.remove(at));
        all.push_back(Unfinished { name, owner, body, since: now });
        Err(Answer { block1: Some(block), ..Answer::of(ResponseType::Continue) })
    }
}

/// The answer to a request that has more bytes than are taken.
pub(super) fn too_large() -> Answer {
    let size1 = u32::try_from(MAX_BODY).ok();
    Answer { size1, ..Answer::because(ResponseType::RequestEntityTooLarge, &"at most 65536 bytes") }
}

impl Answers {
    /// The first part of an answer; if it has several, the others wait to be fetched.
    pub(super) fn begin(&self, name: Name, answer: Answer, wanted: Option<Block>) -> Answer {
        let exponent = wanted.map_or(LARGEST, |wanted| wanted.exponent);
        let first = Block { number: 0, more: false, exponent };
        if answer.payload.len() <= first.size() {
            // Who asks for parts is told that there is one.
            return Answer { block2: wanted.map(|_| first), ..answer };
        }
        let mut digest = DefaultHasher::new();
        answer.payload.hash(&mut digest);
        let answer = Answer { etag: Some(digest.finish().to_be_bytes()), ..answer };
        let part = part(&answer, first);
        self.put(name, Answer { observe: None, block1: None, ..answer });
        part.unwrap_or_else(|| Answer::of(ResponseType::InternalServerError))
    }

    /// A later part of an answer, if it is there.
    pub(super) fn fetch(&self, name: &Name, block: Block) -> Option<Answer> {
        let now = Instant::now();
        let mut all = self.all();
        all.retain(|one| now.duration_since(one.since) < LIFETIME);
        let one = all.iter().find(|one| one.name == *name)?;
        Some(
            part(&one.answer, block)
                .unwrap_or_else(|| Answer::because(ResponseType::BadRequest, &"there is no such block")),
        )
    }

    fn put(&self, name: Name, answer: Answer) {
        let mut all = self.all();
        all.retain(|one| one.name != name);
        all.push_back(Unfetched { name, answer, since: Instant::now() });
        let mut bytes: usize = all.iter().map(|one| one.answer.payload.len()).sum();
        while all.len() > MOST_ANSWERS || bytes > MOST_ANSWER_BYTES {
            bytes -= all.pop_front().map_or(0, |one| one.answer.payload.len());
        }
    }

    fn all(&self) -> MutexGuard<'_, VecDeque<Unfetched>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// That part of an answer, if it has one.
fn part(answer: &Answer, block: Block) -> Option<Answer> {
    let begin = block.offset();
    let payload = answer.payload.get(begin..).filter(|rest| !rest.is_empty())?;
    let (payload, more) = match payload.get(..block.size()) {
        Some(part) => (part, payload.len() > part.len()),
        None => (payload, false),
    };
    let block2 = Some(Block { more, ..block });
    Some(Answer { payload: payload.to_vec(), block2, ..Answer { payload: Vec::new(), ..answer.clone() } })
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const DEVICE: Option<DeviceId> = Some(DeviceId(Uuid::from_u128(1)));

    fn name(n: u16) -> Name {
        Name { peer: SocketAddr::from(([127, 0, 0, 1], n)).into(), path: vec!["p".into()], query: Vec::new() }
    }

    const fn block(number: u32, more: bool, exponent: u8) -> Block {
        Block { number, more, exponent }
    }

    fn code(taken: Result<Vec<u8>, Answer>) -> ResponseType {
        taken.err().unwrap().code
    }

    #[test]
    fn an_option_is_read_as_it_is_written() {
        for one in [block(0, false, 0), block(1, true, 6), block(4_095, true, 2), block((1 << 20) - 1, false, 5)] {
            let bytes = one.value().to_be_bytes();
            assert_eq!(Block::read(&bytes[1..]), Some(one));
        }
        assert_eq!(Block::read(b""), Some(block(0, false, 0)));
        assert_eq!((Block::read(&[7]), Block::read(&[0; 4])), (None, None));
    }

    #[tokio::test(start_paused = true)]
    async fn parts_are_put_together_in_their_order_and_by_who_sends_them() {
        let requests = Requests::default();
        let take = |n, number, more, part: &[u8]| requests.take(name(n), DEVICE, block(number, more, 0), None, part);
        assert_eq!(code(take(1, 0, true, &[b'a'; 16])), ResponseType::Continue);
        assert_eq!(code(take(2, 1, true, &[b'b'; 16])), ResponseType::RequestEntityIncomplete);
        assert_eq!(code(take(1, 2, true, &[b'c'; 16])), ResponseType::RequestEntityIncomplete);
        assert_eq!(take(1, 1, false, b"b").ok(), Some([&[b'a'; 16][..], b"b"].concat()));
        assert_eq!(code(take(1, 1, false, b"b")), ResponseType::RequestEntityIncomplete);
        assert_eq!(code(take(1, 0, true, b"short")), ResponseType::BadRequest);
        assert_eq!(take(1, 0, false, b"").ok(), Some(Vec::new()));
        let other = Some(DeviceId(Uuid::from_u128(2)));
        assert_eq!(code(take(1, 0, true, &[b'a'; 16])), ResponseType::Continue);
        let foreign = requests.take(name(1), other, block(1, false, 0), None, b"b");
        assert_eq!(code(foreign), ResponseType::RequestEntityIncomplete);
        tokio::time::advance(LIFETIME).await;
        assert_eq!(code(take(1, 1, false, b"b")), ResponseType::RequestEntityIncomplete);
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_for_parts_is_limited() {
        let requests = Requests::default();
        let begin = |n, owner| code(requests.take(name(n), owner, block(0, true, 0), None, &[0; 16]));
        let end = |n, owner| requests.take(name(n), owner, block(1, false, 0), None, b"").is_ok();
        for n in 0..6 {
            begin(n, DEVICE);
        }
        assert_eq!([0, 1, 2, 5].map(|n| end(n, DEVICE)), [false, false, true, true]);
        for n in 0..300 {
            begin(n, Some(DeviceId(Uuid::from_u128(n.into()))));
        }
        assert_eq!(requests.of_devices.lock().unwrap().len(), MOST_REQUESTS);
        let large = requests.take(name(7), DEVICE, block(0, true, 6), Some(65_537), &[0; 1_024]);
        assert_eq!(code(large), ResponseType::RequestEntityTooLarge);
        for number in 0..64 {
            assert_eq!(
                code(requests.take(name(7), DEVICE, block(number, true, 6), None, &[0; 1_024])),
                ResponseType::Continue
            );
        }
        let beyond = requests.take(name(7), DEVICE, block(64, false, 6), None, b"x");
        assert_eq!(code(beyond), ResponseType::RequestEntityTooLarge);
    }

    /// Whoever floods takes nobody's place but its own, and that of others who have as many.
    #[tokio::test(start_paused = true)]
    async fn strangers_have_places_by_their_addresses() {
        let requests = Requests::default();
        let from = |address: u8, port| Name { peer: SocketAddr::from(([10, 0, 0, address], port)).into(), ..name(0) };
        let begin = |name| code(requests.take(name, None, block(0, true, 0), None, &[0; 16]));
        let end = |name| requests.take(name, None, block(1, false, 0), None, b"").is_ok();
        let of_a_device = requests.take(from(9, 9), DEVICE, block(0, true, 0), None, &[0; 16]);
        assert_eq!(code(of_a_device), ResponseType::Continue);
        begin(from(1, 1));
        for port in 0..1_000 {
            begin(from(2, port));
        }
        assert_eq!([744, 745, 999].map(|port| end(from(2, port))), [false, true, true], "its own oldest go first");
        // From many addresses, too, while they have more than one each.
        for port in 0..1_000 {
            begin(from(10 + u8::try_from(port % 20).unwrap(), port));
        }
        assert_eq!(requests.of_strangers.lock().unwrap().len(), MOST_OF_STRANGERS);
        assert!(end(from(1, 1)));
        assert!(requests.take(from(9, 9), DEVICE, block(1, false, 0), None, b"").is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn answers_wait_for_their_parts_to_be_fetched() {
        let answers = Answers::default();
        let answer = |size| Answer::with(ResponseType::Content, 50, vec![b'x'; size]);
        let short = answers.begin(name(1), answer(1_024), None);
        assert_eq!((short.payload.len(), short.block2, short.etag), (1_024, None, None));
        let first = answers.begin(name(1), answer(100), Some(block(0, false, 2)));
        assert_eq!((first.payload.len(), first.block2), (64, Some(block(0, true, 2))));
        let second = answers.fetch(&name(1), block(1, false, 2)).unwrap();
        assert_eq!((second.payload.len(), second.block2), (36, Some(block(1, false, 2))));
        assert_eq!((second.etag, second.format), (first.etag, Some(50)));
        assert_eq!(answers.fetch(&name(1), block(2, false, 2)).unwrap().code, ResponseType::BadRequest);
        assert!(answers.fetch(&name(2), block(1, false, 2)).is_none());
        let other = Name { query: vec![b"clientKeys=a".to_vec()], ..name(1) };
        assert!(answers.fetch(&other, block(1, false, 2)).is_none(), "another question has another answer");
        for n in 0..2_000 {
            answers.begin(name(n), answer(100_000), None);
        }
        let bytes: usize = answers.all().iter().map(|one| one.answer.payload.len()).sum();
        assert!(bytes <= MOST_ANSWER_BYTES && bytes > MOST_ANSWER_BYTES / 2, "{bytes}");
        tokio::time::advance(LIFETIME).await;
        assert!(answers.fetch(&name(1_999), block(1, false, 2)).is_none());
    }

    proptest! {
        #[test]
        fn whatever_is_cut_is_put_together_again(body in prop::collection::vec(any::<u8>(), 1..5_000), exponent in 0..=LARGEST) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let _time = runtime.enter();
            let (requests, answers) = (Requests::default(), Answers::default());
            let size = block(0, false, exponent).size();
            let parts: Vec<_> = body.chunks(size).collect();
            let mut whole = None;
            for (number, part) in (0..).zip(&parts) {
                let more = number as usize + 1 < parts.len();
                whole = requests.take(name(1), None, block(number, more, exponent), None, part).ok();
            }
            prop_assert_eq!(whole.as_ref(), Some(&body));
            let wanted = Some(block(0, false, exponent));
            let mut part = answers.begin(name(1), Answer::with(ResponseType::Content, 50, body.clone()), wanted);
            let mut fetched = part.payload.clone();
            while let Some(Block { number, more: true, .. }) = part.block2 {
                part = answers.fetch(&name(1), block(number + 1, false, exponent)).unwrap();
                fetched.extend(&part.payload);
            }
            prop_assert_eq!(fetched, body);
        }
    }
}
