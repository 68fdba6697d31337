//! A small pool of connections that only read, each on a thread of its own, so that no read holds up an async task.

use std::{path::Path, thread};

use crossbeam_channel::{Receiver, Sender};
use deed_domain::ports::StoreError;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    connection,
    error::{OpenError, SqlError},
    writer::closed,
};

type Read = Box<dyn FnOnce(&Connection) + Send>;

/// Hands reads to whichever thread is free.
#[derive(Clone)]
pub(in crate::sqlite) struct Readers(Sender<Read>);

impl Readers {
    /// Opens `count` connections.
    pub(in crate::sqlite) fn open(path: &Path, count: usize) -> Result<Self, OpenError> {
        let (sender, receiver): (_, Receiver<Read>) = crossbeam_channel::unbounded();
        for number in 0..count {
            let connection = connection::open_reader(path)?;
            let receiver = receiver.clone();
            thread::Builder::new().name(format!("deed-reader-{number}")).spawn(move || {
                for read in receiver {
                    read(&connection);
                }
            })?;
        }
        Ok(Self(sender))
    }

    /// Runs `read` on one of the connections.
    pub(in crate::sqlite) async fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, SqlError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, receiver) = oneshot::channel();
        let job: Read = Box::new(move |connection| {
            // Whoever asked may have gone away.
            let _ = sender.send(read(connection));
        });
        self.0.send(job).map_err(|_| closed())?;
        Ok(receiver.await.map_err(|_| closed())??)
    }
}
