//! Two instances over one Redis.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Method;

use super::login_example::Example;
use super::{ADA, BOB, login, post, refresh, refresh_fails};
use tower_bearer_tests::redis_server::RedisServer;

/// A signing key in a file that goes when this is dropped.
pub(crate) struct SigningKey(PathBuf);

pub(crate) fn signing_key() -> SigningKey {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("tower-bearer-login-{}-{number}.pem", std::process::id());
    let path = std::env::temp_dir().join(name);
    fs::write(&path, pair.serialize_pem()).unwrap();
    SigningKey(path)
}

impl SigningKey {
    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for SigningKey {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn two_instances_share_sessions_and_revocations() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let (key, redis) = (signing_key(), server.url());
    // long-lived tokens: what is rejected here has not just expired
    let settings =
        [("STORE", &*redis), ("SIGNING_KEY_FILE", key.path()), ("ACCESS_SECONDS", "600")];
    let (a, b) = (Example::start(&settings), Example::start(&settings));

    // signed in on A, used and refreshed on B
    let ada = login(&a, ADA).await;
    assert_eq!((ada.get(&a, "/me").await, ada.get(&b, "/me").await), (200, 200));
    let next = refresh(&b, &ada).await;
    let next = refresh(&a, &next).await;
    assert_eq!((next.get(&a, "/me").await, next.get(&b, "/me").await), (200, 200));
    let elsewhere = login(&b, ADA).await;
    let bob = login(&a, BOB).await;
    assert_eq!(elsewhere.sessions(&a).await.len(), 2);

    // ended on A
    let path = format!("/sessions/{}", next.id(&b).await);
    assert_eq!(elsewhere.send(&a, Method::DELETE, &path).await.status(), 204);
    assert_eq!(next.get(&a, "/me").await, 401);
    let late = next.rejected(&b).await;
    assert!(late < Duration::from_secs(2), "B accepted it for {late:?}");
    refresh_fails(&b, &next).await;

    // B is replaced by one that has seen nothing of all this
    drop(b);
    let b = Example::start(&settings);
    for token in [&ada, &next] {
        assert_eq!(token.get(&b, "/me").await, 401);
        refresh_fails(&b, token).await;
    }
    // one of the two was spent long before: reuse is noticed after the end, too
    b.has_logged("STOLEN", 1);
    assert_eq!((elsewhere.get(&b, "/me").await, bob.get(&b, "/me").await), (200, 200));
    let elsewhere = refresh(&b, &elsewhere).await;

    // a stolen token, refreshed on one and replayed on the other
    let stolen = login(&a, ADA).await;
    let owner = refresh(&b, &refresh(&a, &stolen).await).await;
    refresh_fails(&a, &stolen).await;
    assert!(owner.rejected(&b).await < Duration::from_secs(2));
    refresh_fails(&b, &owner).await;
    a.has_logged("STOLEN", 1);
    b.has_logged("STOLEN", 1);

    // out everywhere, by B
    let bye = elsewhere.send(&b, Method::POST, "/logout-everywhere").await;
    assert_eq!(bye.status(), 204);
    assert!(elsewhere.rejected(&a).await < Duration::from_secs(2));
    refresh_fails(&a, &elsewhere).await;
    assert_eq!(post(&b, "/logout", &bob.cookie).await.status(), 204);
    assert!(bob.rejected(&a).await < Duration::from_secs(2));
}
