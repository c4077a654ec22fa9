//! `WWW-Authenticate: Bearer …` and `DPoP …`, and what else may stand beside it.

use std::time::Duration;

use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::bound::{DPOP_NONCE, Dpop, Sender};
use crate::rejection::{Rejection, RejectionKind};
use crate::respond::params::{Quoted, challenge, quote, quote_scope};

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
    /// `None` for the default, which another challenge's realm prevails over.
    realm: Option<Box<str>>,
    texts: Texts,
    /// Of the scheme `Bearer`.
    fixed: Fixed,
    /// Of the scheme `DPoP`, where that is spoken.
    dpop: Option<Box<DpopFixed>>,
    /// Challenges of other schemes, each complete.
    others: Vec<HeaderValue>,
}

const DEFAULT_REALM: &str = "api";

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

/// The scheme `DPoP` beside `Bearer`, or alone.
#[derive(Debug, Clone)]
struct DpopFixed {
    algs: Quoted,
    fixed: Fixed,
    alone: bool,
}

/// The scheme of a challenge, with what it says in each.
#[derive(Clone, Copy)]
enum Scheme<'a> {
    Bearer,
    Dpop { algs: &'a str },
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
    invalid_dpop_proof: HeaderValue,
    use_dpop_nonce: HeaderValue,
}

impl Challenge {
    /// A challenge with the realm `api`.
    pub fn new() -> Self {
        let realm = quote(DEFAULT_REALM);
        let texts = Texts { realm, scope: None, resource_metadata: None };
        let fixed = Fixed::of(&texts, Scheme::Bearer);
        Self { realm: None, fixed, texts, dpop: None, others: Vec::new() }
    }

    /// Names the protected area
    /// ([RFC 9110 §11.5](https://www.rfc-editor.org/rfc/rfc9110#section-11.5)).
    pub fn realm(mut self, realm: &str) -> Self {
        self.realm = Some(realm.into());
        self.with(|texts| texts.realm = quote(realm))
    }

    /// Tells a client without a token which space-separated scopes to ask for. A rejection that
    /// names scopes itself prevails.
    pub fn scope(self, scope: &str) -> Self {
        self.with(|texts| texts.scope = quote_scope(scope))
    }

    /// Tells where the metadata of the protected resource is, in every challenge
    /// ([RFC 9728 §5.1](https://www.rfc-editor.org/rfc/rfc9728#section-5.1)).
    pub fn resource_metadata(self, url: &str) -> Self {
        self.with(|texts| texts.resource_metadata = Some(quote(url)))
    }

    /// Offers another scheme too, which something else in the service speaks, such as
    /// `Basic realm="orders"`: a complete challenge in a header field of its own behind the `Bearer`
    /// one, in every 401. Many clients read only the first.
    pub fn also(mut self, challenge: HeaderValue) -> Self {
        self.others.push(challenge);
        self
    }

    /// Offers the scheme `DPoP` behind `Bearer`, with the algorithms that proofs may have
    /// ([RFC 9449 §7.1](https://www.rfc-editor.org/rfc/rfc9449#section-7.1)). What is wrong with
    /// credentials is told in the challenge of their own scheme. A layer does so by itself.
    pub fn dpop(self, dpop: &Dpop) -> Self {
        self.with_dpop(dpop, false)
    }

    /// Asks for credentials of the scheme `DPoP` alone. A layer does so by itself.
    pub fn only_dpop(self, dpop: &Dpop) -> Self {
        self.with_dpop(dpop, true)
    }

    fn with_dpop(self, dpop: &Dpop, alone: bool) -> Self {
        let algs = quote(&dpop.algorithm_names().collect::<Vec<_>>().join(" "));
        let fixed = Fixed::of(&self.texts, Scheme::Dpop { algs: &algs });
        Self { dpop: Some(Box::new(DpopFixed { algs, fixed, alone })), ..self }
    }

    /// As a layer needs it that was told so about bound tokens.
    pub(crate) fn for_sender(self, sender: &Sender) -> Self {
        match &sender.dpop {
            None => self,
            // Tokens that are bound to a certificate are sent as bearer tokens are.
            Some(dpop) => self.with_dpop(dpop, sender.only_bound && sender.certificates.is_none()),
        }
    }

