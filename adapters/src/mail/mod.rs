//! Letters to people, by SMTP.
//!
//! Nothing waits for a mail server: a letter is taken into a short queue, and one worker sends what is in it. A letter
//! that cannot be sent, or for which there is no room, is lost and named in the log: whoever waits for it asks again. What
//! is logged are the user's id and the kind of letter, never an address or a link.

mod no_server;
mod smtp;
mod text;
mod worker;

pub use no_server::NoMailServer;
pub use smtp::{MailSettingsError, SmtpSecurity, SmtpSettings};
pub use worker::{MailWorker, SmtpMailer};
