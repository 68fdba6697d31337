//! Letters to people.

use crate::ids::UserId;

/// Sends letters to people, as far as there is a mail server.
pub trait Mailer: Send + Sync {
    /// Whether there is a mail server. Without one, whoever administers the service passes links on.
    fn has_server(&self) -> bool;

    /// Takes a letter and returns at once. What becomes of it is in the service's log: nothing waits for a mail server, and
    /// nothing fails because of one.
    fn post(&self, letter: Letter);
}

/// A letter to one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// To whom; the name by which the log speaks of it.
    pub user_id: UserId,
    /// The e-mail.
    pub to: String,
    /// What it says.
    pub message: Message,
}

/// What a letter says.
#[derive(Clone, PartialEq, Eq)]
pub enum Message {
    /// You have an account; choose a password with this link.
    Activation {
        /// Secret.
        link: String,
        /// For how long the link is good, milliseconds.
        good_for_ms: i64,
    },
    /// Your account is active.
    Activated,
    /// Somebody, probably you, forgot the password; choose another with this link.
    PasswordReset {
        /// Secret.
        link: String,
        /// For how long the link is good, milliseconds.
        good_for_ms: i64,
    },
    /// You have another password.
    PasswordChanged,
}

impl Message {
    /// A word for the kind of message.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Activation { .. } => "activation",
            Self::Activated => "activated",
            Self::PasswordReset { .. } => "password_reset",
            Self::PasswordChanged => "password_changed",
        }
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind())
    }
}
