//! A Redis that speaks TLS only.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use redis::{Client, TlsCertificates};
use tower_bearer::redis_store::OnStale;
use tower_bearer::revocation::StoreErrorKind;

use super::*;

/// Someone who signs certificates, and the certificate to know them by.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A server whose certificate is for this name.
    fn server(&self, name: &str) -> Option<RedisServer> {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        RedisServer::start_tls(&certificate.pem(), &key.serialize_pem())
    }

    /// A store that trusts nobody else.
    fn store(&self, url: &str) -> RedisStore {
        let root_cert = Some(self.pem.clone().into_bytes());
        let client =
            Client::build_with_tls(url, TlsCertificates { client_tls: None, root_cert }).unwrap();
        RedisStore::with_client(client).timeout(Duration::from_secs(2)).build().unwrap()
    }
}

#[tokio::test]
async fn store_and_replica_work_with_an_authority_of_ones_own() {
    let authority = Authority::new();
    let Some(mut server) = authority.server("127.0.0.1") else { return };
    let store = authority.store(&server.url());
    store.ping().await.unwrap();
    store.revoke(&revocation("a")).await.unwrap();
    let replica = Replica::builder(authority.store(&server.url())).build().unwrap();
    within(Duration::from_secs(20), replica.ready()).await;
    assert!(is_revoked(&replica, "a").await);
    store.revoke(&revocation("b")).await.unwrap();
    eventually("the replica knows", async || is_revoked(&replica, "b").await).await;
    #[cfg(feature = "issuer")]
    {
        use super::issued::session::{begin, refresh, sessions, text};
        let tokens = sessions(replica.clone(), 0);
        let grant = begin(&tokens, "ada").await;
        let grant = refresh(&tokens, text(&grant)).await.unwrap();
        assert!(tokens.end_by_token(text(&grant)).await.unwrap().was_live());
    }
    server.kill();
    assert!(within(BOUND * 3, store.status(&token("a"))).await.is_err());
    server.restart();
    eventually("it is back", async || store.ping().await.is_ok()).await;
    eventually("it was written back", async || is_revoked(&store, "a").await).await;
}

#[tokio::test]
async fn whoever_cannot_prove_who_they_are_is_an_error_in_time() {
    let authority = Authority::new();
    let Some(server) = authority.server("127.0.0.1") else { return };
    let Some(elsewhere) = authority.server("redis.example.com") else { return };
    let plain = server.url().replace("rediss://", "redis://");
    let stranger = Authority::new();
    let no_tls = "no TLS";
    let cases = [
        ("an authority that the system does not know", store(&server)),
        ("another authority", stranger.store(&server.url())),
        ("another name", authority.store(&elsewhere.url())),
        (no_tls, RedisStore::builder(&plain).unwrap().timeout(TIMEOUT).build().unwrap()),
    ];
    for (what, store) in cases {
        for _ in 0..3 {
            let error = within(BOUND * 3, store.status(&token("a"))).await.unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{what}");
            let refused = within(BOUND * 3, store.revoke(&revocation("a"))).await.unwrap_err();
            assert_eq!(refused.kind(), StoreErrorKind::Unavailable, "{what}");
        }
        let replica = Replica::builder(store).on_stale(OnStale::FailClosed).build().unwrap();
        eventually("it says so", async || replica.health().last_error.is_some()).await;
        let health = replica.health();
        let error = health.last_error.clone().unwrap_or_default();
        assert_eq!(error.contains("certificate"), what != no_tls, "{what}: {error}");
        assert!(!health.connected && health.loads == 0, "{what}: {health:?}");
        assert!(ask(&replica, "a").await.is_err(), "{what}");
    }
}
