//! The one thread of a node that appends: group commit.
//!
//! Commands wait in a bounded queue. The thread takes what is there, up to [`BATCH`], looks up together what they ask for, decides
//! one after another in memory, writes all of it in few statements, commits, and only then answers each. While a commit waits
//! for the disk, the next batch gathers by itself; nothing waits for company.

mod batch;
mod commands;
mod counts;
mod facts;
mod names;

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use deadpool_postgres::{Client, Object, Pool, Transaction};
use deed_domain::ports::{Append, AppendError, Appended, StoreError};
use tokio::{
    runtime::Builder,
    sync::{mpsc, oneshot},
    time::sleep,
};
use uuid::Uuid;

pub(in crate::postgres) use self::names::forget;
use self::{
    batch::{Batch, Outcome},
    facts::Facts,
    names::BatchName,
};
use super::{
    Time,
    error::{OpenError, SqlError, is_contradiction, told},
    log_end,
    values::within,
};
use crate::{folded::Folded, notices::Notices};

/// Most commands in one transaction.
const BATCH: usize = 512;
/// Most commands that wait; beyond it, senders are told that the store is overloaded.
const QUEUE: usize = 16_384;
/// How often a batch is tried: again after a conflict, or a lost connection that has left nothing behind.
const ATTEMPTS: u32 = 3;
/// How long it is waited between two attempts.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a batch may take up to its commit: mostly milliseconds.
const BATCH_TIME: Duration = Duration::from_secs(20);
/// How long its commit may take, or a connection to begin.
const COMMIT_TIME: Duration = Duration::from_secs(10);
/// How long a plan of a statement is kept: one that was made for an empty table reads all of it when it has grown.
const PLANS_LAST: Duration = Duration::from_secs(1);
/// How long it is asked what became of a commit whose answer got lost.
const IN_DOUBT: Duration = Duration::from_secs(30);

struct Job {
    append: Append,
    sender: oneshot::Sender<Result<Appended, AppendError>>,
}

/// The sending end of the queue.
pub(in crate::postgres) struct Queue {
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    end: Mutex<Option<oneshot::Receiver<()>>>,
}

impl Queue {
    /// Has a command carried out.
    pub(in crate::postgres) async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let (sender, receiver) = oneshot::channel();
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let jobs = jobs.ok_or_else(closed)?;
        jobs.try_send(Job { append, sender }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => AppendError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => closed().into(),
        })?;
        drop(jobs);
        receiver.await.map_err(|_| closed())?
    }

    /// Finishes what waits, and takes nothing more.
    pub(in crate::postgres) async fn close(&self) {
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        let end = self.end.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(end) = end {
            // A thread that panicked has nothing to finish.
            let _ = end.await;
        }
    }

    /// How many commands wait.
    pub(in crate::postgres) fn len(&self) -> usize {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.as_ref().map_or(0, |jobs| jobs.max_capacity() - jobs.capacity())
    }
}

pub(in crate::postgres) fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_owned())
}

/// The writer's own: its connection, and what it remembers between batches.
pub(in crate::postgres) struct Writer {
    /// One connection, made anew when it is lost.
    pool: Pool,
    time: Time,
    /// The version of the schema that this program knows.
    known: i32,
    notices: Arc<Notices>,
    /// The last batch.
    last: BatchName,
    /// What others appended to these devices is read before they are decided on.
    devices: Folded,
    /// Told whether the last transaction failed.
    failing: Arc<AtomicBool>,
    /// When the plans of its statements were made.
    planned: Option<Instant>,
}

/// A batch that is written, and durable once it is committed.
struct Made {
    outcomes: Vec<Outcome>,
    batch: Batch,
}

impl Writer {
    /// A writer that has written nothing yet.
    pub(in crate::postgres) fn new(
        node: Uuid,
        pool: Pool,
        time: Time,
        known: i32,
        notices: Arc<Notices>,
        failing: Arc<AtomicBool>,
    ) -> Self {
        Self {
            pool,
            time,
            known,
            notices,
            last: BatchName { node, number: 0 },
            devices: Folded::default(),
            failing,
            planned: None,
        }
    }

