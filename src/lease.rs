//! What is done by one node at a time.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
    time::Duration,
};

use deed_domain::ports::{LEASE, Leases};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

/// How often it is asked for: by who does the work, so that it goes on, and by the others, as nobody may be doing it.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Does work whenever it is this node's, until the service stops: then `work` is told, and ends by itself. Where it is not this
/// node's any more, as far as is known here, nothing further of it is done, not even when the process stood still meanwhile.
pub(crate) async fn on_one_node<W: Future<Output = ()>>(
    leases: Arc<dyn Leases>,
    name: &'static str,
    stopping: CancellationToken,
    work: impl Fn(CancellationToken) -> W,
) {
    while let Some(until) = stopping.run_until_cancelled(its_turn(&*leases, name)).await {
        tracing::debug!(work = name, "this node does the work from here on");
        let until = Mutex::new(until);
        let ended = while_ours(&until, work(stopping.clone()));
        tokio::select! {
            biased;
            () = over(&until) => {}
            () = renew(&*leases, name, &until) => {}
            () = ended => {}
        }
        if !stopping.is_cancelled() {
            tracing::warn!(
                work = name,
                "this node does not do the work any more: another one does, or the database does not answer"
            );
        }
    }
    // It may be another's, or nobody can be told: then they wait until its time is over.
    let _ = leases.release(name).await;
}

/// Waits until the work is this node's; gives until when, by this machine's own clock.
async fn its_turn(leases: &dyn Leases, name: &str) -> Instant {
    loop {
        let asked = Instant::now();
        if let Ok(true) = leases.hold(name).await {
            return asked + LEASE;
        }
        sleep(ASK_EVERY).await;
    }
}

/// Goes on asking for it; ends when it is another's.
async fn renew(leases: &dyn Leases, name: &str, until: &Mutex<Instant>) {
    loop {
        sleep(ASK_EVERY).await;
        let asked = Instant::now();
        match leases.hold(name).await {
            Ok(true) => *until.lock().unwrap_or_else(PoisonError::into_inner) = asked + LEASE,
            Ok(false) => return,
            // What was said before holds.
            Err(error) => tracing::debug!(%error, work = name, "whose work it is could not be asked"),
        }
    }
}

/// Waits until its time is over.
async fn over(until: &Mutex<Instant>) {
    while Instant::now() < at(until) {
        sleep_until(at(until)).await;
    }
}

/// Does the work, but no step of it when its time is over: a process that stood still goes on wherever it was.
async fn while_ours(until: &Mutex<Instant>, work: impl Future<Output = ()>) {
    let mut work = pin!(work);
    poll_fn(|context| if Instant::now() < at(until) { work.as_mut().poll(context) } else { Poll::Pending }).await;
}

fn at(until: &Mutex<Instant>) -> Instant {
    *until.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

    use async_trait::async_trait;
    use deed_domain::ports::StoreError;

    use super::*;

    const OURS: u8 = 0;
    const OTHERS: u8 = 1;
    const SILENT: u8 = 2;

    #[derive(Default)]
    struct Told(AtomicU8, AtomicU32);

    #[async_trait]
    impl Leases for Told {
        async fn hold(&self, _: &str) -> Result<bool, StoreError> {
            match self.0.load(Ordering::SeqCst) {
                OURS => Ok(true),
                OTHERS => Ok(false),
                _ => std::future::pending().await,
            }
        }

        async fn release(&self, _: &str) -> Result<(), StoreError> {
            self.1.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
    }

    /// Work that counts its seconds.
    fn begin(told: &Arc<Told>, stopping: &CancellationToken) -> (Arc<AtomicU32>, tokio::task::JoinHandle<()>) {
        let done = Arc::<AtomicU32>::default();
        let counted = Arc::clone(&done);
        let work = move |stopping: CancellationToken| {
            let counted = Arc::clone(&counted);
            async move {
                while stopping.run_until_cancelled(sleep(Duration::from_secs(1))).await.is_some() {
                    counted.fetch_add(1, Ordering::SeqCst);
                }
            }
        };
        (done, tokio::spawn(on_one_node(told.clone(), "work", stopping.clone(), work)))
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_done_as_long_as_it_is_this_nodes() {
        let (told, stopping) = (Arc::<Told>::default(), CancellationToken::new());
        let (done, running) = begin(&told, &stopping);
        sleep(Duration::from_millis(10_500)).await;
        assert_eq!(done.load(Ordering::SeqCst), 10);
        told.0.store(OTHERS, Ordering::SeqCst);
        sleep(Duration::from_secs(30)).await;
        assert!(done.load(Ordering::SeqCst) <= 11, "another node does it");
        told.0.store(OURS, Ordering::SeqCst);
        sleep(Duration::from_secs(5)).await;
        assert!(done.load(Ordering::SeqCst) >= 13, "it is this node's again");
        stopping.cancel();
        running.await.unwrap();
        assert_eq!(told.1.load(Ordering::SeqCst), 1, "it is left to the others");
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_that_cannot_ask_stops_when_its_time_is_over() {
        let (told, stopping) = (Arc::<Told>::default(), CancellationToken::new());
        let (done, _running) = begin(&told, &stopping);
        sleep(Duration::from_millis(2_500)).await;
        told.0.store(SILENT, Ordering::SeqCst);
        sleep(Duration::from_secs(60)).await;
        let seconds = 2 + u32::try_from(LEASE.as_secs()).unwrap();
        assert!(done.load(Ordering::SeqCst) <= seconds, "{done:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_stood_still_does_no_further_step() {
        let (told, stopping) = (Arc::<Told>::default(), CancellationToken::new());
        let (done, _running) = begin(&told, &stopping);
        sleep(Duration::from_millis(2_500)).await;
        told.0.store(SILENT, Ordering::SeqCst);
        // All timers are due at once, the work's own among them, and the answer whose work it is takes its time.
        tokio::time::advance(LEASE * 2).await;
        sleep(Duration::from_secs(5)).await;
        assert_eq!(done.load(Ordering::SeqCst), 2);
    }
}
