//! Where labels are drawn: beside the requests of others, which wait for no label.

use std::{num::NonZero, panic, sync::Arc, thread};

use deed_labels::Font;
use tokio::{sync::Semaphore, task};

/// Draws labels on threads of its own, with half of the cores at most.
#[derive(Clone)]
pub struct LabelPress {
    font: Font,
    turns: Arc<Semaphore>,
}

impl LabelPress {
    /// Labels are printed with that font.
    #[must_use]
    pub fn new(font: Font) -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        Self { font, turns: Arc::new(Semaphore::new((cores / 2).max(1))) }
    }

    /// Does a part of the work when its turn comes: the smaller the part, the sooner it is somebody else's. It is finished
    /// also when the caller is gone.
    pub(crate) async fn draw<T: Send + 'static>(&self, work: impl FnOnce(&Font) -> T + Send + 'static) -> T {
        let Self { font, turns } = self.clone();
        // It can only fail when the semaphore is closed, which nobody does.
        let turn = turns.acquire_owned().await.ok();
        let drawn = task::spawn_blocking(move || {
            let _turn = turn;
            work(&font)
        });
        drawn.await.unwrap_or_else(|error| panic::resume_unwind(error.into_panic()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn labels_are_drawn_beside_what_the_runtime_does() {
        let press = LabelPress::new(Font::built_in().unwrap());
        assert_ne!(press.draw(|_| thread::current().id()).await, thread::current().id());
        // It goes on when a part was given up.
        drop(press.draw(|_| ()));
        press.draw(|_| ()).await;
    }
}
