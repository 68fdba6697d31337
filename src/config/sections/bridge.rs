//! `bridge`: a broker to which devices send already.

use std::{path::PathBuf, str::FromStr};

use deed_transports::bridge::{DeviceLevel, TopicPattern};
use serde_yaml_ng::Value;

use crate::config::{
    kind::{File, Kind, Optional, SecretText, Text, text_of},
    secret::Secret,
    setting::section,
    sources::Fault,
};

section! {
    /// Bridge
    pub(crate) struct BridgeSettings {
        /// The broker, which has to speak MQTT 5: `mqtt://host:1883`, or `mqtts://host:8883` over TLS. With one, `bridge.topic`
        /// has to be set.
        url: Option<BrokerUrl> = Optional(Broker) => {
            key: "bridge.url",
            variable: "DEED_BRIDGE_URL",
            default: "" = "no bridge",
        }
        /// What the service calls itself there. The broker keeps under this id what comes while the service is away, so it
        /// has to stay the same, and no other client may use it.
        client_id: String = Text => {
            key: "bridge.clientId",
            variable: "DEED_BRIDGE_CLIENT_ID",
            default: "deed",
        }
        /// The user name, if the broker asks for one.
        username: Option<String> = Optional(Text) => {
            key: "bridge.username",
            variable: "DEED_BRIDGE_USERNAME",
            default: "" = "none",
        }
        /// The password of that user.
        password: Option<Secret> = Optional(SecretText) => {
            key: "bridge.password",
            variable: "DEED_BRIDGE_PASSWORD",
            default: "" = "none",
            secret: true,
        }
        /// Where devices send their claim info. One level is the device's name (`{name}`) or access token (`{token}`), and the
        /// broker has to let each device publish under its own alone; others may be `+`.
        topic: Option<TopicPattern> = Optional(Topic) => {
            key: "bridge.topic",
            variable: "DEED_BRIDGE_TOPIC",
            default: "" = "none",
        }
        /// Where devices are told what became of it: a topic with the same level, without `+`.
        reply_topic: Option<TopicPattern> = Optional(Topic) => {
            key: "bridge.replyTopic",
            variable: "DEED_BRIDGE_REPLY_TOPIC",
            default: "" = "they are told nothing",
        }
        /// Whose devices are meant by their names: the tenant's title or id.
        tenant: Option<String> = Optional(Text) => {
            key: "bridge.tenant",
            variable: "DEED_BRIDGE_TENANT",
            default: "" = "the only tenant",
        }
        /// The file of the authorities that vouch for the broker, in PEM.
        authorities: Option<PathBuf> = Optional(File) => {
            key: "bridge.caFile",
            variable: "DEED_BRIDGE_CA_FILE",
            default: "" = "those that the system trusts",
        }
        /// The file of a certificate with which the service introduces itself, in PEM. With one, `bridge.keyFile` has to be set.
        certificate: Option<PathBuf> = Optional(File) => {
            key: "bridge.certificateFile",
            variable: "DEED_BRIDGE_CERTIFICATE_FILE",
            default: "" = "none",
        }
        /// The file of that certificate's private key, in PEM, without a password.
        key: Option<PathBuf> = Optional(File) => {
            key: "bridge.keyFile",
            variable: "DEED_BRIDGE_KEY_FILE",
            default: "" = "none",
        }
    }
}

