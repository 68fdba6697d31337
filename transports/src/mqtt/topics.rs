//! Which topic is what (`docs/protocol.md`, MQTT).

use deed_domain::ports::PayloadEncoding;
use mqtt_protocol_core::mqtt::packet::Qos;

/// What a device publishes to a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic<'a> {
    /// Its claim key.
    Claim(Encoding),
    /// Attributes of its own.
    Attributes(Encoding),
    /// Which attributes it wants to know.
    AttributesRequest(Form, &'a str),
    /// Telemetry.
    Telemetry(Encoding),
    /// What it asks of the service.
    RpcRequest(Form, &'a str),
    /// What it answers.
    RpcResponse,
    /// That it adds itself.
    Provision,
    /// A device behind it connects.
    GatewayConnect,
    /// A device behind it is not connected any more.
    GatewayDisconnect,
    /// Claim keys of devices behind it.
    GatewayClaim,
    /// What else gateways send for the devices behind them.
    GatewayOther,
}

/// How the payload of a topic is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// As the device's profile says.
    OfProfile,
    /// In this way.
    Is(PayloadEncoding),
}

/// The long topics, or the short ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `v1/devices/me/…`
    Long,
    /// `v2/…`
    Short,
}

/// The topic on which devices are sent what changes of their attributes.
const ATTRIBUTES: &str = "v1/devices/me/attributes";

/// The filters that are accepted, each as it is written.
const FILTERS: [&str; 24] = [
    ATTRIBUTES,
    "v1/devices/me/attributes/response/+",
    "v1/devices/me/rpc/request/+",
    "v1/devices/me/rpc/response/+",
    "v1/gateway/attributes",
    "v1/gateway/attributes/response",
    "v1/gateway/rpc",
    "v2/a",
    "v2/a/j",
    "v2/a/p",
    "v2/a/res/+",
    "v2/a/res/j/+",
    "v2/a/res/p/+",
    "v2/r/req/+",
    "v2/r/req/j/+",
    "v2/r/req/p/+",
    "v2/r/res/+",
    "v2/r/res/j/+",
    "v2/r/res/p/+",
    "v2/fw/response/+/chunk/+",
    "v2/sw/response/+/chunk/+",
    "v2/fw/error",
    "v2/sw/error",
    "/provision/response",
];
const PROVISION_RESPONSE: usize = 23;

impl<'a> Topic<'a> {
    /// What that topic is; topics are matched exactly. `None` for one that nobody knows.
    pub(super) fn parse(topic: &'a str) -> Option<Self> {
        use PayloadEncoding::{Json, Protobuf};
        Some(match topic {
            "v1/devices/me/claim" | "v2/c" => Self::Claim(Encoding::OfProfile),
            "v2/c/j" => Self::Claim(Encoding::Is(Json)),
            "v2/c/p" => Self::Claim(Encoding::Is(Protobuf)),
            ATTRIBUTES | "v2/a" => Self::Attributes(Encoding::OfProfile),
            "v2/a/j" => Self::Attributes(Encoding::Is(Json)),
            "v2/a/p" => Self::Attributes(Encoding::Is(Protobuf)),
            "v1/devices/me/telemetry" | "v2/t" => Self::Telemetry(Encoding::OfProfile),
            "v2/t/j" => Self::Telemetry(Encoding::Is(Json)),
            "v2/t/p" => Self::Telemetry(Encoding::Is(Protobuf)),
            "/provision/request" => Self::Provision,
            "v1/gateway/connect" => Self::GatewayConnect,
            "v1/gateway/disconnect" => Self::GatewayDisconnect,
            "v1/gateway/claim" => Self::GatewayClaim,
            "v1/gateway/attributes" | "v1/gateway/attributes/request" | "v1/gateway/telemetry" | "v1/gateway/rpc" => {
                Self::GatewayOther
            }
            _ => return Self::numbered(topic),
        })
    }

    /// The topics that end with what the device calls its request.
    fn numbered(topic: &'a str) -> Option<Self> {
        let (head, id) = topic.rsplit_once('/')?;
        Some(match head {
            "v1/devices/me/attributes/request" => Self::AttributesRequest(Form::Long, id),
            "v2/a/req" | "v2/a/req/j" => Self::AttributesRequest(Form::Short, id),
            "v1/devices/me/rpc/request" => Self::RpcRequest(Form::Long, id),
            "v2/r/req" | "v2/r/req/j" => Self::RpcRequest(Form::Short, id),
            "v1/devices/me/rpc/response" | "v2/r/res" | "v2/r/res/j" => Self::RpcResponse,
            _ => return None,
        })
    }
}

impl Form {
    /// Where a device is answered that asked for attributes.
    pub(super) fn attributes_response(self, id: &str) -> String {
        match self {
            Self::Long => format!("v1/devices/me/attributes/response/{id}"),
            Self::Short => format!("v2/a/res/{id}"),
        }
    }

    /// Where a device is answered that asked something of the service.
    pub(super) fn rpc_response(self, id: &str) -> String {
        match self {
            Self::Long => format!("v1/devices/me/rpc/response/{id}"),
            Self::Short => format!("v2/r/res/{id}"),
        }
    }
}

