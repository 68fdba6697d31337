//! `mail`: the mail server by which people get their links.

use deed_adapters::mail::{SmtpSecurity, SmtpSettings};
use zeroize::Zeroizing;

use crate::config::{
    kind::{Choice, Optional, SecretText, Text, Whole},
    secret::Secret,
    setting::section,
    sources::Fault,
};

const SECURITY: Choice<SmtpSecurity> =
    Choice(&[("starttls", SmtpSecurity::StartTls), ("tls", SmtpSecurity::Tls), ("none", SmtpSecurity::None)]);

section! {
    /// Mail
    pub(crate) struct MailSettings {
        /// The mail server. Without one, an administrator passes activation links on, and links for another password are
        /// printed by `deed reset-link`; the log says so. With one, `mail.from` and `server.base_url` have to be set.
        host: Option<String> = Optional(Text) => {
            key: "mail.host",
            variable: "MAIL_HOST",
            default: "" = "no mail is sent",
        }
        /// Its port.
        port: u16 = Whole::port() => {
            key: "mail.port",
            variable: "MAIL_PORT",
            default: "587",
        }
        /// Whether the connection is encrypted: from STARTTLS on, from the beginning (`tls`, mostly on port 465), or not at
        /// all. The server's certificate has to be one that the system trusts.
        security: SmtpSecurity = SECURITY => {
            key: "mail.security",
            variable: "MAIL_SECURITY",
            default: "starttls",
        }
        /// The user name, if the server asks for one.
        username: Option<String> = Optional(Text) => {
            key: "mail.username",
            variable: "MAIL_USERNAME",
            default: "" = "not signed in",
        }
        /// The password of that user.
        password: Option<Secret> = Optional(SecretText) => {
            key: "mail.password",
            variable: "MAIL_PASSWORD",
            default: "" = "not signed in",
            secret: true,
        }
        /// Who the letters are from: an address, or `Name <address>`.
        from: Option<String> = Optional(Text) => {
            key: "mail.from",
            variable: "MAIL_FROM",
            default: "" = "none",
        }
    }
}

impl MailSettings {
    /// The mail server, if there is one.
    pub(crate) fn server(&self) -> Option<SmtpSettings> {
        let text = |secret: &Secret| Zeroizing::new(String::from_utf8_lossy(secret.expose()).into_owned());
        Some(SmtpSettings {
            host: self.host.clone()?,
            port: self.port,
            security: self.security,
            credentials: self.username.clone().zip(self.password.as_ref().map(text)),
            from: self.from.clone()?,
        })
    }

    /// What does not fit together; `has_base_url` is whether it is set where links lead.
    pub(crate) fn faults(&self, has_base_url: bool) -> Vec<Fault> {
        let fault = |key: &str, why: &str| Fault { key: key.to_owned(), why: why.to_owned(), origin: None };
        let mut faults = Vec::new();
        if self.host.is_some() && self.from.is_none() {
            faults.push(fault("mail.from", "must be set with mail.host"));
        }
        if self.host.is_some() && !has_base_url {
            let why = "must be set with mail.host: in a letter, no link leads to where a request says that it came";
            faults.push(fault("server.base_url", why));
        }
        if self.username.is_some() != self.password.is_some() {
            faults.push(fault("mail.username", "and mail.password must be set together"));
        }
        faults
    }
}