    /// Starts the thread, and gives it its connection: a server that has none left says so now, and not at the first commit.
    /// It has a runtime of its own, so that nothing else that a node does holds up a commit, nor a decision anything else.
    pub(in crate::postgres) async fn start(mut self) -> Result<Queue, OpenError> {
        let (sender, receiver) = mpsc::channel::<Job>(QUEUE);
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let ((connected, connection), (ended, end)) = (oneshot::channel(), oneshot::channel());
        thread::Builder::new().name("deed-writer".to_owned()).spawn(move || {
            runtime.block_on(async {
                let first = self.connect().await.map(drop);
                let is_there = first.is_ok();
                // Whoever opens or closes the store may have gone away.
                let _ = connected.send(first);
                if is_there {
                    self.work(receiver).await;
                }
            });
            let _ = ended.send(());
        })?;
        connection.await.map_err(|_| OpenError::Unavailable("the writer ended".to_owned()))??;
        Ok(Queue { jobs: Mutex::new(Some(sender)), end: Mutex::new(Some(end)) })
    }

    async fn work(&mut self, mut receiver: mpsc::Receiver<Job>) {
        let mut waiting: VecDeque<Job> = VecDeque::new();
        loop {
            if waiting.is_empty() {
                match receiver.recv().await {
                    Some(job) => waiting.push_back(job),
                    None => return,
                }
            }
            while waiting.len() < BATCH
                && let Ok(job) = receiver.try_recv()
            {
                waiting.push_back(job);
            }
            let jobs = waiting.drain(..).collect();
            waiting.extend(self.carry_out(jobs).await);
        }
    }

    /// One batch: all of it durable, or none. Gives back what has to wait for the next one.
    async fn carry_out(&mut self, jobs: Vec<Job>) -> Vec<Job> {
        #[expect(clippy::disallowed_methods, reason = "a duration for a metric; decides nothing")]
        let started = Instant::now();
        let size = jobs.len();
        let made = self.attempt(&jobs).await;
        #[expect(clippy::cast_precision_loss, reason = "a batch has at most a few hundred jobs")]
        metrics::histogram!("deed_append_batch_size").record(size as f64);
        metrics::histogram!("deed_append_duration_seconds").record(started.elapsed());
        match made {
            Ok(made) => {
                self.failing.store(false, Ordering::Relaxed);
                self.answer(jobs, made)
            }
            // Each alone, so that the one that contradicts what is stored does not undo all others.
            Err(error) if error.is_contradiction() && size > 1 => {
                let mut waiting = Vec::new();
                for job in jobs {
                    waiting.extend(Box::pin(self.carry_out(vec![job])).await);
                }
                waiting
            }
            Err(error) => {
                self.refuse(jobs, error);
                Vec::new()
            }
        }
    }

    /// Makes the batch, if need be at the second or third attempt.
    async fn attempt(&mut self, jobs: &[Job]) -> Result<Made, SqlError> {
        let mut attempts = 1;
        loop {
            match self.try_once(jobs).await {
                Err(error) if attempts < ATTEMPTS && (error.is_passing() || error.is_lost()) => {
                    tracing::warn!(error = %StoreError::from(error), "a batch was not written; trying again");
                    attempts += 1;
                    sleep(PAUSE).await;
                }
                made => return made,
            }
        }
    }

    /// Its connection. A new one may lead to another server, which has not received everything that the one before acknowledged:
    /// what is remembered of devices may be more than there is.
    async fn connect(&mut self) -> Result<Client, SqlError> {
        let client = self.pool.get().await?;
        if Object::metrics(&client).recycle_count == 0 {
            self.devices = Folded::default();
        }
        Ok(client)
    }

    /// An error says that nothing was written, or that this could not be found out.
    async fn try_once(&mut self, jobs: &[Job]) -> Result<Made, SqlError> {
        let mut client = self.connect().await?;
        let error = match self.make(&mut client, jobs).await {
            Ok((made, Ok(()))) => return Ok(made),
            Ok((made, Err(error))) => {
                // The server may be at it still: this connection's next answer would be that of the commit.
                drop(Object::take(client));
                if error.is_answer() || !self.was_made().await? {
                    return Err(error);
                }
                return Ok(made);
            }
            Err(error) => error,
        };
        drop(Object::take(client));
        Err(error)
    }

