//! Which path is what (`docs/protocol.md`, CoAP).

use super::message::Method;

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target<'a> {
    /// What there is.
    Discovery,
    /// A device adds itself.
    Provision,
    /// Something of the device that has this access token, or else the certificate of the session.
    Device(Option<&'a str>, Feature),
}

/// What is asked of a device's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Feature {
    /// Its claim key.
    Claim,
    /// How it stands with claiming it.
    ClaimState,
    /// Attributes of its own, to be stored.
    PublishAttributes,
    /// Its attributes, to be read.
    Attributes,
    /// Telemetry.
    Telemetry,
    /// What it asks of the service.
    Rpc,
}

/// Why a path is nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nowhere {
    /// There is no such path.
    NotFound,
    /// It knows no such method.
    Method,
    /// It names no feature that there is.
    Feature,
}

impl<'a> Target<'a> {
    /// What that path is for that method. The name of a feature is read in any case, everything else as it is.
    ///
    /// # Errors
    /// [`Nowhere`].
    pub(super) fn of(method: Method, path: &'a [String]) -> Result<Self, Nowhere> {
        let path: Vec<_> = path.iter().map(String::as_str).collect();
        let target = match *path {
            [] | ["" | "api"] => return Err(Nowhere::Method),
            [".well-known", "core"] => [Some(Self::Discovery), None],
            ["api", "v1", one] if one.eq_ignore_ascii_case("provision") => [None, Some(Self::Provision)],
            ["api", "v1", feature] if let Some(features) = features(feature) => {
                features.map(|feature| feature.map(|feature| Self::Device(None, feature)))
            }
            ["api", "v1", token, feature] => {
                let features = features(feature).ok_or(Nowhere::Feature)?;
                features.map(|feature| feature.map(|feature| Self::Device(Some(token), feature)))
            }
            ["api", "v1", _, feature, ..] if features(feature).is_some() => return Err(Nowhere::NotFound),
            ["api", "v1", ..] => return Err(Nowhere::Feature),
            _ => return Err(Nowhere::NotFound),
        };
        let [get, post] = target;
        match method {
            Method::Get => get,
            Method::Post => post,
            Method::Other => None,
        }
        .ok_or(Nowhere::Method)
    }
}

/// What GET and POST mean of that name.
fn features(name: &str) -> Option<[Option<Feature>; 2]> {
    Some(match name.to_ascii_lowercase().as_str() {
        "claim" => [Some(Feature::ClaimState), Some(Feature::Claim)],
        "attributes" => [Some(Feature::Attributes), Some(Feature::PublishAttributes)],
        "telemetry" => [None, Some(Feature::Telemetry)],
        "rpc" => [None, Some(Feature::Rpc)],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(method: Method, path: &str) -> Result<&'static str, Nowhere> {
        let path: Vec<_> = path.split('/').filter(|_| !path.is_empty()).map(str::to_owned).collect();
        Target::of(method, &path).map(|target| match target {
            Target::Discovery => "discovery",
            Target::Provision => "provision",
            Target::Device(Some("T"), Feature::Claim) => "claim",
            Target::Device(Some("T"), Feature::ClaimState) => "claim state",
            Target::Device(Some("T"), Feature::Attributes) => "attributes",
            Target::Device(Some("T"), Feature::PublishAttributes) => "publish",
            Target::Device(Some("T"), Feature::Telemetry) => "telemetry",
            Target::Device(Some("T"), Feature::Rpc) => "rpc",
            Target::Device(None, Feature::Claim) => "own claim",
            Target::Device(None, _) => "own",
            Target::Device(..) => "another device's",
        })
    }

    #[test]
    fn paths_are_what_the_page_says() {
        use Method::{Get, Other, Post};
        for (method, path, is) in [
            (Get, ".well-known/core", Ok("discovery")),
            (Post, ".well-known/core", Err(Nowhere::Method)),
            (Post, "api/v1/T/claim", Ok("claim")),
            (Post, "api/v1/T/CLAIM", Ok("claim")),
            (Get, "api/v1/T/Claim", Ok("claim state")),
            (Get, "api/v1/T/attributes", Ok("attributes")),
            (Post, "api/v1/T/attributes", Ok("publish")),
            (Post, "api/v1/T/telemetry", Ok("telemetry")),
            (Post, "api/v1/T/rpc", Ok("rpc")),
            (Post, "api/v1//claim", Ok("another device's")),
            (Post, "api/v1/claim/claim", Ok("another device's")),
            (Post, "api/v1/provision", Ok("provision")),
            (Get, "api/v1/provision", Err(Nowhere::Method)),
            (Get, "api/v1/T/telemetry", Err(Nowhere::Method)),
            (Other, "api/v1/T/claim", Err(Nowhere::Method)),
            (Post, "", Err(Nowhere::Method)),
            (Post, "api", Err(Nowhere::Method)),
            (Post, "api/v1", Err(Nowhere::Feature)),
            (Post, "api/v1/T", Err(Nowhere::Feature)),
            (Post, "api/v1/T/nothing", Err(Nowhere::Feature)),
            (Post, "api/v1/T/nothing/1", Err(Nowhere::Feature)),
            (Post, "api/v1/Claim", Ok("own claim")),
            (Get, "api/v1/attributes", Ok("own")),
            (Get, "api/v1/rpc", Err(Nowhere::Method)),
            (Post, "api/v1/T/claim/", Err(Nowhere::NotFound)),
            (Post, "api/v1/T/claim/1", Err(Nowhere::NotFound)),
            (Post, "nothing", Err(Nowhere::NotFound)),
            (Post, "api/v2/T/claim", Err(Nowhere::NotFound)),
            (Post, "API/v1/T/claim", Err(Nowhere::NotFound)),
        ] {
            assert_eq!(target(method, path), is, "{method:?} {path}");
        }
    }
}
