//! What a column of an import means.

use crate::ports::AttributeScope;

/// What the cells of a column are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    /// The device's name.
    Name,
    /// The name of its profile.
    Type,
    /// A free text for people.
    Label,
    /// An attribute of that scope and key.
    Attribute(AttributeScope, String),
    /// The token that it authenticates with.
    AccessToken,
    /// The certificate that it authenticates with, in PEM.
    X509,
    /// The client id that it connects to MQTT with.
    MqttClientId,
    /// The user name that it connects to MQTT with.
    MqttUserName,
    /// The password that it connects to MQTT with.
    MqttPassword,
    /// Whether it is a gateway.
    IsGateway,
    /// A description, kept among what clients keep.
    Description,
    /// Nothing: telemetry, what belongs to other things than devices, an attribute without a key.
    Ignored,
    /// Something of a kind of device that is not served; a line that has it is an error.
    Unsupported,
}

impl Column {
    /// The column of that type; an attribute's has a key besides. `None` if there is no such type.
    pub fn of(kind: &str, key: Option<&str>) -> Option<Self> {
        let attribute = |scope| match key.filter(|key| !key.trim().is_empty()) {
            Some(key) => Self::Attribute(scope, key.to_owned()),
            None => Self::Ignored,
        };
        Some(match kind {
            "NAME" => Self::Name,
            "TYPE" => Self::Type,
            "LABEL" => Self::Label,
            "SERVER_ATTRIBUTE" => attribute(AttributeScope::Server),
            "SHARED_ATTRIBUTE" => attribute(AttributeScope::Shared),
            "ACCESS_TOKEN" => Self::AccessToken,
            "X509" => Self::X509,
            "MQTT_CLIENT_ID" => Self::MqttClientId,
            "MQTT_USER_NAME" => Self::MqttUserName,
            "MQTT_PASSWORD" => Self::MqttPassword,
            "IS_GATEWAY" => Self::IsGateway,
            "DESCRIPTION" => Self::Description,
            "TIMESERIES" | "ROUTING_KEY" | "SECRET" => Self::Ignored,
            _ if UNSUPPORTED.contains(&kind) => Self::Unsupported,
            _ => return None,
        })
    }
}

const UNSUPPORTED: [&str; 15] = [
    "LWM2M_CLIENT_ENDPOINT",
    "LWM2M_CLIENT_SECURITY_CONFIG_MODE",
    "LWM2M_CLIENT_IDENTITY",
    "LWM2M_CLIENT_KEY",
    "LWM2M_CLIENT_CERT",
    "LWM2M_BOOTSTRAP_SERVER_SECURITY_MODE",
    "LWM2M_BOOTSTRAP_SERVER_PUBLIC_KEY_OR_ID",
    "LWM2M_BOOTSTRAP_SERVER_SECRET_KEY",
    "LWM2M_SERVER_SECURITY_MODE",
    "LWM2M_SERVER_CLIENT_PUBLIC_KEY_OR_ID",
    "LWM2M_SERVER_CLIENT_SECRET_KEY",
    "SNMP_HOST",
    "SNMP_PORT",
    "SNMP_VERSION",
    "SNMP_COMMUNITY_STRING",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_needs_a_key_and_without_one_means_nothing() {
        let server = |key| Column::of("SERVER_ATTRIBUTE", key);
        assert_eq!(server(Some("k")), Some(Column::Attribute(AttributeScope::Server, "k".into())));
        assert_eq!([server(None), server(Some(" "))], [Some(Column::Ignored), Some(Column::Ignored)]);
    }

    #[test]
    fn types_that_nobody_knows_are_none() {
        assert_eq!((Column::of("NOTHING", None), Column::of("name", None)), (None, None));
        assert_eq!(Column::of("SNMP_HOST", None), Some(Column::Unsupported));
    }
}