/// What a client has subscribed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Subscriptions {
    filters: u32,
    /// Those of them that were subscribed with QoS 0.
    at_most_once: u32,
}

impl Subscriptions {
    /// Takes a filter in; false for one that is not accepted. A client that adds a device has one alone.
    pub(super) fn subscribe(&mut self, filter: &str, qos: Qos, is_provisioning: bool) -> bool {
        let place = place(filter).filter(|place| (*place == PROVISION_RESPONSE) == is_provisioning);
        let bit = place.map_or(0, |place| 1 << place);
        self.filters |= bit;
        self.at_most_once &= !bit;
        if qos == Qos::AtMostOnce {
            self.at_most_once |= bit;
        }
        place.is_some()
    }

    /// Takes a filter out; false for one that was not in.
    pub(super) fn unsubscribe(&mut self, filter: &str) -> bool {
        let bit = place(filter).map_or(0, |place| 1 << place);
        let was_in = self.filters & bit != 0;
        self.filters &= !bit;
        self.at_most_once &= !bit;
        was_in
    }

    /// With which QoS a message on that topic is sent: what is not subscribed is sent with QoS 1, too.
    pub(super) fn qos(self, topic: &str) -> Qos {
        let numbered = || topic.rsplit_once('/').and_then(|(head, _)| place(&format!("{head}/+")));
        let bit = place(topic).or_else(numbered).map_or(0, |place| 1 << place);
        if self.at_most_once & bit == 0 { Qos::AtLeastOnce } else { Qos::AtMostOnce }
    }

    /// The topic on which the client waits for changes of its attributes.
    pub(super) fn attributes(self) -> Option<&'static str> {
        [ATTRIBUTES, "v2/a", "v2/a/j"]
            .into_iter()
            .find(|topic| place(topic).is_some_and(|at| self.filters & (1 << at) != 0))
    }
}

fn place(filter: &str) -> Option<usize> {
    FILTERS.iter().position(|accepted| *accepted == filter)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn topics_are_matched_exactly() {
        assert_eq!(Topic::parse("v1/devices/me/claim"), Some(Topic::Claim(Encoding::OfProfile)));
        assert_eq!(Topic::parse("v2/c/p"), Some(Topic::Claim(Encoding::Is(PayloadEncoding::Protobuf))));
        assert_eq!(Topic::parse("v2/r/req/7"), Some(Topic::RpcRequest(Form::Short, "7")));
        let long = Topic::AttributesRequest(Form::Long, "abc");
        assert_eq!(Topic::parse("v1/devices/me/attributes/request/abc"), Some(long));
        for unknown in
            ["v1/devices/me/claim/", "V1/devices/me/claim", "/v1/devices/me/claim", "v2/c/x", "v1/gateway/x", "", "/"]
        {
            assert_eq!(Topic::parse(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn what_is_subscribed_is_remembered_until_it_is_not() {
        let mut all = Subscriptions::default();
        for filter in FILTERS {
            assert!(all.subscribe(filter, Qos::AtLeastOnce, filter == "/provision/response"), "{filter}");
        }
        for refused in [
            "#",
            "+/+",
            "v1/devices/me/#",
            "v1/devices/me/claim",
            "v1/devices/me/attributes/response/1",
            "",
            "v1/gateway/disconnect",
            "$share/g/v1/devices/me/attributes",
            "/provision/response",
        ] {
            assert!(!all.subscribe(refused, Qos::AtLeastOnce, false), "{refused}");
        }
        assert_eq!(all.attributes(), Some(ATTRIBUTES));
        assert!(all.unsubscribe(ATTRIBUTES) && !all.unsubscribe(ATTRIBUTES));
        assert_eq!(all.attributes(), Some("v2/a"));
    }

    #[test]
    fn messages_have_the_qos_of_their_subscription() {
        let mut subscriptions = Subscriptions::default();
        let answer = "v1/devices/me/attributes/response/7";
        assert_eq!(subscriptions.qos(answer), Qos::AtLeastOnce);
        subscriptions.subscribe("v1/devices/me/attributes/response/+", Qos::AtMostOnce, false);
        assert_eq!((subscriptions.qos(answer), subscriptions.qos(ATTRIBUTES)), (Qos::AtMostOnce, Qos::AtLeastOnce));
        subscriptions.subscribe("v1/devices/me/attributes/response/+", Qos::AtLeastOnce, false);
        assert_eq!(subscriptions.qos(answer), Qos::AtLeastOnce);
        subscriptions.subscribe(ATTRIBUTES, Qos::AtMostOnce, false);
        assert_eq!(subscriptions.qos(ATTRIBUTES), Qos::AtMostOnce);
        subscriptions.unsubscribe(ATTRIBUTES);
        assert_eq!(subscriptions.qos(ATTRIBUTES), Qos::AtLeastOnce);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(v1/|v2/)?.{0,40}") {
            let _ = Topic::parse(&text);
            let mut subscriptions = Subscriptions::default();
            prop_assert_eq!(subscriptions.subscribe(&text, Qos::AtMostOnce, false), subscriptions.unsubscribe(&text));
        }
    }
}
