//! How many connections there may be at once: each is an open file, of which the system allows a process so many.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are no connections: the database, what is listened on, the log.
const OWN: usize = 64;
/// Connections that are allowed in any case.
const LEAST: usize = 16;

/// Most connections at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Connections {
    /// Of devices over MQTT, TLS and WebSockets included.
    pub(crate) mqtt: usize,
    /// Over HTTP.
    pub(crate) http: usize,
}

impl Connections {
    /// As many as the system allows after it was asked for as many as it can be; over MQTT no more than `most_mqtt`.
    pub(crate) fn allowed(most_mqtt: Option<usize>) -> Self {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        // Some systems say more than they give. What there is then is what there was.
        if current != maximum && setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_err() {
            tracing::debug!("the limit of open files stays as it is");
        }
        let files = getrlimit(Resource::Nofile).current;
        let allowed = Self::share(files, most_mqtt);
        tracing::info!(open_files = files, mqtt = allowed.mqtt, http = allowed.http, "connections at most");
        allowed
    }

    /// Three quarters of the files are for MQTT; neither takes what is the other's.
    fn share(files: Option<u64>, most_mqtt: Option<usize>) -> Self {
        // Without a limit, that of what can be counted.
        let files = files.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX).min(1 << 30);
        let mqtt = files / 4 * 3;
        let http = (files - mqtt).saturating_sub(OWN).max(LEAST);
        Self { mqtt: most_mqtt.map_or(mqtt, |most| most.min(mqtt)).max(LEAST), http }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_over_mqtt_leave_files_for_the_rest() {
        let share = |files, most| Connections::share(Some(files), most);
        assert_eq!(share(1_024, None), Connections { mqtt: 768, http: 192 });
        assert_eq!(share(200_000, None), Connections { mqtt: 150_000, http: 49_936 });
        assert_eq!(share(1_024, Some(100)), Connections { mqtt: 100, http: 192 });
        assert_eq!(share(1_024, Some(10_000)), share(1_024, None), "there are no more files than that");
        assert_eq!(share(64, None), Connections { mqtt: 48, http: 16 });
        assert_eq!(Connections::share(None, None).mqtt, 3 << 28);
    }
}
