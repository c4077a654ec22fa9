//! Claims put into a request without a token, for unit tests of handlers.

use std::sync::Arc;

use http::Extensions;
use serde_json::{Value, json};

use crate::authenticate::Authentication;
use crate::claims::{ClaimNames, Claims, StandardClaims, VerifiedToken, decode};
use crate::clock::{Clock, SystemClock};
use crate::credentials::{BearerToken, TokenOrigin};

/// Makes a request look as if the layer had let it through with these claims, so that a handler or a
/// guarded service can be tested by itself.
///
/// Where there is an [`AuthLayer`](crate::layer::AuthLayer) around what is tested, it decides by the
/// token and nothing else: a request with injected claims and no token is answered 401. Test such a
/// stack with the tokens of a [`TestIssuer`](super::TestIssuer).
///
/// ```
/// use http::Request;
/// use tower_bearer::claims::Claims;
/// use tower_bearer::testing::inject;
///
/// struct User { tenant: String }
///
/// let mut request = Request::new(());
/// inject(request.extensions_mut(), User { tenant: "acme".into() });
/// assert_eq!(Claims::<User>::from_extensions(request.extensions()).unwrap().tenant, "acme");
/// ```
#[doc(alias("mock", "fake"))]
pub fn inject<C: Send + Sync + 'static>(extensions: &mut Extensions, claims: C) {
    inject_with(extensions, claims, &json!({}));
}

/// Like [`inject`], with registered claims beside the application's own, for scopes and roles:
/// `json!({"sub": "alice", "scope": "orders:write", "roles": ["clerk"]})`.
///
/// # Panics
/// If `registered` is not a JSON object, or a registered claim in it has the wrong type.
pub fn inject_with<C: Send + Sync + 'static>(
    extensions: &mut Extensions,
    claims: C,
    registered: &Value,
) {
    let principal = claims_with(claims, registered).into_principal();
    extensions.insert(Authentication::Authenticated(principal));
}

/// Claims as a handler gets them, to call it as the function that it is.
///
/// ```
/// use tower_bearer::claims::Claims;
/// use tower_bearer::testing::claims;
///
/// struct User { name: String }
/// fn me(user: Claims<User>) -> String { format!("hello {}", user.name) }
///
/// assert_eq!(me(claims(User { name: "ada".into() })), "hello ada");
/// ```
#[must_use]
pub fn claims<C: Send + Sync + 'static>(claims: C) -> Claims<C> {
    claims_with(claims, &json!({}))
}

/// Like [`claims`], with registered claims beside the application's own, as for [`inject_with`].
///
/// # Panics
/// If `registered` is not a JSON object, or a registered claim in it has the wrong type.
#[must_use]
#[allow(clippy::expect_used, reason = "a wrong fixture should fail the test that wrote it")]
pub fn claims_with<C: Send + Sync + 'static>(claims: C, registered: &Value) -> Claims<C> {
    let (registered, _) = decode::<StandardClaims>(registered.to_string(), &ClaimNames::default())
        .expect("the registered claims given to the test must be well-formed");
    let bearer = BearerToken::parse("injected.by.test").expect("a well-formed token");
    let token = Arc::new(VerifiedToken::new(claims, registered, bearer));
    Claims::new(token.into(), SystemClock.now(), TokenOrigin::Other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_for_a_handler_carry_the_registered_ones() {
        let registered = json!({"sub": "ada", "roles": ["clerk"], "scope": "a b"});
        let claims = claims_with("own", &registered);
        assert_eq!(*claims, "own");
        assert_eq!(claims.registered().subject(), Some("ada"));
        let mut extensions = Extensions::new();
        inject_with(&mut extensions, "own", &registered);
        let injected = Claims::<&str>::from_extensions(&extensions).unwrap();
        assert_eq!(injected.registered().subject(), Some("ada"));
    }
}
