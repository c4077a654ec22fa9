//! `WWW-Authenticate: Bearer …`.

use std::time::Duration;

use http::HeaderValue;

use crate::rejection::{Rejection, RejectionKind};
use crate::respond::params::{Quoted, bearer, quote, quote_scope};

/// What the `WWW-Authenticate` of a layer says
/// ([RFC 6750 §3](https://www.rfc-editor.org/rfc/rfc6750#section-3)).
///
/// The values that do not depend on the rejection are written when it is built: rendering one
/// takes a reference count. Characters of the texts that are not printable ASCII are replaced by
/// `?`, in scopes also those that no scope has
/// ([RFC 6749 §3.3](https://www.rfc-editor.org/rfc/rfc6749#section-3.3)).
#[derive(Debug, Clone)]
#[must_use]
pub struct Challenge {
    texts: Texts,
    fixed: Fixed,
}

/// The configured texts.
#[derive(Debug, Clone)]
struct Texts {
    realm: Quoted,
    scope: Option<Quoted>,
    resource_metadata: Option<Quoted>,
}

/// What a rejection itself adds.
#[derive(Default)]
struct Own {
    scope: Option<Quoted>,
    acr_values: Option<Quoted>,
    max_age: Option<Quoted>,
}

/// The values for rejections that add nothing.
#[derive(Debug, Clone)]
struct Fixed {
    missing_token: HeaderValue,
    invalid_request: HeaderValue,
    invalid_token: HeaderValue,
    expired: HeaderValue,
    insufficient_scope: HeaderValue,
    insufficient_authentication: HeaderValue,
}

impl Challenge {
    /// A challenge with the realm `api`.
    pub fn new() -> Self {
        Self::of(Texts { realm: quote("api"), scope: None, resource_metadata: None })
    }

    /// Names the protected area
    /// ([RFC 9110 §11.5](https://www.rfc-editor.org/rfc/rfc9110#section-11.5)).
    pub fn realm(mut self, realm: &str) -> Self {
        self.texts.realm = quote(realm);
        Self::of(self.texts)
    }

    /// Tells a client without a token which space-separated scopes to ask for. A rejection that
    /// names scopes itself prevails.
    pub fn scope(mut self, scope: &str) -> Self {
        self.texts.scope = quote_scope(scope);
        Self::of(self.texts)
    }

    /// Tells where the metadata of the protected resource is, in every challenge
    /// ([RFC 9728 §5.1](https://www.rfc-editor.org/rfc/rfc9728#section-5.1)).
    pub fn resource_metadata(mut self, url: &str) -> Self {
        self.texts.resource_metadata = Some(quote(url));
        Self::of(self.texts)
    }

    /// The value of `WWW-Authenticate` for this rejection; `None` if its kind has no challenge.
    ///
    /// The scopes of the rejection show in challenges of the kinds `MissingToken`,
    /// `InsufficientScope` and `InsufficientAuthentication`; its `acr_values` and `max_age` (whole
    /// seconds, rounded down) in those of the last
    /// ([RFC 9470 §3](https://www.rfc-editor.org/rfc/rfc9470#section-3)).
    #[must_use]
    pub fn header_value(&self, rejection: &Rejection) -> Option<HeaderValue> {
        let kind = rejection.kind();
        if !kind.has_challenge() {
            return None;
        }
        let own = Own::of(rejection);
        Some(if own.is_empty() {
            self.fixed.get(kind).clone()
        } else {
            self.texts.challenge(kind, &own)
        })
    }

    fn of(texts: Texts) -> Self {
        let fixed = Fixed::of(&texts);
        Self { texts, fixed }
    }
}

impl Default for Challenge {
    fn default() -> Self {
        Self::new()
    }
}

