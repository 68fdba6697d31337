//! A tenant's log as it goes on, as server-sent events (`docs/protocol.md`, audit).

use std::time::Duration;

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    deed::world::{World, sign_in},
    tenants::{operator, tenant},
};

const SOON: Duration = Duration::from_secs(20);
const PATH: &str = "/api/audit/events";

/// A stream, with what has come of it and was not looked at.
struct Stream {
    answer: Response,
    come: String,
}

/// What an event of the stream says.
#[derive(Debug, PartialEq)]
struct Told {
    id: u64,
    event: String,
    data: Value,
}

impl Stream {
    async fn open(world: &World, user: &str, path_and_query: &str, last_event_id: Option<u64>) -> Self {
        let mut request = world.client.get(format!("{}{path_and_query}", world.server.url)).bearer_auth(user);
        if let Some(id) = last_event_id {
            request = request.header("Last-Event-ID", id);
        }
        let answer = request.header("Accept", "text/event-stream").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let mut stream = Self { answer, come: String::new() };
        assert_eq!(stream.block().await.unwrap(), "retry: 2000");
        stream
    }

    /// Everything up to the next empty line; nothing at the end.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.come.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.come = rest;
                return Some(block);
            }
            let Some(chunk) = timeout(SOON, self.answer.chunk()).await.unwrap().unwrap() else {
                assert_eq!(self.come, "", "it ends between events");
                return None;
            };
            self.come.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next event; nothing at the end.
    async fn next(&mut self) -> Option<Told> {
        let mut block = self.block().await?;
        while block.starts_with(':') {
            block = self.block().await?;
        }
        let lines: Vec<_> = block.lines().map(|line| line.split_once(": ").unwrap()).collect();
        let [("id", id), ("event", event), ("data", data)] = lines[..] else { panic!("{block}") };
        Some(Told { id: id.parse().unwrap(), event: event.to_owned(), data: serde_json::from_str(data).unwrap() })
    }

    async fn take(&mut self, count: usize) -> Vec<Told> {
        let mut told = Vec::new();
        for _ in 0..count {
            told.push(self.next().await.unwrap());
        }
        told
    }
}

/// The whole log of the tenant.
async fn log(world: &World) -> Vec<Value> {
    let (_, events) = world.call(Method::GET, &format!("{PATH}?limit=1000"), Some(&world.tenant), None).await;
    events.as_array().unwrap().clone()
}

#[tokio::test]
async fn it_begins_where_it_is_asked_to_and_goes_on_with_what_happens() {
    let world = World::start().await;
    let auditor = sign_in(&world.client, &world.server.url, "auditor@thingsboard.org", "auditor").await;
    let before = log(&world).await;
    let mut whole = Stream::open(&world, &auditor, PATH, None).await;
    let told = whole.take(before.len()).await;
    assert_eq!(told.iter().map(|told| told.data.clone()).collect::<Vec<_>>(), before);
    assert!(told.iter().all(|told| told.data["position"] == told.id && told.data["eventType"] == told.event));

    let head = told.last().unwrap().id;
    let mut after = Stream::open(&world, &auditor, &format!("{PATH}?after={}", head - 1), None).await;
    assert_eq!(after.next().await.unwrap().id, head);
    // A browser that comes back says what it got last, and asks for the same address as before.
    let mut again = Stream::open(&world, &auditor, &format!("{PATH}?after=0"), Some(head - 2)).await;
    assert_eq!(again.take(2).await.iter().map(|told| told.id).collect::<Vec<_>>(), [head - 1, head]);
    let mut since = Stream::open(&world, &auditor, &format!("{PATH}?since=99999999999999"), None).await;

    world.open_device("Followed").await;
    for stream in [&mut whole, &mut after, &mut again, &mut since] {
        let told = stream.take(2).await;
        assert_eq!(told.iter().map(|told| told.id).collect::<Vec<_>>(), [head + 1, head + 2]);
        assert_eq!(told[0].event, "DeviceRegistered");
    }
}

