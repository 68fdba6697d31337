//! What the first line of the file calls the columns.

use deed_domain::{
    device::{CLAIMING_ALLOWED, CLAIMING_DATA},
    import::Column,
    ports::AttributeScope,
};

/// A column of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heading {
    /// One that every import knows.
    Common(Column),
    /// The claim key.
    SecretKey,
    /// When the key runs out.
    ExpirationTime,
}

impl Heading {
    /// The column of that name.
    ///
    /// # Errors
    /// The name, if there is no such column.
    pub(super) fn named(name: &str) -> Result<Self, String> {
        if let Some((scope, key)) = name.split_once(':') {
            let scope = match plain(scope).as_str() {
                "server" => AttributeScope::Server,
                "shared" => AttributeScope::Shared,
                _ => return Err(name.to_owned()),
            };
            let key = key.trim();
            return if key.is_empty() { Err(name.to_owned()) } else { Ok(attribute(scope, key)) };
        }
        Ok(Self::Common(match plain(name).as_str() {
            "name" => Column::Name,
            "type" => Column::Type,
            "label" => Column::Label,
            "description" => Column::Description,
            "gateway" => Column::IsGateway,
            "accesstoken" => Column::AccessToken,
            "mqttclientid" => Column::MqttClientId,
            "mqttusername" => Column::MqttUserName,
            "mqttpassword" => Column::MqttPassword,
            "certificate" => Column::X509,
            "claimingallowed" => return Ok(attribute(AttributeScope::Server, CLAIMING_ALLOWED)),
            "secretkey" => return Ok(Self::SecretKey),
            "expirationtime" => return Ok(Self::ExpirationTime),
            _ => return Err(name.to_owned()),
        }))
    }

    /// The name and the words of a column whose cells are flags.
    pub(super) fn flag(&self) -> Option<(&'static str, &'static [&'static str])> {
        match self {
            Self::Common(Column::IsGateway) => Some(("gateway", &["true", "false"])),
            Self::Common(Column::Attribute(AttributeScope::Server, key)) if key == CLAIMING_ALLOWED => {
                Some((CLAIMING_ALLOWED, &["true", "false", "1", "0"]))
            }
            _ => None,
        }
    }

    /// Whether its cells are the claim key and its time in one.
    pub(super) fn is_claiming_data(&self) -> bool {
        matches!(self, Self::Common(Column::Attribute(AttributeScope::Server, key)) if key == CLAIMING_DATA)
    }

    /// Whether its cells are the claim key or its time.
    pub(super) const fn is_of_the_key(&self) -> bool {
        matches!(self, Self::SecretKey | Self::ExpirationTime)
    }

    /// The column as the common part of the import sees it.
    pub(super) fn common(&self) -> Column {
        match self {
            Self::Common(column) => column.clone(),
            Self::SecretKey | Self::ExpirationTime => Column::Ignored,
        }
    }
}

fn attribute(scope: AttributeScope, key: &str) -> Heading {
    Heading::Common(Column::Attribute(scope, key.to_owned()))
}

/// Without what does not matter.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, ' ' | '_' | '-')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_be_written_in_several_ways() {
        for name in ["secretKey", "secret_key", "Secret Key", "SECRET-KEY"] {
            assert_eq!(Heading::named(name), Ok(Heading::SecretKey));
        }
        assert_eq!(Heading::named("server:Room 1"), Ok(attribute(AttributeScope::Server, "Room 1")));
        for name in ["", "key", "server:", "client:x"] {
            assert_eq!(Heading::named(name), Err(name.to_owned()));
        }
    }
}