impl Texts {
    fn challenge(&self, kind: RejectionKind, own: &Own) -> HeaderValue {
        let error = kind.error_code().map(quote);
        let description = error.as_ref().map(|_| quote(kind.description()));
        let hint = match kind {
            RejectionKind::MissingToken => self.scope.as_deref(),
            _ => None,
        };
        bearer(&[
            ("realm", Some(&self.realm)),
            ("error", error.as_deref()),
            ("error_description", description.as_deref()),
            ("scope", own.scope.as_deref().or(hint)),
            ("acr_values", own.acr_values.as_deref()),
            ("max_age", own.max_age.as_deref()),
            ("resource_metadata", self.resource_metadata.as_deref()),
        ])
    }
}

impl Own {
    fn of(rejection: &Rejection) -> Self {
        let stepped_up = rejection.kind() == RejectionKind::InsufficientAuthentication;
        let scoped = matches!(
            rejection.kind(),
            RejectionKind::MissingToken | RejectionKind::InsufficientScope
        );
        let seconds = |age: Duration| quote(&age.as_secs().to_string());
        let mut own = Self::default();
        if scoped || stepped_up {
            own.scope = rejection.scope().and_then(quote_scope);
        }
        if stepped_up {
            own.acr_values = rejection.acr_values().map(quote);
            own.max_age = rejection.max_age().map(seconds);
        }
        own
    }

    fn is_empty(&self) -> bool {
        self.scope.is_none() && self.acr_values.is_none() && self.max_age.is_none()
    }
}

impl Fixed {
    fn of(texts: &Texts) -> Self {
        let write = |kind| texts.challenge(kind, &Own::default());
        Self {
            missing_token: write(RejectionKind::MissingToken),
            invalid_request: write(RejectionKind::InvalidRequest),
            // Stands for all kinds with this code but `Expired`: their texts are the same.
            invalid_token: write(RejectionKind::MalformedToken),
            expired: write(RejectionKind::Expired),
            insufficient_scope: write(RejectionKind::InsufficientScope),
            insufficient_authentication: write(RejectionKind::InsufficientAuthentication),
        }
    }