impl BridgeSettings {
    /// What does not fit together.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        let fault = |key: &str, why: &str| Fault { key: key.to_owned(), why: why.to_owned(), origin: None };
        let mut faults = Vec::new();
        let Some(url) = &self.url else { return faults };
        if self.topic.is_none() {
            faults.push(fault("bridge.topic", "must be set with bridge.url"));
        }
        if let (Some(topic), Some(reply)) = (&self.topic, &self.reply_topic)
            && (topic.level() != reply.level() || reply.has_wildcard())
        {
            faults.push(fault("bridge.replyTopic", "must have the same level as bridge.topic, and no +"));
        }
        if self.username.is_some() != self.password.is_some() {
            faults.push(fault("bridge.password", "must be set with bridge.username, and only with it"));
        }
        if self.certificate.is_some() != self.key.is_some() {
            faults.push(fault("bridge.keyFile", "must be set with bridge.certificateFile, and only with it"));
        }
        if !url.is_tls && (self.authorities.is_some() || self.certificate.is_some()) {
            faults.push(fault("bridge.url", "must begin with mqtts:// where there are certificates"));
        }
        faults
    }

    /// Whether devices are known by their names there.
    pub(crate) fn knows_names(&self) -> bool {
        self.topic.as_ref().is_some_and(|topic| topic.level() == DeviceLevel::Name)
    }
}

/// Where a broker is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BrokerUrl {
    /// Its name or address.
    pub(crate) host: String,
    /// Its port.
    pub(crate) port: u16,
    /// Whether TLS is spoken with it.
    pub(crate) is_tls: bool,
}

/// `mqtt://` or `mqtts://`, a host, and a port unless it is the usual one.
struct Broker;

impl Kind for Broker {
    type Value = BrokerUrl;

    fn name(&self) -> String {
        "`mqtt://<host>:<port>` or `mqtts://<host>:<port>`".into()
    }

    fn parse(&self, value: &Value) -> Result<BrokerUrl, String> {
        // It may be written with a password in it, which must not be repeated.
        let wrong = || format!("must be {}", self.name());
        let text = text_of(value).ok_or_else(wrong)?;
        let (rest, is_tls, usual) = match text.trim().split_once("://").ok_or_else(wrong)? {
            ("mqtt", rest) => (rest, false, 1_883),
            ("mqtts", rest) => (rest, true, 8_883),
            _ => return Err(wrong()),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.rsplit_once(':') {
            // The colons of an address in brackets are its own.
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| wrong())?),
            _ => (rest, usual),
        };
        let is_host = |host: &str| !host.is_empty() && !host.contains(['/', '@', ' ', '?', '#']);
        if is_host(host) && port > 0 { Ok(BrokerUrl { host: host.to_owned(), port, is_tls }) } else { Err(wrong()) }
    }

    fn show(&self, url: &BrokerUrl) -> String {
        format!("{}://{}:{}", if url.is_tls { "mqtts" } else { "mqtt" }, url.host, url.port)
    }
}

/// A topic with a device in it.
struct Topic;

impl Kind for Topic {
    type Value = TopicPattern;

    fn name(&self) -> String {
        "a topic in which one level is `{name}` or `{token}`".into()
    }

    fn parse(&self, value: &Value) -> Result<TopicPattern, String> {
        let text = text_of(value).ok_or_else(|| format!("must be {}", self.name()))?;
        TopicPattern::from_str(text.trim()).map_err(|why| format!("must be {}: {why}", self.name()))
    }

    fn show(&self, topic: &TopicPattern) -> String {
        topic.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_a_host_and_a_port() {
        let url = |text: &str| Broker.parse(&text.into()).map(|url| Broker.show(&url));
        assert_eq!(url("mqtt://broker"), Ok("mqtt://broker:1883".into()));
        assert_eq!(url(" mqtts://10.0.0.7/ "), Ok("mqtts://10.0.0.7:8883".into()));
        assert_eq!(url("mqtt://[::1]"), Ok("mqtt://[::1]:1883".into()));
        assert_eq!(url("mqtt://[::1]:7"), Ok("mqtt://[::1]:7".into()));
        for wrong in
            ["", "broker", "http://broker", "mqtt://", "mqtt://broker:0", "mqtt://broker:x", "mqtt://u:HUNTER2@b"]
        {
            let told = url(wrong).unwrap_err();
            assert!(!told.contains("HUNTER2"), "{told}");
        }
    }
}
