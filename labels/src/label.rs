//! What a label says.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::date;

/// What stands for itself in the fragment of a link. Few characters, so that nothing on the way reads one as its own:
/// neither a label printer (`^`, `~`, `_`) nor what finds links in texts.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-');

/// What one label says. It holds a claim key in clear, so it has no `Debug` form.
pub struct Label<'a> {
    /// The device's name.
    pub(crate) name: &'a str,
    /// The claim key as people read it; without one the label says only which device it is.
    pub(crate) key: Option<&'a str>,
    /// The last day of the key, in UTC.
    pub(crate) until: Option<String>,
    /// Whom people deal with: the server's name.
    pub(crate) host: &'a str,
    /// What the code holds.
    pub(crate) link: String,
}

impl<'a> Label<'a> {
    /// The label of a device.
    ///
    /// Its link is `<base_url>/claim#n=<name>&k=<key>&x=<seconds since the epoch>`, the key and its time left out where there
    /// are none. `expires_at` is in milliseconds since the epoch. What is in a fragment is never sent to a server (RFC 9110,
    /// section 7.1): scanning a label leaves the key in no log.
    #[must_use]
    pub fn new(base_url: &'a str, name: &'a str, key: Option<&'a str>, expires_at: Option<i64>) -> Self {
        let base_url = base_url.trim_end_matches('/');
        let mut link = format!("{base_url}/claim#n={}", utf8_percent_encode(name, ESCAPED));
        if let Some(key) = key {
            link.extend(["&k="].into_iter().chain(utf8_percent_encode(key, ESCAPED)));
        }
        if let Some(at) = expires_at {
            link.push_str(&format!("&x={}", at.div_euclid(1000)));
        }
        Self { name, key, until: expires_at.map(date::day), host: host(base_url), link }
    }

    /// What the code holds.
    #[must_use]
    pub fn link(&self) -> &str {
        &self.link
    }

    /// What is written small: the last day of the key, and whom to turn to.
    pub(crate) fn until_and_host(&self) -> Vec<String> {
        let until = self.until.as_ref().map(|day| format!("until {day}"));
        until.into_iter().chain([self.host.to_owned()]).collect()
    }
}

/// The server's name in an address, with its port.
fn host(base_url: &str) -> &str {
    let rest = base_url.split_once("://").map_or(base_url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(name: &str, key: Option<&str>, expires_at: Option<i64>) -> String {
        Label::new("https://d.example/deed/", name, key, expires_at).link
    }

    #[test]
    fn a_link_holds_name_key_and_time_in_its_fragment() {
        assert_eq!(
            link("D 1", Some("7KQM-2WXR-HT4P-9BDE"), Some(1_827_667_200_999)),
            "https://d.example/deed/claim#n=D%201&k=7KQM-2WXR-HT4P-9BDE&x=1827667200"
        );
        assert_eq!(link("ü^~_\\,+&=#", None, None), "https://d.example/deed/claim#n=%C3%BC%5E%7E%5F%5C%2C%2B%26%3D%23");
    }

    #[test]
    fn the_host_is_what_people_know_a_server_by() {
        for (base_url, expected) in [
            ("https://d.example/deed", "d.example"),
            ("http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("d.example", "d.example"),
        ] {
            assert_eq!(host(base_url), expected);
        }
    }
}