    fn get(&self, kind: RejectionKind) -> &HeaderValue {
        match kind {
            RejectionKind::MissingToken => &self.missing_token,
            RejectionKind::InvalidRequest => &self.invalid_request,
            RejectionKind::Expired => &self.expired,
            RejectionKind::InsufficientScope => &self.insufficient_scope,
            RejectionKind::InsufficientAuthentication => &self.insufficient_authentication,
            _ => &self.invalid_token,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn text(challenge: &Challenge, rejection: &Rejection) -> String {
        let value = challenge.header_value(rejection).unwrap();
        value.to_str().unwrap().to_owned()
    }

    #[test]
    fn rfc6750_s3_no_token_has_no_error_but_the_configured_hints() {
        let missing = RejectionKind::MissingToken.into();
        assert_eq!(text(&Challenge::new(), &missing), r#"Bearer realm="api""#);
        let challenge = Challenge::default()
            .scope("a b")
            .resource_metadata("https://api.example.com/.well-known/oauth-protected-resource")
            .realm("x");
        let expected = "Bearer realm=\"x\", scope=\"a b\", resource_metadata=\
             \"https://api.example.com/.well-known/oauth-protected-resource\"";
        assert_eq!(text(&challenge, &missing), expected);
        let own = missing.with_scope("c");
        assert!(text(&challenge, &own).contains(r#", scope="c", "#));
    }

    #[test]
    fn rfc9728_s5_1_resource_metadata_is_in_every_challenge() {
        let challenge = Challenge::new().scope("hint").resource_metadata("https://r");
        for kind in [
            RejectionKind::InvalidRequest,
            RejectionKind::Expired,
            RejectionKind::Revoked,
            RejectionKind::InsufficientScope,
            RejectionKind::InsufficientAuthentication,
        ] {
            let text = text(&challenge, &kind.into());
            assert!(text.ends_with(r#", resource_metadata="https://r""#), "{text}");
            assert!(!text.contains("hint"), "{text}");
        }
    }

    #[test]
    fn rfc9470_s3_step_up_says_what_is_needed() {
        let rejection = Rejection::from(RejectionKind::InsufficientAuthentication)
            .with_acr_values("urn:a urn:b")
            .with_max_age(Duration::from_millis(5_900))
            .with_scope("pay");
        assert_eq!(
            text(&Challenge::new(), &rejection),
            "Bearer realm=\"api\", error=\"insufficient_user_authentication\", \
             error_description=\"A more recent or stronger authentication is required\", \
             scope=\"pay\", acr_values=\"urn:a urn:b\", max_age=\"5\""
        );
    }

    #[test]
    fn details_that_a_kind_does_not_have_are_left_out() {
        let challenge = Challenge::new();
        for kind in [RejectionKind::InvalidRequest, RejectionKind::Expired] {
            let rejection = Rejection::from(kind)
                .with_scope("a")
                .with_acr_values("b")
                .with_max_age(Duration::ZERO);
            assert_eq!(text(&challenge, &rejection), text(&challenge, &kind.into()));
        }
        let empty = Rejection::from(RejectionKind::InsufficientScope).with_scope("  ");
        assert!(!text(&challenge, &empty).contains("scope=\""));
    }

    #[test]
    fn fixed_values_share_one_buffer() {
        let challenge = Challenge::new();
        let expired = RejectionKind::Expired.into();
        let buffer = |value: Option<HeaderValue>| value.unwrap().as_bytes().as_ptr();
        let first = buffer(challenge.header_value(&expired));
        assert_eq!(first, buffer(challenge.clone().header_value(&expired)));
    }

    /// A strict reader of one challenge: a scheme, a space, parameters separated by `, `.
    fn read(challenge: &str) -> BTreeMap<String, String> {
        let mut rest = challenge.strip_prefix("Bearer ").unwrap();
        let mut params = BTreeMap::new();
        loop {
            let (name, value) = rest.split_once("=\"").unwrap();
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
            let mut chars = value.char_indices();
            let mut text = String::new();
            let end = loop {
                match chars.next().unwrap() {
                    (at, '"') => break at + 1,
                    (_, '\\') => text.push(chars.next().unwrap().1),
                    (_, char @ ' '..='~') => text.push(char),
                    (_, char) => panic!("{char:?}"),
                }
            };
            assert_eq!(params.insert(name.to_owned(), text), None, "{name} twice");
            match &value[end..] {
                "" => return params,
                more => rest = more.strip_prefix(", ").unwrap(),
            }
        }
    }

    proptest! {
        #[test]
        fn any_texts_make_one_challenge_that_reads_back(
            realm in any::<String>(),
            scope in prop_oneof![any::<String>(), "[a-c \"\\\\\r\n,=]{0,12}"],
            url in any::<String>(),
            acr_values in any::<String>(),
        ) {
            let printable = |text: &str| text
                .chars()
                .map(|char| if matches!(char, ' '..='~') { char } else { '?' })
                .collect::<String>();
            let challenge = Challenge::new().realm(&realm).scope(&scope).resource_metadata(&url);
            for kind in [
                RejectionKind::MissingToken,
                RejectionKind::InsufficientScope,
                RejectionKind::InsufficientAuthentication,
            ] {
                let rejection = Rejection::from(kind)
                    .with_scope(scope.as_str())
                    .with_acr_values(acr_values.as_str());
                let value = challenge.header_value(&rejection).unwrap();
                prop_assert!(value.as_bytes().iter().all(|byte| matches!(byte, b' '..=b'~')));
                let params = read(value.to_str().unwrap());
                prop_assert_eq!(&params["realm"], &printable(&realm));
                prop_assert_eq!(&params["resource_metadata"], &printable(&url));
                prop_assert_eq!(params.get("error").map(String::as_str), kind.error_code());
                if kind == RejectionKind::InsufficientAuthentication {
                    prop_assert_eq!(&params["acr_values"], &printable(&acr_values));
                }
                for word in params.get("scope").iter().flat_map(|scope| scope.split(' ')) {
                    let good = |byte| matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~');
                    prop_assert!(!word.is_empty() && word.bytes().all(good));
                }
            }
        }
    }
}
