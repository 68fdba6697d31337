//! `security.peppers`: the secrets without which a stolen database tells nothing of the claim keys.

use deed_domain::claim_key::PepperId;
use serde_yaml_ng::Value;

use crate::config::{
    kind::{Kind, Optional, text_of},
    secret::{Base64Secret, Secret},
    setting::section,
};

const LEAST_PEPPER_BYTES: usize = 32;

section! {
    /// Peppers
    pub(crate) struct PepperSettings {
        /// What claim keys are digested with: a list of `id` and `secret` (Base64 of at least 32 bytes), as text
        /// `id:secret,id:secret`. New keys take the first; the others are for keys that were issued under them.
        /// Without its pepper no stored key claims its device.
        peppers: Option<Vec<NamedPepper>> = Optional(Peppers) => {
            key: "security.peppers",
            variable: "SECURITY_PEPPERS",
            default: "" = "one made on the first start, in `secrets.yml`",
            secret: true,
        }
    }
}

/// A pepper and its name.
#[derive(Clone, Debug)]
pub(crate) struct NamedPepper {
    /// Its name, recorded with every key.
    pub(crate) id: PepperId,
    /// The secret.
    pub(crate) secret: Secret,
}

struct Peppers;

const SECRET: Base64Secret = Base64Secret { least_bytes: LEAST_PEPPER_BYTES };

impl Kind for Peppers {
    type Value = Vec<NamedPepper>;

    fn name(&self) -> String {
        "a list of `id` and `secret`".into()
    }

    fn parse(&self, value: &Value) -> Result<Self::Value, String> {
        let peppers = match value {
            Value::Sequence(items) => items.iter().map(from_item).collect::<Result<Vec<_>, _>>()?,
            _ => {
                let text = text_of(value).ok_or_else(|| format!("must be {}", self.name()))?;
                text.split(',').map(from_text).collect::<Result<Vec<_>, _>>()?
            }
        };
        for (index, pepper) in peppers.iter().enumerate() {
            if peppers[..index].iter().any(|earlier| earlier.id == pepper.id) {
                return Err(format!("names the pepper `{}` twice", pepper.id.0));
            }
        }
        if peppers.is_empty() { Err("must name a pepper".into()) } else { Ok(peppers) }
    }

    fn show(&self, _: &Self::Value) -> String {
        String::new()
    }
}

fn from_text(text: &str) -> Result<NamedPepper, String> {
    let (id, secret) = text.trim().split_once(':').ok_or("must be `id:secret`, separated by commas")?;
    pepper(id, &secret.into())
}

fn from_item(item: &Value) -> Result<NamedPepper, String> {
    let members = item.as_mapping().ok_or("must be a list of `id` and `secret`")?;
    if let Some(other) = members.keys().filter_map(Value::as_str).find(|name| !matches!(*name, "id" | "secret")) {
        return Err(format!("has an unknown member `{other}`"));
    }
    let id = members.get("id").and_then(text_of).ok_or("must have an `id` in every pepper")?;
    pepper(&id, members.get("secret").ok_or("must have a `secret` in every pepper")?)
}

fn pepper(id: &str, secret: &Value) -> Result<NamedPepper, String> {
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
        return Err("must have ids of letters, digits, `-`, `_` and `.`".into());
    }
    let secret = SECRET.parse(secret).map_err(|why| format!("has a pepper `{id}` whose secret {why}"))?;
    Ok(NamedPepper { id: PepperId(id.to_owned()), secret })
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=";
    const B: &str = "QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=";

    fn read(yaml: &str) -> Result<Vec<(String, u8)>, String> {
        let peppers = Peppers.parse(&serde_yaml_ng::from_str(yaml).unwrap())?;
        Ok(peppers.into_iter().map(|pepper| (pepper.id.0, pepper.secret.expose()[0])).collect())
    }

    #[test]
    fn lists_and_texts_are_read_in_order() {
        let expected = Ok(vec![("b".to_owned(), b'B'), ("a".to_owned(), b'A')]);
        assert_eq!(read(&format!("[{{id: b, secret: {B}}}, {{id: a, secret: {A}}}]")), expected);
        assert_eq!(read(&format!("'b:{B}, a:{A}'")), expected);
    }

    #[test]
    fn faults_are_told_without_the_secret() {
        for (yaml, why) in [
            (format!("'a:{A},a:{B}'"), "names the pepper `a` twice"),
            ("[]".into(), "must name a pepper"),
            ("[{id: a}]".into(), "must have a `secret` in every pepper"),
            (format!("[{{secret: {A}}}]"), "must have an `id` in every pepper"),
            (format!("[{{id: a, secret: {A}, x: 1}}]"), "has an unknown member `x`"),
            (format!("[{{id: 'a:b', secret: {A}}}]"), "must have ids of letters, digits, `-`, `_` and `.`"),
            (A.into(), "must be `id:secret`, separated by commas"),
            ("'a:QUFB'".into(), "has a pepper `a` whose secret must be Base64 of at least 32 bytes, and has 3"),
            ("'a:not base64'".into(), "has a pepper `a` whose secret must be Base64 of at least 32 bytes"),
        ] {
            assert_eq!(read(&yaml), Err(why.to_owned()), "{yaml}");
        }
    }
}