    /// Writes the challenges for this rejection into the header fields of a response, in place of
    /// what `WWW-Authenticate` was there: `Bearer` first. A kind without a challenge writes none.
    ///
    /// The scopes of the rejection show in challenges of the kinds `MissingToken`,
    /// `InsufficientScope` and `InsufficientAuthentication`; its `acr_values` and `max_age` (whole
    /// seconds, rounded down) in those of the last
    /// ([RFC 9470 §3](https://www.rfc-editor.org/rfc/rfc9470#section-3)).
    pub fn write(&self, rejection: &Rejection, headers: &mut HeaderMap) {
        let kind = rejection.kind();
        if !kind.has_challenge() {
            return;
        }
        let own = Own::of(rejection);
        let told = |scheme, fixed: &Fixed| {
            if own.is_empty() {
                fixed.get(kind).clone()
            } else {
                self.texts.challenge(scheme, kind, &own)
            }
        };
        // With 400 and 403 the credentials were of the right scheme.
        let offers = kind.status() == StatusCode::UNAUTHORIZED;
        headers.remove(WWW_AUTHENTICATE);
        let mut add = |value: HeaderValue| {
            headers.append(WWW_AUTHENTICATE, value);
        };
        match &self.dpop {
            None => add(told(Scheme::Bearer, &self.fixed)),
            Some(dpop) => {
                let scheme = Scheme::Dpop { algs: &dpop.algs };
                let missing = kind == RejectionKind::MissingToken;
                let in_dpop = dpop.alone || rejection.is_in_dpop();
                if !dpop.alone && (missing || !in_dpop) {
                    add(told(Scheme::Bearer, &self.fixed));
                } else if !dpop.alone && offers {
                    add(self.fixed.missing_token.clone());
                }
                if missing || in_dpop {
                    add(told(scheme, &dpop.fixed));
                } else if offers {
                    add(dpop.fixed.missing_token.clone());
                }
            }
        }
        if offers {
            for other in &self.others {
                headers.append(WWW_AUTHENTICATE, other.clone());
            }
        }
        if let Some(nonce) = rejection.dpop_nonce() {
            headers.insert(DPOP_NONCE, nonce.clone());
        }
    }

    /// The realm as it was given.
    pub(crate) fn realm_name(&self) -> &str {
        self.realm.as_deref().unwrap_or(DEFAULT_REALM)
    }

    /// This one, with the realm of another if it has none of its own.
    pub(crate) fn or_realm_of(self, other: &Self) -> Self {
        match (&self.realm, &other.realm) {
            (None, Some(realm)) => self.realm(realm),
            _ => self,
        }
    }

    fn with(mut self, set: impl FnOnce(&mut Texts)) -> Self {
        set(&mut self.texts);
        self.fixed = Fixed::of(&self.texts, Scheme::Bearer);
        if let Some(dpop) = &mut self.dpop {
            dpop.fixed = Fixed::of(&self.texts, Scheme::Dpop { algs: &dpop.algs });
        }
        self
    }
}

impl Default for Challenge {
    fn default() -> Self {
        Self::new()
    }
}

