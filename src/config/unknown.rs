//! Names that mean nothing: a misspelt setting must not be taken for one that is in effect.

use super::{
    environment::Environment,
    file::ConfigFile,
    setting::Setting,
    sources::{Fault, Origin, Sources},
};

/// ThingsBoard's settings that mean nothing here; files that have them are accepted. A name stands for itself and for
/// everything below it.
pub(crate) const WITHOUT_EFFECT: &[(&str, &str)] = &[
    ("cache.type", "claim keys are kept in the log, not in a cache"),
    ("cache.specs.claimDevices.maxSize", "claim keys are kept in the log, without a limit to their number"),
    ("caffeine.specs.claimDevices.maxSize", "claim keys are kept in the log, without a limit to their number"),
    ("security.user_login_case_sensitive", "e-mails are compared without regard to case"),
    ("mail.oauth2", "the mail server is signed in to with a password"),
    ("mail.per_tenant_rate_limits", "a user gets at most one link for another password in a minute"),
    ("transport.mqtt.disconnect_timeout", "a client that goes is gone at once"),
    (
        "transport.mqtt.msg_queue_size_per_device_limit",
        "while much is under way nothing is read, and nothing is cut off",
    ),
    ("transport.mqtt.netty", "sockets are served in another way"),
    ("transport.mqtt.proxy_enabled", "the PROXY protocol is not spoken"),
    ("transport.mqtt.ssl.protocol", "TLS 1.2 and 1.3 are served"),
    ("transport.mqtt.ssl.credentials", "certificates and keys are read from PEM files without passwords"),
    ("transport.mqtt.timeout", "what is sent is answered when it is stored"),
    ("transport.coap.dtls", "DTLS is set under `coap.dtls`"),
    ("transport.coap.timeout", "what is sent is answered when it is stored"),
    ("transport.coap.psm_activity_timer", "devices are not known to sleep: what changes is told at once"),
    ("transport.coap.paging_transmission_window", "devices are not known to sleep: what changes is told at once"),
    ("transport.client_side_rpc", "there are no remote procedure calls"),
    ("transport.sessions", "of sessions only `inactivity_timeout` is kept"),
    ("transport.rate_limits", "requests are limited per device, REST's per tenant and customer, none per address"),
    ("coap.dtls.connection_id_length", "there are no Connection IDs"),
    ("coap.dtls.credentials", "certificates and keys are read from PEM files without passwords"),
    ("coap.dtls.max_fragment_length", "a message has what the client's TLS says, or 16,384 bytes"),
    ("coap.dtls.max_transmission_unit", "datagrams have at most 1,200 bytes"),
    ("coap.dtls.retransmission_timeout", "what is not answered is sent again after a second, then after twice as long"),
    ("coap.dtls.x509.dtls_session_report_timeout", "a session ends when its time is over"),
    ("actors.session", "a device has one session over MQTT"),
];

/// Beginnings of names of environment variables that belong to this service alone.
const OWN_VARIABLES: [&str; 2] = ["DEED_", "SECURITY_CLAIM_"];

/// Variables of that kind that are no settings.
const OTHER_VARIABLES: [&str; 2] = ["DEED_CONFIG", "DEED_BLESS"];

impl Sources {
    /// Notes every name in the files and the environment that means nothing.
    pub(crate) fn check_names(&mut self, settings: &[Setting]) {
        for file in self.file.iter().chain(&self.secrets) {
            check_file(file, settings, &mut self.faults, &mut self.warnings);
        }
        check_environment(&self.environment, settings, &mut self.warnings);
    }
}

fn check_file(file: &ConfigFile, settings: &[Setting], faults: &mut Vec<Fault>, warnings: &mut Vec<String>) {
    let known = || settings.iter().flat_map(|setting| std::iter::once(&setting.key).chain(setting.aliases));
    for key in file.keys().filter(|key| !known().any(|name| name == key)) {
        let below = |name: &str| key.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        if let Some((_, why)) = WITHOUT_EFFECT.iter().find(|(name, _)| below(name)) {
            warnings.push(format!("{}: {key} has no effect: {why}", file.path().display()));
            continue;
        }
        let mut why = "is no setting".to_owned();
        if let Some(name) = nearest(key, known().copied()) {
            why.push_str(&format!("; did you mean {name}?"));
        }
        let origin = Some(Origin::InFile(file.path().to_owned()));
        faults.push(Fault { key: key.to_owned(), why, origin });
    }
}

fn check_environment(environment: &Environment, settings: &[Setting], warnings: &mut Vec<String>) {
    let known = || settings.iter().map(|setting| setting.variable);
    let own = OWN_VARIABLES.iter().flat_map(|prefix| environment.names(prefix));
    for name in own.filter(|name| !known().any(|known| known == *name) && !OTHER_VARIABLES.contains(name)) {
        let meant = nearest(name, known()).map(|known| format!("; did you mean {known}?")).unwrap_or_default();
        warnings.push(format!("the environment variable {name} is no setting{meant}"));
    }
}

/// The known name that was most likely meant: the one with the same last part, or the one with the fewest slips.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let plain = |name: &str| name.replace(['-', '_'], "").to_lowercase();
    let last = |name: &str| plain(name.rsplit('.').next().unwrap_or(name));
    let mut same_end = known.clone().filter(|known| name.contains('.') && last(known) == last(name));
    if let (Some(only), None) = (same_end.next(), same_end.next()) {
        return Some(only);
    }
    let slips = |known: &str| strsim::damerau_levenshtein(&plain(known), &plain(name));
    known.map(|known| (slips(known), known)).filter(|(slips, known)| *slips * 3 <= known.len()).min().map(|(_, n)| n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_that_was_meant_is_found() {
        let known = ["security.claim.duration", "security.claim.guessLimit", "server.port", "transport.http.enabled"];
        for (name, meant) in [
            ("security.claim.guess-limit", Some("security.claim.guessLimit")),
            ("security.claim.duraton", Some("security.claim.duration")),
            ("guesslimit", None),
            ("http.port", Some("server.port")),
            ("claims.guessLimit", Some("security.claim.guessLimit")),
            ("something.else", None),
        ] {
            assert_eq!(nearest(name, known.iter().copied()), meant, "{name}");
        }
    }
}
