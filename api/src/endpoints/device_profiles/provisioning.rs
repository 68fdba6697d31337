//! How devices add themselves to a profile, as a client wants to save it.

use deed_domain::{
    ports::{DeviceToken, ProvisioningRule, ProvisioningStrategy},
    texts::LONGEST_TEXT,
};

use super::draft::unset;
use crate::{error::ApiError, extract::JsonObject, wire::NO_PROVISIONING};

/// Reads it from the profile and the configuration in it, which say the same way, if both say one.
pub(super) fn read(
    profile: &JsonObject,
    configuration: Option<&JsonObject>,
) -> Result<Option<ProvisioningRule>, ApiError> {
    let outside = profile.text("provisionType")?;
    let inside = configuration.map(|configuration| configuration.text("type")).transpose()?.flatten();
    if let (Some(outside), Some(inside)) = (&outside, &inside)
        && outside != inside
    {
        return Err(ApiError::invalid("Member 'provisionType' must be the type of the provision configuration"));
    }
    let secret = |name| configuration.map(|configuration| configuration.text(name)).transpose().map(Option::flatten);
    let strategy = match outside.or(inside).as_deref() {
        None | Some(NO_PROVISIONING) => {
            unset(profile, "provisionDeviceKey")?;
            return configuration.map_or(Ok(()), |of| unset(of, "provisionDeviceSecret")).map(|()| None);
        }
        Some(word) => ProvisioningStrategy::parse(word).ok_or_else(|| {
            ApiError::invalid(
                "Member 'provisionType' must be DISABLED, ALLOW_CREATE_NEW_DEVICES or CHECK_PRE_PROVISIONED_DEVICES",
            )
        })?,
    };
    Ok(Some(ProvisioningRule {
        strategy,
        key: required("provisionDeviceKey", profile.text("provisionDeviceKey")?)?,
        secret: DeviceToken::new(required("provisionDeviceSecret", secret("provisionDeviceSecret")?)?),
    }))
}

/// The text, which firmware carries.
fn required(member: &str, text: Option<String>) -> Result<String, ApiError> {
    let text = text.filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| ApiError::invalid(format!("Member '{member}' should be specified!")))?;
    if text.chars().count() > LONGEST_TEXT || text.chars().any(char::is_control) {
        let message =
            format!("Member '{member}' must have at most {LONGEST_TEXT} characters, and no control characters");
        return Err(ApiError::invalid(message));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use serde_json::{Value, json};

    use super::*;

    fn read(profile: &Value, configuration: &Value) -> Result<Option<ProvisioningRule>, String> {
        let object = |value: &Value| JsonObject::parse(&Bytes::from(value.to_string())).unwrap();
        super::read(&object(profile), Some(&object(configuration))).map_err(|error| error.to_string())
    }

    #[test]
    fn a_strategy_comes_with_key_and_secret() {
        for word in ["ALLOW_CREATE_NEW_DEVICES", "CHECK_PRE_PROVISIONED_DEVICES"] {
            let rule = ProvisioningRule {
                strategy: ProvisioningStrategy::parse(word).unwrap(),
                key: "k".to_owned(),
                secret: DeviceToken::new("s"),
            };
            let secret = json!({"provisionDeviceSecret": "s"});
            let profile = json!({"provisionType": word, "provisionDeviceKey": "k"});
            assert_eq!(read(&profile, &secret), Ok(Some(rule.clone())));
            let inside = json!({"type": word, "provisionDeviceSecret": "s"});
            assert_eq!(read(&json!({"provisionDeviceKey": "k"}), &inside), Ok(Some(rule)));
            assert!(read(&profile, &json!({})).unwrap_err().contains("provisionDeviceSecret"));
            assert!(read(&json!({"provisionType": word}), &secret).unwrap_err().contains("provisionDeviceKey"));
        }
    }

    #[test]
    fn without_a_strategy_there_is_neither() {
        assert_eq!(read(&json!({}), &json!({})), Ok(None));
        assert_eq!(read(&json!({"provisionType": "DISABLED"}), &json!({"provisionDeviceSecret": null})), Ok(None));
        assert!(read(&json!({"provisionDeviceKey": "k"}), &json!({})).is_err());
        assert!(read(&json!({}), &json!({"provisionDeviceSecret": "s"})).is_err());
    }

    #[test]
    fn what_cannot_be_is_refused_and_not_shown() {
        let chain = json!({"provisionType": "X509_CERTIFICATE_CHAIN"});
        assert!(read(&chain, &json!({})).unwrap_err().contains("must be DISABLED"));
        let two = read(&json!({"provisionType": "ALLOW_CREATE_NEW_DEVICES"}), &json!({"type": "DISABLED"}));
        assert!(two.unwrap_err().contains("type of the provision configuration"));
        let profile = json!({"provisionType": "ALLOW_CREATE_NEW_DEVICES", "provisionDeviceKey": "k"});
        for secret in ["S3CR3T\n".to_owned(), "S3CR3T".repeat(43)] {
            let message = read(&profile, &json!({"provisionDeviceSecret": secret})).unwrap_err();
            assert!(message.contains("provisionDeviceSecret") && !message.contains("S3CR3T"), "{message}");
        }
    }
}
