//! No mail server: whoever administers the service passes links on.

use deed_domain::ports::{Letter, Mailer, Message};

/// Sends nothing. The log says where an administrator finds the link; the link itself is a secret and stands in no log.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMailServer;

impl Mailer for NoMailServer {
    fn has_server(&self) -> bool {
        false
    }

    fn post(&self, letter: Letter) {
        let (user_id, kind) = (letter.user_id, letter.message.kind());
        match letter.message {
            Message::Activation { .. } => {
                tracing::info!(
                    %user_id, kind,
                    "there is no mail server: an administrator gets the link by GET /api/user/{user_id}/activationLink"
                );
            }
            Message::PasswordReset { .. } => {
                tracing::info!(
                    %user_id, kind,
                    "there is no mail server: get the link on this machine by `deed reset-link {user_id}`"
                );
            }
            Message::Activated | Message::PasswordChanged => {
                tracing::debug!(%user_id, kind, "there is no mail server: the user is not told");
            }
        }
    }
}
