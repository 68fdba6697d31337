//! The live stream of a tenant's log when nothing happens for long, in time that is made to pass.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod unreachable;

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use axum::{
    Router,
    body::{Body, HttpBody},
    http::{HeaderMap, Request, StatusCode},
};
use deed_api::{ApiState, Readiness, router};
use deed_domain::{
    ids::{DeviceId, Position},
    ports::{Feed, Page, RecordedEvent, Scope, StoreError, Subscription, TokenClaims, TokenError, TokenSigner},
    time::Timestamp,
};
use tokio::time::{Instant, timeout};
use tower::ServiceExt;
use unreachable::{ADMIN, state};

/// A log to which nothing comes.
struct Quiet;

#[async_trait]
impl Feed for Quiet {
    async fn read_after(&self, _: Scope, after: Position, _: usize) -> Result<Page, StoreError> {
        Ok(Page { events: Vec::new(), read_up_to: after })
    }

    async fn head(&self) -> Result<Position, StoreError> {
        Ok(Position(0))
    }

    async fn position_before(&self, _: Timestamp) -> Result<Position, StoreError> {
        Ok(Position(0))
    }

    async fn last_of_each(&self, _: &[DeviceId], _: &[&str]) -> Result<Vec<RecordedEvent>, StoreError> {
        Ok(Vec::new())
    }

    fn subscribe(&self, _: Scope, _: Position) -> Box<dyn Subscription> {
        Box::new(Self)
    }
}

#[async_trait]
impl Subscription for Quiet {
    async fn next(&mut self) -> Result<Page, StoreError> {
        pending().await
    }
}

/// Tokens that run out at once.
struct Expiring {
    known: Arc<dyn TokenSigner>,
    are_expired: Arc<AtomicBool>,
}

impl TokenSigner for Expiring {
    fn sign(&self, claims: &TokenClaims) -> Result<String, TokenError> {
        self.known.sign(claims)
    }

    fn verify(&self, token: &str) -> Result<TokenClaims, TokenError> {
        if self.are_expired.load(Ordering::Relaxed) { Err(TokenError::Expired) } else { self.known.verify(token) }
    }
}

struct Service {
    router: Router,
    readiness: Readiness,
    are_expired: Arc<AtomicBool>,
}

impl Service {
    fn start() -> Self {
        let (readiness, are_expired) = (Readiness::default(), Arc::new(AtomicBool::new(false)));
        let state = state(readiness.clone());
        let tokens = Expiring { known: Arc::clone(&state.tokens), are_expired: Arc::clone(&are_expired) };
        let state = ApiState { feed: Arc::new(Quiet), tokens: Arc::new(tokens), ..state };
        Self { router: router(state, Router::new()), readiness, are_expired }
    }

    async fn ask(&self) -> (StatusCode, HeaderMap, Body) {
        let request = Request::get("/api/audit/events")
            .header("X-Authorization", format!("Bearer {ADMIN}"))
            .header("Accept", "text/event-stream");
        let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        (parts.status, parts.headers, body)
    }

    /// A stream whose first piece has been read.
    async fn open(&self) -> Body {
        let (status, headers, mut body) = self.ask().await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(headers["content-type"], "text/event-stream");
        assert_eq!(headers["x-accel-buffering"], "no");
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(next(&mut body).await.as_deref(), Some("retry: 2000\n\n"));
        body
    }
}

/// The next piece; nothing at the end.
async fn next(body: &mut Body) -> Option<String> {
    let frame = std::future::poll_fn(|context| std::pin::Pin::new(&mut *body).poll_frame(context)).await;
    frame.map(|frame| String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn silence_is_broken_by_comments() {
    let service = Service::start();
    let mut body = service.open().await;
    for _ in 0..3 {
        let begun = Instant::now();
        assert_eq!(next(&mut body).await.as_deref(), Some(": \n\n"));
        assert_eq!(begun.elapsed().as_secs(), 15);
    }
}

#[tokio::test(start_paused = true)]
async fn it_ends_soon_after_the_credentials_did() {
    let service = Service::start();
    let mut body = service.open().await;
    service.are_expired.store(true, Ordering::Relaxed);
    let end = timeout(Duration::from_secs(16), next(&mut body)).await;
    assert_eq!(end, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn it_ends_at_once_when_the_service_drains() {
    let service = Service::start();
    let mut body = service.open().await;
    let begun = Instant::now();
    let (end, ()) = tokio::join!(next(&mut body), async {
        tokio::task::yield_now().await;
        service.readiness.drain();
    });
    assert_eq!((end, begun.elapsed()), (None, Duration::ZERO));
    let mut late = service.open().await;
    assert_eq!((next(&mut late).await, begun.elapsed()), (None, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_tenant_follows_its_log_a_hundred_times_at_once() {
    let service = Service::start();
    let mut open = Vec::new();
    for _ in 0..100 {
        open.push(service.open().await);
    }
    let (status, headers, _) = service.ask().await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(headers["retry-after"], "5");
    open.pop();
    open.push(service.open().await);
}
