//! The queue before the mail server, and the worker that empties it.

use std::{sync::Arc, time::Duration};

use deed_domain::ports::{Clock, Entropy, Letter, Mailer};
use tokio::sync::mpsc;

use super::smtp::{MailSettingsError, SmtpServer, SmtpSettings};

/// Letters that may wait; those beyond are lost.
const QUEUE: usize = 1_000;
/// When the service stops, what waits gets this long to be sent.
const LAST_CHANCE: Duration = Duration::from_secs(10);

/// Takes letters for the worker.
#[derive(Clone, Debug)]
pub struct SmtpMailer {
    queue: mpsc::Sender<Letter>,
}

/// Sends the letters that were taken, one after the other.
pub struct MailWorker {
    queue: mpsc::Receiver<Letter>,
    server: SmtpServer,
}

impl SmtpMailer {
    /// A mailer, and the worker that has to run beside it. Connects to nothing yet.
    ///
    /// # Errors
    /// [`MailSettingsError`].
    pub fn new(
        settings: SmtpSettings,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<(Self, MailWorker), MailSettingsError> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        Ok((Self { queue: sender }, MailWorker { queue: receiver, server: SmtpServer::new(settings, clock, entropy)? }))
    }
}

impl Mailer for SmtpMailer {
    fn has_server(&self) -> bool {
        true
    }

    fn post(&self, letter: Letter) {
        if let Err(error) = self.queue.try_send(letter) {
            let letter = error.into_inner();
            tracing::error!(
                user_id = %letter.user_id,
                kind = letter.message.kind(),
                "a letter is lost: too many wait for the mail server"
            );
        }
    }
}

impl MailWorker {
    /// Sends until `stopping` is over, then what is left, as far as there is time.
    pub async fn run(mut self, stopping: impl Future<Output = ()> + Send) {
        let mut stopping = std::pin::pin!(stopping);
        loop {
            let letter = tokio::select! {
                letter = self.queue.recv() => letter,
                () = &mut stopping => break,
            };
            let Some(letter) = letter else { return };
            // A letter under way when the service stops is sent all the same: the server may have taken it.
            send(&self.server, &letter).await;
        }
        self.queue.close();
        let rest = async {
            while let Some(letter) = self.queue.recv().await {
                send(&self.server, &letter).await;
            }
        };
        if tokio::time::timeout(LAST_CHANCE, rest).await.is_err() {
            tracing::warn!("letters that still waited for the mail server are lost");
        }
    }
}

async fn send(server: &SmtpServer, letter: &Letter) {
    let (user_id, kind) = (letter.user_id, letter.message.kind());
    match server.send(letter).await {
        Ok(()) => tracing::info!(%user_id, kind, "a letter was sent"),
        Err(error) => tracing::error!(%user_id, kind, %error, "a letter could not be sent"),
    }
}

#[cfg(test)]
mod tests {
    use deed_domain::{ids::UserId, ports::Message};
    use tokio::{net::TcpListener, time::Instant};
    use uuid::Uuid;

    use super::*;
    use crate::{
        mail::SmtpSecurity,
        surroundings::{OsEntropy, SystemClock},
    };

    fn mailer(port: u16) -> (SmtpMailer, MailWorker) {
        let settings = SmtpSettings {
            host: "127.0.0.1".to_owned(),
            port,
            security: SmtpSecurity::None,
            credentials: None,
            from: "deed <deed@example.org>".to_owned(),
        };
        SmtpMailer::new(settings, Arc::new(SystemClock), Arc::new(OsEntropy)).unwrap()
    }

    fn letter() -> Letter {
        Letter { user_id: UserId(Uuid::nil()), to: "anna@example.org".to_owned(), message: Message::Activated }
    }

    #[tokio::test]
    async fn nobody_waits_for_a_server_that_says_nothing_and_the_service_stops_all_the_same() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (mailer, worker) = mailer(listener.local_addr().unwrap().port());
        let began = Instant::now();
        for _ in 0..=QUEUE {
            mailer.post(letter());
        }
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        tokio::time::pause();
        // The worker ends although nothing can be sent; the clock of the test runs as fast as it can.
        worker.run(std::future::ready(())).await;
    }

    #[test]
    fn a_sender_is_an_address() {
        let settings = SmtpSettings {
            host: "localhost".to_owned(),
            port: 25,
            security: SmtpSecurity::None,
            credentials: Some(("user".to_owned(), "S3CR3T".to_owned().into())),
            from: "nobody".to_owned(),
        };
        assert!(!format!("{settings:?}").contains("S3CR3T"));
        let made = SmtpMailer::new(settings, Arc::new(SystemClock), Arc::new(OsEntropy));
        assert!(matches!(made, Err(MailSettingsError::From(_))));
    }
}
