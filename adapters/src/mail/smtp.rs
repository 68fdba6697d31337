//! A mail server, and one letter sent to it.

use std::{fmt, sync::Arc, time::Duration};

use deed_domain::ports::{Clock, Entropy, Letter};
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
    transport::smtp::{
        authentication::Credentials,
        client::{Tls, TlsParameters},
    },
};
use zeroize::Zeroizing;

use super::text;

/// How long the server may take for each of its answers.
const PATIENCE: Duration = Duration::from_secs(10);

/// How a mail server is reached. Shows no password in `Debug`.
#[derive(Clone)]
pub struct SmtpSettings {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether the connection is encrypted.
    pub security: SmtpSecurity,
    /// User name and password, if it asks for them.
    pub credentials: Option<(String, Zeroizing<String>)>,
    /// Who the letters are from: an address, or a name and an address in angle brackets.
    pub from: String,
}

impl fmt::Debug for SmtpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpSettings").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

/// Whether the connection to a mail server is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// It is not: for a server on the same machine.
    None,
    /// From the command STARTTLS on, without which nothing is sent.
    StartTls,
    /// From the beginning.
    Tls,
}

/// Why the settings make no mail server.
#[derive(Debug, thiserror::Error)]
pub enum MailSettingsError {
    /// The sender is no address.
    #[error("mail.from: {0}")]
    From(#[from] lettre::address::AddressError),
    /// TLS cannot be used.
    #[error("mail.security: {0}")]
    Tls(#[from] lettre::transport::smtp::Error),
}

/// Why a letter was not sent. Names no address and no link.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    #[error("the address cannot be written in a letter")]
    Address,
    #[error("the letter cannot be written")]
    Letter(#[from] lettre::error::Error),
    #[error("the mail server {}", .0.status().map_or_else(|| "cannot be reached".to_owned(), |code| format!("answered {code}")))]
    Server(#[from] lettre::transport::smtp::Error),
    #[error("the mail server takes too long")]
    Timeout,
}

/// Sends letters, one connection each.
pub(super) struct SmtpServer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl SmtpServer {
    pub(super) fn new(
        settings: SmtpSettings,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, MailSettingsError> {
        let SmtpSettings { host, port, security, credentials, from } = settings;
        let tls = match security {
            SmtpSecurity::None => Tls::None,
            SmtpSecurity::StartTls => Tls::Required(TlsParameters::new_rustls(host.clone())?),
            SmtpSecurity::Tls => Tls::Wrapper(TlsParameters::new_rustls(host.clone())?),
        };
        let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host).port(port).tls(tls);
        let builder = match credentials {
            Some((user, password)) => builder.credentials(Credentials::new(user, password.as_str().to_owned())),
            None => builder,
        };
        Ok(Self { transport: builder.timeout(Some(PATIENCE)).build(), from: from.parse()?, clock, entropy })
    }

    pub(super) async fn send(&self, letter: &Letter) -> Result<(), SendError> {
        let to: Address = letter.to.parse().map_err(|_| SendError::Address)?;
        let (subject, body) = text::of(&letter.message, &letter.to);
        let domain = self.from.email.domain();
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(subject)
            .message_id(Some(format!("<{}@{domain}>", self.entropy.new_id(self.clock.now()))))
            .header(ContentType::TEXT_PLAIN)
            .body(body)?;
        let sent = tokio::time::timeout(PATIENCE * 3, self.transport.send(message));
        sent.await.map_err(|_| SendError::Timeout)??;
        Ok(())
    }
}
