//! Links, codes and handovers that are redeemed once.

use std::time::Duration;

use serde_json::{Value, json};
use tower_bearer::clock::{Clock, UnixTime};
use tower_bearer::issuer::session::MemorySessionStore;
use tower_bearer::issuer::single_use::{
    Handover, HandoverNonce, SingleUse, SingleUseError, SingleUseErrorKind,
};
use tower_bearer::issuer::{Issuer, SigningKeys};
use tower_bearer::key::Algorithm;
use tower_bearer::store::MemoryOnce;
use tower_bearer::testing::FakeClock;

const MINUTES: Duration = Duration::from_secs(15 * 60);

fn links(clock: &FakeClock) -> SingleUse {
    let store = MemorySessionStore::builder().clock(clock.clone()).build();
    SingleUse::new("https://id.test", store).clock(clock.clone())
}

fn clock() -> FakeClock {
    FakeClock::at(UnixTime::from_secs(1_700_000_000))
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, SingleUseError>, kind: SingleUseErrorKind) {
    assert_eq!(result.unwrap_err().kind(), kind);
}

#[tokio::test]
async fn a_newer_link_replaces_the_older_and_the_password_change_all() {
    let clock = clock();
    let links = links(&clock);
    let (ada, bob) = (links.group("ada"), links.group("bob"));
    let old = ada.mint("reset", "ada", MINUTES).await.unwrap();
    let other = ada.mint("sign-in", "ada", MINUTES).await.unwrap();
    let bobs = bob.mint("reset", "bob", MINUTES).await.unwrap();
    clock.advance(Duration::from_secs(1));
    let new = ada.mint("reset", "ada", MINUTES).await.unwrap();
    let redeem = async |purpose, token: &str| links.redeem::<String>(purpose, token).await;
    refused(redeem("reset", old.expose_secret()).await, SingleUseErrorKind::Rejected);
    assert_eq!(redeem("reset", new.expose_secret()).await.unwrap(), "ada");
    let code = ada.mint_code("confirm", "ada", MINUTES).await.unwrap();
    ada.revoke().await.unwrap();
    refused(redeem("sign-in", other.expose_secret()).await, SingleUseErrorKind::Rejected);
    let typed = ada.redeem_code::<String>("confirm", code.expose_secret()).await;
    refused(typed, SingleUseErrorKind::Rejected);
    assert_eq!(redeem("reset", bobs.expose_secret()).await.unwrap(), "bob");
}

#[tokio::test]
async fn as_many_links_count_as_were_allowed() {
    let clock = clock();
    let links = links(&clock).most(2);
    let mut minted = Vec::new();
    for _ in 0..4 {
        clock.advance(Duration::from_secs(1));
        minted.push(links.group("ada").mint("reset", "ada", MINUTES).await.unwrap());
    }
    for (place, token) in minted.iter().enumerate() {
        let redeemed = links.redeem::<String>("reset", token.expose_secret()).await;
        assert_eq!(redeemed.is_ok(), place >= 2, "{place}");
    }
}

#[tokio::test]
async fn one_address_does_not_fill_the_store() {
    let store = MemorySessionStore::builder().capacity(50).build();
    let links = SingleUse::new("https://id.test", store);
    for _ in 0..500 {
        links.group("victim@example.com").mint("reset", "x", MINUTES).await.unwrap();
    }
    let ada = links.group("ada").mint("reset", "ada", MINUTES).await.unwrap();
    assert_eq!(links.redeem::<String>("reset", ada.expose_secret()).await.unwrap(), "ada");
}

#[tokio::test]
async fn strangers_who_ask_for_links_take_no_room_from_sessions_nor_the_reverse() {
    use tower_bearer::issuer::session::{NewSession, Sessions};

    let store = MemorySessionStore::builder().capacity(20).build();
    let links = SingleUse::new("https://id.test", store.clone());
    let mut taken = Vec::new();
    loop {
        match links.mint("sign-in", "x", MINUTES).await {
            Ok(token) => taken.push(token),
            Err(error) => break assert_eq!(error.kind(), SingleUseErrorKind::Unavailable),
        }
    }
    assert_eq!(taken.len(), 20);
    let keys = SigningKeys::generate(Algorithm::EdDSA).unwrap();
    let issuer = Issuer::builder().keys(keys).issuer("https://id.test").audience("api");
    let sessions = Sessions::builder(issuer.build().unwrap(), store).build().unwrap();
    for number in 0..20 {
        let _ = sessions.begin(NewSession::new(format!("user-{number}"), "web")).await.unwrap();
    }
    let more = sessions.begin(NewSession::new("one too many", "web")).await;
    assert!(more.is_err());
    for token in &taken {
        assert_eq!(links.redeem::<String>("sign-in", token.expose_secret()).await.unwrap(), "x");
    }
    let _ = links.mint("sign-in", "x", MINUTES).await.unwrap();
}

#[tokio::test]
async fn a_code_dies_after_a_few_wrong_tries() {
    let clock = clock();
    let links = links(&clock).attempts(3);
    let ada = links.group("ada");
    let wrong = |code: &str| if code == "000000" { "000001" } else { "000000" };
    let code = ada.mint_code("sign-in", "ada", MINUTES).await.unwrap();
    let code = code.expose_secret();
    assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
    let redeem = async |code: &str| ada.redeem_code::<String>("sign-in", code).await;
    // what is no code at all costs no try
    for odd in ["", "12345", "1234567", "12345é", "      ", "tbo1_"] {
        refused(redeem(odd).await, SingleUseErrorKind::Rejected);
    }
    for _ in 0..2 {
        refused(redeem(wrong(code)).await, SingleUseErrorKind::Rejected);
    }
    let elsewhere = links.group("bob").redeem_code::<String>("sign-in", code).await;
    refused(elsewhere, SingleUseErrorKind::Rejected);
    refused(ada.redeem_code::<String>("other", code).await, SingleUseErrorKind::Rejected);
    assert_eq!(redeem(code).await.unwrap(), "ada");
    refused(redeem(code).await, SingleUseErrorKind::Rejected);

    let code = ada.mint_code("sign-in", "ada", MINUTES).await.unwrap();
    for _ in 0..3 {
        refused(redeem(wrong(code.expose_secret())).await, SingleUseErrorKind::Rejected);
    }
    refused(redeem(code.expose_secret()).await, SingleUseErrorKind::Rejected);
}