impl Texts {
    fn challenge(&self, scheme: Scheme<'_>, kind: RejectionKind, own: &Own) -> HeaderValue {
        let error = kind.error_code().map(quote);
        let description = error.as_ref().map(|_| quote(kind.description()));
        let hint = match kind {
            RejectionKind::MissingToken => self.scope.as_deref(),
            _ => None,
        };
        let (name, algs) = match scheme {
            Scheme::Bearer => ("Bearer", None),
            Scheme::Dpop { algs } => ("DPoP", Some(algs)),
        };
        let params: [(&str, Option<&str>); 8] = [
            ("realm", Some(&self.realm)),
            ("error", error.as_deref()),
            ("error_description", description.as_deref()),
            ("scope", own.scope.as_deref().or(hint)),
            ("acr_values", own.acr_values.as_deref()),
            ("max_age", own.max_age.as_deref()),
            ("algs", algs),
            ("resource_metadata", self.resource_metadata.as_deref()),
        ];
        challenge(name, &params)
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
    fn of(texts: &Texts, scheme: Scheme<'_>) -> Self {
        let write = |kind| texts.challenge(scheme, kind, &Own::default());
        Self {
            missing_token: write(RejectionKind::MissingToken),
            invalid_request: write(RejectionKind::InvalidRequest),
            // Stands for all kinds with this code but `Expired`: their texts are the same.
            invalid_token: write(RejectionKind::MalformedToken),
            expired: write(RejectionKind::Expired),
            insufficient_scope: write(RejectionKind::InsufficientScope),
            insufficient_authentication: write(RejectionKind::InsufficientAuthentication),
            invalid_dpop_proof: write(RejectionKind::InvalidDpopProof),
            use_dpop_nonce: write(RejectionKind::UseDpopNonce),
        }
    }

    fn get(&self, kind: RejectionKind) -> &HeaderValue {
        match kind {
            RejectionKind::MissingToken => &self.missing_token,
            RejectionKind::InvalidRequest => &self.invalid_request,
            RejectionKind::Expired => &self.expired,
            RejectionKind::InsufficientScope => &self.insufficient_scope,
            RejectionKind::InsufficientAuthentication => &self.insufficient_authentication,
            RejectionKind::InvalidDpopProof => &self.invalid_dpop_proof,
            RejectionKind::UseDpopNonce => &self.use_dpop_nonce,
            _ => &self.invalid_token,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn header_value(challenge: &Challenge, rejection: &Rejection) -> Option<HeaderValue> {
        let mut headers = HeaderMap::new();
        challenge.write(rejection, &mut headers);
        assert!(headers.len() <= 1);
        headers.remove(WWW_AUTHENTICATE)
    }

    fn text(challenge: &Challenge, rejection: &Rejection) -> String {
        let value = header_value(challenge, rejection).unwrap();
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
        let first = buffer(header_value(&challenge, &expired));
        assert_eq!(first, buffer(header_value(&challenge.clone(), &expired)));
    }

    #[test]
    fn rfc9110_s11_6_1_other_challenges_stand_behind_bearer_and_are_complete() {
        let basic = HeaderValue::from_static("Basic realm=\"orders\", charset=\"UTF-8\"");
        let challenge = Challenge::new().also(basic.clone()).realm("orders");
        let write = |kind: RejectionKind| {
            let mut headers = HeaderMap::new();
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Old"));
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Older"));
            challenge.write(&kind.into(), &mut headers);
            headers.get_all(WWW_AUTHENTICATE).iter().cloned().collect::<Vec<_>>()
        };
        assert_eq!(
            write(RejectionKind::MissingToken),
            [HeaderValue::from_static("Bearer realm=\"orders\""), basic.clone()],
        );
        let expired = write(RejectionKind::Expired);
        assert!(expired[0].to_str().unwrap().starts_with("Bearer realm=\"orders\", error="));
        assert_eq!(expired[1..], [basic]);
        for kind in [RejectionKind::InvalidRequest, RejectionKind::InsufficientScope] {
            assert_eq!(write(kind).len(), 1, "{kind:?}");
        }
        assert_eq!(write(RejectionKind::Forbidden), ["Old", "Older"], "not ours to touch");
    }

    #[test]
    fn a_realm_is_kept_unless_another_one_is_named() {
        let named = Challenge::new().realm("orders");
        assert_eq!(Challenge::new().realm_name(), "api");
        assert_eq!(Challenge::new().or_realm_of(&named).realm_name(), "orders");
        assert_eq!(Challenge::new().or_realm_of(&Challenge::new()).realm_name(), "api");
        let other = Challenge::new().realm("carts").or_realm_of(&named);
        assert_eq!(other.realm_name(), "carts");
        let kept = Challenge::new().scope("a").or_realm_of(&named);
        let missing = RejectionKind::MissingToken.into();
        assert_eq!(text(&kept, &missing), r#"Bearer realm="orders", scope="a""#);
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
                let value = header_value(&challenge, &rejection).unwrap();
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
