//! The key set as a document: how long it is fresh, whether it is another than before, and what of
//! it may be handed on.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{AGE, CACHE_CONTROL};
use serde_json::{Value, json};
use zeroize::Zeroize;

/// How long the response is fresh ([RFC 9111 §4.2](https://www.rfc-editor.org/rfc/rfc9111#section-4.2)):
/// its `max-age` less its `Age`; zero if it is not to be stored. `None` if it does not say.
pub(super) fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let values = || headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut directives = values().flat_map(|value| value.split(',')).map(str::trim);
    let mut max_age = None;
    directives.try_for_each(|directive| {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        if name.eq_ignore_ascii_case("no-store") || name.eq_ignore_ascii_case("no-cache") {
            max_age = Some(0);
            return None;
        }
        if name.eq_ignore_ascii_case("max-age") {
            max_age = value.trim_matches('"').parse::<u64>().ok().or(max_age);
        }
        Some(())
    });
    let age = headers.get(AGE).and_then(|age| age.to_str().ok()?.trim().parse().ok()).unwrap_or(0);
    max_age.map(|seconds| Duration::from_secs(seconds.saturating_sub(age)))
}

/// A JWK Set as it came.
pub(super) struct Document {
    body: Bytes,
    /// It may hold shared secrets, so it is wiped, and not taken apart more than once.
    secret: bool,
}

impl Document {
    pub(super) fn new(body: Bytes, secret: bool) -> Self {
        Self { body, secret }
    }

    pub(super) fn text(&self) -> Option<&str> {
        str::from_utf8(&self.body).ok()
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        self.body == other.body
    }

    /// Whether the keys are the same. Their order does not matter, nor that of their members: some
    /// providers shuffle both.
    pub(super) fn has_keys_of(&self, other: &Self) -> bool {
        if self.is(other) {
            return true;
        }
        let secret = self.secret || other.secret;
        !secret
            && matches!((members(&self.body), members(&other.body)), (Some(a), Some(b)) if a == b)
    }

    /// The set again, without what is not public.
    pub(super) fn public(&self) -> Option<Value> {
        let mut document: Value = serde_json::from_slice(&self.body).ok()?;
        let Value::Array(keys) = document.get_mut("keys")?.take() else { return None };
        let public = |key: &Value| {
            let asymmetric = matches!(key["kty"].as_str(), Some("RSA" | "EC" | "OKP"));
            asymmetric && key.get("d").is_none() && key.get("k").is_none()
        };
        let keys: Vec<_> = keys.into_iter().filter(public).collect();
        (!keys.is_empty()).then(|| json!({ "keys": keys }))
    }
}

impl Drop for Document {
    fn drop(&mut self) {
        if self.secret
            && let Ok(mut body) = std::mem::take(&mut self.body).try_into_mut()
        {
            body.as_mut().zeroize();
        }
    }
}

fn members(document: &[u8]) -> Option<Vec<String>> {
    let document: Value = serde_json::from_slice(document).ok()?;
    let mut members: Vec<_> =
        document.get("keys")?.as_array()?.iter().map(|member| sorted(member).to_string()).collect();
    members.sort_unstable();
    Some(members)
}

/// With the members of the object in order, whatever map `serde_json` was built with.
fn sorted(value: &Value) -> Value {
    let Value::Object(members) = value else { return value.clone() };
    let mut names: Vec<_> = members.iter().collect();
    names.sort_unstable_by_key(|(name, _)| *name);
    Value::Array(
        names
            .into_iter()
            .map(|(name, value)| Value::from(vec![name.as_str().into(), value.clone()]))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn rfc9111_freshness() {
        let age = |control: &'static str, age: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(CACHE_CONTROL, HeaderValue::from_static(control));
            if let Some(age) = age {
                headers.insert(AGE, HeaderValue::from_static(age));
            }
            max_age(&headers).map(|age| age.as_secs())
        };
        assert_eq!(age("public, max-age=300", None), Some(300));
        assert_eq!(age("Max-Age=\"300\", must-revalidate", Some("100")), Some(200));
        assert_eq!(age("max-age=300", Some("400")), Some(0));
        assert_eq!(age("max-age=300, no-store", None), Some(0));
        assert_eq!(age("no-cache, max-age=300", None), Some(0));
        for none in ["", "public", "max-age", "max-age=soon", "max-age=-1", "s-maxage=5"] {
            assert_eq!(age(none, Some("7")), None, "{none}");
        }
        assert_eq!(max_age(&HeaderMap::new()), None);
    }

    #[test]
    fn order_makes_no_other_set() {
        let same_keys = |a: &'static [u8], b: &'static [u8]| {
            let public = |body| Document::new(Bytes::from_static(body), false);
            let secret = |body| Document::new(Bytes::from_static(body), true);
            assert_eq!(secret(a).has_keys_of(&public(b)), a == b);
            public(a).has_keys_of(&public(b))
        };
        let one: &[u8] = br#"{"keys":[{"kid":"a","n":"1"},{"kid":"b"}]}"#;
        assert!(same_keys(one, br#"{ "keys": [{"kid":"b"}, {"n":"1","kid":"a"}], "x": 1 }"#));
        assert!(!same_keys(one, br#"{"keys":[{"kid":"a","n":"2"},{"kid":"b"}]}"#));
        assert!(!same_keys(one, br#"{"keys":[{"kid":"a","n":"1"}]}"#));
        assert!(!same_keys(one, b"nonsense") && !same_keys(b"", one) && same_keys(one, one));
    }

    #[test]
    fn only_what_is_public_is_handed_on() {
        let public =
            |json: &'static str| Document::new(Bytes::from_static(json.as_bytes()), true).public();
        let mixed = r#"{"x":1,"keys":[{"kty":"oct","k":"c2VjcmV0"},{"kty":"RSA","n":"1","d":"2"},
            {"kty":"EC","kid":"a"},{"kty":"OKP","k":"1"},{"kty":"new","k":"1"},7]}"#;
        assert_eq!(public(mixed), Some(json!({ "keys": [{ "kty": "EC", "kid": "a" }] })));
        for none in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[{"kty":"oct","k":"1"}]}"#] {
            assert_eq!(public(none), None, "{none}");
        }
    }
}
