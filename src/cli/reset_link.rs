//! `deed reset-link`

use std::io::{self, Write};

use clap::Args;
use deed_api::reset_link;
use deed_domain::ports::LinkPurpose;

use super::{
    exit::CliError,
    shared::{Location, runtime},
};

/// Print the link with which a user who forgot the password chooses another
///
/// For a service without a mail server: the user asks for the link (POST /api/noauth/resetPasswordByEmail), and whoever
/// administers the machine passes it on. It is secret, and good for 24 hours and for one use. Reads beside a running
/// server and changes nothing.
#[derive(Args, Debug)]
pub(super) struct ResetLink {
    /// The user's e-mail, or its id as the log has it
    #[arg(value_name = "USER")]
    user: String,

    #[command(flatten)]
    location: Location,
}

impl ResetLink {
    pub(super) fn run(self) -> Result<(), CliError> {
        let config = self.location.load(&[])?.config;
        let link = runtime()?.block_on(async {
            let store = self.location.open_read_only().await?;
            let user_id = match self.user.parse() {
                Ok(id) => Some(id),
                Err(_) => store.user_by_email(self.user.trim()).await?.map(|(user, _)| user.id),
            };
            let Some(user_id) = user_id else { return Ok(None) };
            Ok::<_, CliError>(store.pending_link(user_id, LinkPurpose::PasswordReset).await?)
        })?;
        let missing = "the user does not wait for a link: none was asked for, it has been used or has expired, or a letter has it";
        let token = link.and_then(|link| link.token).ok_or_else(|| CliError::NotFound(missing.into()))?;
        let base_url = config.server.base_url.clone().map_or_else(|| local(config.server.port), Ok)?;
        let mut out = io::stdout().lock();
        writeln!(out, "{}", reset_link(&base_url, &token))?;
        Ok(out.flush()?)
    }
}

/// Where a service with these settings answers on this machine. A running one may have been given others, and it may be
/// reached otherwise, so that it is said what was assumed.
fn local(port: u16) -> io::Result<String> {
    let base_url = format!("http://localhost:{port}");
    writeln!(
        io::stderr(),
        "deed: the link begins with {base_url}, as server.base_url (DEED_BASE_URL) is not set and server.port \
         (HTTP_BIND_PORT) is {port}. Where people reach the service by another address, put that in its place, or set \
         server.base_url."
    )?;
    Ok(base_url)
}
