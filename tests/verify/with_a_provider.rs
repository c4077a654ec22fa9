//! Against an identity provider that others wrote: npm's `oidc-provider`, where node is present.

use super::oidc_provider::{API, OPAQUE_API, OidcProvider};
use http::StatusCode;
use tower_bearer::claims::StandardClaims;
use tower_bearer::fetch::ReqwestFetch;
use tower_bearer::key::remote::{RemoteKeys, RemoteKeysErrorKind};
use tower_bearer::verify::Verifier;
use tower_bearer_tests::service::Service;

fn fetch() -> ReqwestFetch {
    ReqwestFetch::with_builder(reqwest::Client::builder().no_proxy()).unwrap()
}

#[tokio::test]
async fn discovery_jwt_access_tokens_and_rotation() {
    let Some(provider) = OidcProvider::start() else { return };
    let keys = RemoteKeys::discover(&provider.issuer).fetch(fetch()).eager().await.unwrap();
    assert_eq!(keys.status().source.unwrap(), format!("{}/jwks", provider.issuer));
    let verifier = |audience: &str| {
        let builder = Verifier::<StandardClaims>::builder().keys(keys.clone());
        builder.issuer(&provider.issuer).audience(audience).access_token_profile().build().unwrap()
    };
    let service = Service::with(verifier(API));
    let first = provider.token(API, "orders:read").await;
    assert_eq!(service.call(&first).await, StatusCode::OK);
    assert_eq!(
        Service::with(verifier("https://other.example")).call(&first).await,
        StatusCode::UNAUTHORIZED
    );
    let opaque = provider.token(OPAQUE_API, "orders:read").await;
    assert_eq!(service.call(&opaque).await, StatusCode::UNAUTHORIZED);

    // a new key, used at once: not one 401 for tokens of either
    let before = keys.status();
    let kid = provider.rotate().await;
    assert!(!before.key_ids.contains(&kid));
    let second = provider.token(API, "orders:read").await;
    assert_eq!(service.call(&second).await, StatusCode::OK);
    assert_eq!(service.call(&first).await, StatusCode::OK);
    let after = keys.status();
    assert!(after.key_ids.contains(&kid) && after.refreshes == before.refreshes + 1, "{after:?}");

    // and once more, so that the first key goes
    provider.rotate().await;
    keys.refresh().await.unwrap();
    assert_eq!(service.call(&second).await, StatusCode::OK);
    assert_eq!(service.call(&first).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_issuer_with_a_slash_too_many() {
    let Some(provider) = OidcProvider::start() else { return };
    let keys = RemoteKeys::discover(format!("{}/", provider.issuer)).fetch(fetch());
    assert_eq!(keys.eager().await.unwrap_err().kind(), RemoteKeysErrorKind::WrongIssuer);
}

/// Opaque tokens are introspected, signed ones verified, at one provider and by one layer.
#[cfg(feature = "introspection")]
#[tokio::test]
async fn introspection_alone_and_beside_signed_tokens() {
    use tower_bearer::credentials::BearerToken;
    use tower_bearer::key::Secret;
    use tower_bearer::verify::introspection::{ClientAuth, Introspection, JwtOrOpaque};

    let Some(provider) = OidcProvider::start() else { return };
    let endpoint = format!("{}/token/introspection", provider.issuer);
    let client = |secret: &str| ClientAuth::post("orders-api", Secret::new(secret.as_bytes()));
    let introspection = |secret: &str, audience: &str| {
        let builder = Introspection::<StandardClaims>::builder(&endpoint, fetch());
        builder.client(client(secret)).audience(audience).issuer(&provider.issuer).build().unwrap()
    };
    let opaque = provider.token(OPAQUE_API, "orders:read").await;
    assert_eq!(opaque.matches('.').count(), 0);

    let asked = introspection("api-secret", OPAQUE_API);
    let service = Service::with(asked.clone());
    assert_eq!(service.call(&opaque).await, StatusCode::OK);
    assert_eq!(service.call("made-up").await, StatusCode::UNAUTHORIZED);
    let elsewhere = Service::with(introspection("api-secret", "https://other.example"));
    assert_eq!(elsewhere.call(&opaque).await, StatusCode::UNAUTHORIZED);
    // it is our own secret that is wrong, not the client's token
    Service::with(introspection("not-the-secret", OPAQUE_API)).unavailable(&opaque).await;

    let keys = RemoteKeys::discover(&provider.issuer).fetch(fetch()).eager().await.unwrap();
    let signed = Verifier::<StandardClaims>::builder().keys(keys).issuer(&provider.issuer);
    let signed = signed.audience(API).access_token_profile().build().unwrap();
    let both = Service::with(JwtOrOpaque::new(signed, asked.clone()));
    assert_eq!(both.call(&opaque).await, StatusCode::OK);
    assert_eq!(both.call(&provider.token(API, "orders:read").await).await, StatusCode::OK);

    // taken back at the provider, it is found out once it is forgotten here
    provider.revoke(&opaque).await;
    asked.forget(&BearerToken::parse(&opaque).unwrap());
    assert_eq!(service.call(&opaque).await, StatusCode::UNAUTHORIZED);
    assert_eq!(both.call(&opaque).await, StatusCode::UNAUTHORIZED);
}