#[tokio::test]
async fn issuers_that_share_a_store_know_nothing_of_each_other() {
    let store = MemorySessionStore::new();
    let one = SingleUse::new("https://one.test", store.clone());
    let two = SingleUse::new("https://two.test", store);
    let token = one.group("ada").mint("reset", "ada", MINUTES).await.unwrap();
    let code = one.group("ada").mint_code("sign-in", "ada", MINUTES).await.unwrap();
    let stolen = two.redeem::<String>("reset", token.expose_secret()).await;
    refused(stolen, SingleUseErrorKind::Rejected);
    for _ in 0..10 {
        let typed = two.group("ada").redeem_code::<String>("sign-in", code.expose_secret()).await;
        refused(typed, SingleUseErrorKind::Rejected);
    }
    two.group("ada").mint("reset", "ada", MINUTES).await.unwrap();
    two.group("ada").revoke().await.unwrap();
    assert_eq!(one.redeem::<String>("reset", token.expose_secret()).await.unwrap(), "ada");
    let typed = one.group("ada").redeem_code::<String>("sign-in", code.expose_secret()).await;
    assert_eq!(typed.unwrap(), "ada");
}

#[tokio::test]
async fn what_comes_from_a_request_is_bounded() {
    let links = links(&clock());
    let long = "x".repeat(1025);
    let too_long = SingleUseErrorKind::TooLong;
    refused(links.group(&long).mint("reset", "", MINUTES).await, too_long);
    refused(links.group(&long).mint_code("reset", "", MINUTES).await, too_long);
    refused(links.group(&long).redeem_code::<String>("reset", "123456").await, too_long);
    refused(links.group(&long).revoke().await, too_long);
    refused(links.subject(&long).mint("reset", "", MINUTES).await, too_long);
    let fits = "\u{1}".repeat(1024);
    let largest = "\"".repeat(8 * 1024 - 1);
    let token =
        links.subject(&fits).version(u64::MAX).mint(&fits, &largest, MINUTES).await.unwrap();
    let found = links.redeem::<String>(&fits, token.expose_secret()).await.unwrap();
    assert_eq!(found, largest);
    refused(links.mint(&long, "", MINUTES).await, too_long);
    refused(links.mint("reset", &"x".repeat(16 * 1024 - 1), MINUTES).await, too_long);
    for lifetime in [Duration::ZERO, Duration::from_secs(7 * 86_400 + 1)] {
        refused(links.mint("reset", "", lifetime).await, SingleUseErrorKind::Lifetime);
    }
    let hour = Duration::from_secs(3601);
    let code = links.group("ada").mint_code("reset", "", hour).await;
    refused(code, SingleUseErrorKind::Lifetime);
    let shown = format!("{:?}", links.mint("reset", "", MINUTES).await.unwrap());
    assert!(!shown.contains("tbo1_"), "{shown}");
}

#[tokio::test]
async fn a_handover_is_redeemed_once_by_the_browser_that_asked() {
    let (clock, store) = (clock(), MemoryOnce::new());
    let keys = SigningKeys::generate(Algorithm::EdDSA).unwrap();
    let issuer = Issuer::builder()
        .keys(keys.clone())
        .issuer("https://id.test")
        .audience("api")
        .clock(clock.clone())
        .build()
        .unwrap();
    let redeemer = |audience: &str| {
        let builder = Handover::builder(store.clone()).keys(keys.verification_keys());
        builder.issuer("https://id.test").audience(audience).clock(clock.clone()).build().unwrap()
    };
    let shop = redeemer("shop");
    let nonce = HandoverNonce::generate().unwrap();
    let mint = |nonce: &HandoverNonce| {
        let challenge = nonce.challenge().unwrap();
        issuer.handover("shop", "session", &challenge, &json!({"sub": "ada"})).unwrap()
    };
    let token = mint(&nonce);
    let text = token.expose_secret();
    assert!(!text.contains(nonce.expose_secret()));
    let rejected =
        |result: Result<Value, SingleUseError>| refused(result, SingleUseErrorKind::Rejected);
    rejected(redeemer("blog").redeem("session", text, &nonce).await);
    rejected(shop.redeem("other", text, &nonce).await);
    // a link that somebody else started, or that was stolen
    let victim = HandoverNonce::generate().unwrap();
    rejected(shop.redeem("session", text, &victim).await);
    let access = issuer.access_token("ada").client_id("web").issue().unwrap();
    rejected(shop.redeem("session", access.expose_secret(), &nonce).await);
    let (one, two) = tokio::join!(
        shop.redeem::<Value>("session", text, &nonce),
        shop.redeem::<Value>("session", text, &nonce)
    );
    assert_eq!(one.is_ok(), two.is_err());
    assert_eq!(one.or(two).unwrap(), json!({"sub": "ada"}));
    let late = mint(&nonce);
    clock.advance(Duration::from_secs(15));
    rejected(shop.redeem("session", text, &nonce).await);
    rejected(shop.redeem("session", late.expose_secret(), &nonce).await);
    assert!(!format!("{late:?}").contains(late.expose_secret()));
    assert!(late.expires_at() < clock.now());
}