#[tokio::test]
async fn since_a_time_is_what_was_recorded_then_or_later() {
    let world = World::start().await;
    world.open_device("Late").await;
    let all = log(&world).await;
    let time = all.last().unwrap()["recordedAt"].as_i64().unwrap();
    let expected: Vec<_> = all.iter().filter(|event| event["recordedAt"].as_i64() >= Some(time)).cloned().collect();
    assert!(expected.len() < all.len());
    let path = format!("{PATH}?since={time}");
    let (_, array) = world.call(Method::GET, &path, Some(&world.tenant), None).await;
    assert_eq!(array, json!(expected));
    let request = world.client.get(format!("{}{path}", world.server.url)).bearer_auth(&world.tenant);
    let lines = request.header("Accept", "application/x-ndjson").send().await.unwrap().text().await.unwrap();
    assert_eq!(lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>(), expected);
    let mut stream = Stream::open(&world, &world.tenant, &path, None).await;
    let told = stream.take(expected.len()).await;
    assert_eq!(told.into_iter().map(|told| told.data).collect::<Vec<_>>(), expected);

    for (query, id) in [("since=1&after=1", None), ("since=soon", None), ("after=-1", None), ("", Some("x"))] {
        let request = world.client.get(format!("{}{PATH}?{query}", world.server.url)).bearer_auth(&world.tenant);
        let request = id.into_iter().fold(request, |request, id| request.header("Last-Event-ID", id));
        let answer = request.header("Accept", "text/event-stream, application/problem+json").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(answer.json::<Value>().await.unwrap()["code"], "malformed_request", "{query}");
    }
}

#[tokio::test]
async fn who_was_signed_out_is_told_nothing_more() {
    let world = World::start().await;
    let auditor = sign_in(&world.client, &world.server.url, "auditor@thingsboard.org", "auditor").await;
    let end = "since=99999999999999";
    let mut auditors = Stream::open(&world, &auditor, &format!("{PATH}?{end}"), None).await;
    let mut tenants = Stream::open(&world, &world.tenant, &format!("{PATH}?{end}"), None).await;
    assert_eq!(world.call(Method::POST, "/api/auth/logout", Some(&auditor), None).await.0, StatusCode::OK);
    world.device("Unseen").await;
    assert_eq!(tenants.next().await.unwrap().event, "DeviceRegistered");
    assert_eq!(auditors.next().await, None);
}

#[tokio::test]
async fn it_tells_of_no_other_tenant_and_ends_when_the_service_stops() {
    let world = World::start().await;
    let (_, admin) = tenant(&world, &operator(&world).await, "Other").await;
    let mut others = Stream::open(&world, &admin, PATH, None).await;
    let mut own = Stream::open(&world, &world.tenant, &format!("{PATH}?since=99999999999999"), None).await;
    world.device("Not theirs").await;
    assert_eq!(own.next().await.unwrap().event, "DeviceRegistered");

    world.server.signal("TERM");
    let stopped = tokio::task::spawn_blocking(move || world.server.wait());
    assert_eq!((own.next().await, others.next().await), (None, None));
    let (status, printed) = timeout(SOON, stopped).await.unwrap().unwrap();
    assert!(status.success() && !printed.contains("cut off"), "{printed}");
}

#[tokio::test]
async fn a_stream_is_counted_once_however_long_it_is() {
    let world = World::start_with(&[("TB_SERVER_REST_LIMITS_TENANT_CONFIGURATION", "4:600")]).await;
    let mut stream = Stream::open(&world, &world.tenant, &format!("{PATH}?since=99999999999999"), None).await;
    for name in ["One", "Two", "Three"] {
        world.device(name).await;
        assert_eq!(stream.next().await.unwrap().event, "DeviceRegistered");
    }
    let (status, _) = world.call(Method::GET, PATH, Some(&world.tenant), None).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
}
