//! Connections that only read: a few that a lookup borrows on the spot, and a few on threads of their own for whatever
//! takes longer, so that it holds up no async task.

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
    thread,
};

use crossbeam_channel::{Receiver, Sender};
use deed_domain::ports::StoreError;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    connection,
    error::{OpenError, SqlError},
    writer::closed,
};

/// Connections for lookups; with more at once, some take the longer way over a thread.
const IDLE: usize = 4;
/// Threads for reads that may take long.
const THREADS: usize = 2;

type Read = Box<dyn FnOnce(&Connection) + Send>;

/// The reading connections.
pub(in crate::sqlite) struct Readers {
    idle: Mutex<Vec<Connection>>,
    threads: Sender<Read>,
}

impl Readers {
    /// Opens the connections.
    pub(in crate::sqlite) fn open(path: &Path) -> Result<Self, OpenError> {
        let idle = (0..IDLE).map(|_| connection::open_reader(path)).collect::<Result<_, _>>()?;
        let (threads, receiver): (_, Receiver<Read>) = crossbeam_channel::unbounded();
        for number in 0..THREADS {
            let connection = connection::open_reader(path)?;
            let receiver = receiver.clone();
            thread::Builder::new().name(format!("deed-reader-{number}")).spawn(move || {
                for read in receiver {
                    read(&connection);
                }
            })?;
        }
        Ok(Self { idle: Mutex::new(idle), threads })
    }

    /// Runs `read` at once if a connection is idle, and gives it back otherwise.
    pub(in crate::sqlite) fn run_here<T, F: FnOnce(&Connection) -> T>(&self, read: F) -> Result<T, F> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(connection) = idle().pop() else { return Err(read) };
        let result = read(&connection);
        idle().push(connection);
        Ok(result)
    }

    /// Runs `read` on one of the threads.
    pub(in crate::sqlite) async fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, SqlError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, receiver) = oneshot::channel();
        let job: Read = Box::new(move |connection| {
            // Whoever asked may have gone away.
            let _ = sender.send(read(connection));
        });
        self.threads.send(job).map_err(|_| closed())?;
        Ok(receiver.await.map_err(|_| closed())??)
    }
}