    /// The planner goes by how large the tables are at that moment, and not by what they become.
    async fn plan_anew(&mut self, client: &Client) -> Result<(), SqlError> {
        #[expect(clippy::disallowed_methods, reason = "how old plans are; decides nothing")]
        let now = Instant::now();
        if self.planned.is_none_or(|planned| now - planned >= PLANS_LAST) {
            within(COMMIT_TIME, client.batch_execute("DISCARD PLANS")).await?;
            self.planned = Some(now);
        }
        Ok(())
    }

    /// Everything up to the commit, and how that went.
    async fn make(&mut self, client: &mut Client, jobs: &[Job]) -> Result<(Made, Result<(), SqlError>), SqlError> {
        self.plan_anew(client).await?;
        let tx = within(COMMIT_TIME, client.transaction()).await?;
        let made = within(BATCH_TIME, self.prepare(&tx, jobs)).await?;
        let committed = within(COMMIT_TIME, tx.commit()).await;
        Ok((made, committed))
    }

    /// Decides and writes, but for the commit.
    async fn prepare(&mut self, tx: &Transaction<'_>, jobs: &[Job]) -> Result<Made, SqlError> {
        let appends: Vec<&Append> = jobs.iter().map(|job| &job.append).collect();
        let (known, time) = (self.known, &self.time);
        let end = async {
            let end = log_end::hold(tx).await?.expect(known)?;
            Ok((end.position, time.of_append(end.told).max(end.recorded_at)))
        };
        let devices = &mut self.devices;
        let ((head, now), facts) = Facts::load(tx, end, &appends, |id| devices.take(id).unwrap_or_default()).await?;
        let mut batch = Batch::new(head, now, facts);
        let outcomes = appends.into_iter().map(|append| batch.append(append)).collect();
        self.last.number += 1;
        batch.flush(tx, self.last).await?;
        Ok(Made { outcomes, batch })
    }

    /// Whether the last batch was made, though the answer to its commit got lost. Whoever made it holds the end of the log
    /// until it is made or undone, so that this is not asked too early.
    async fn was_made(&mut self) -> Result<bool, SqlError> {
        #[expect(clippy::disallowed_methods, reason = "how long to go on asking; decides nothing else")]
        let until = Instant::now() + IN_DOUBT;
        loop {
            match self.ask_for_last().await {
                Ok(made) => {
                    tracing::warn!(
                        made,
                        "the answer to a commit got lost; the database has been asked what became of it"
                    );
                    return Ok(made);
                }
                #[expect(clippy::disallowed_methods, reason = "how long to go on asking; decides nothing else")]
                Err(error) if Instant::now() >= until => {
                    tracing::error!("the answer to a commit got lost, and the database does not say what became of it");
                    return Err(SqlError::NotConnected(format!(
                        "whether it was written is not known yet: {}",
                        StoreError::from(error)
                    )));
                }
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    async fn ask_for_last(&mut self) -> Result<bool, SqlError> {
        let mut client = self.connect().await?;
        let tx = within(COMMIT_TIME, client.transaction()).await?;
        log_end::hold(&tx).await?;
        self.last.was_made(&tx).await
    }

    /// Answers everybody, then wakes who follows the log. Gives back those whose turn is later.
    fn answer(&mut self, jobs: Vec<Job>, made: Made) -> Vec<Job> {
        let Made { outcomes, mut batch } = made;
        let mut waiting = Vec::new();
        for (job, outcome) in jobs.into_iter().zip(outcomes) {
            match outcome {
                // Whoever asked may have gone away; the command is carried out all the same.
                Some(result) => drop(job.sender.send(result)),
                None => waiting.push(job),
            }
        }
        for (device_id, device, sequence) in batch.devices() {
            self.devices.keep(device_id, device, sequence);
        }
        self.notices.notify(&batch.touched);
        self.notices.watchers.tell(&batch.written);
        waiting
    }

    fn refuse(&mut self, jobs: Vec<Job>, error: SqlError) {
        self.failing.store(true, Ordering::Relaxed);
        self.devices = Folded::default();
        let error = match error {
            SqlError::Postgres(error) if is_contradiction(&error) => StoreError::Corrupt(told(&error)),
            error => error.into(),
        };
        tracing::error!(%error, jobs = jobs.len(), "a batch could not be committed");
        for job in jobs {
            // Whoever asked may have gone away.
            let _ = job.sender.send(Err(AppendError::Store(error.clone())));
        }
    }
}
