//! Issuers that come and go at run time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use tower_bearer::claims::StandardClaims;
use tower_bearer::testing::TestIssuer;
use tower_bearer::verify::{Tenants, TokenCache, Verifier};
use tower_bearer_tests::service::Service;

fn tenant(name: &str) -> TestIssuer {
    TestIssuer::new().issuer(format!("https://id.example.com/{name}"))
}

fn verifier(issuer: &TestIssuer) -> Verifier<StandardClaims> {
    issuer.verifier().build().unwrap()
}

#[tokio::test]
async fn tenants_come_and_go() {
    let tenants = Tenants::<StandardClaims>::new();
    let service = Service::with(tenants.clone());
    let (a, b) = (tenant("a"), tenant("b"));
    let (one, two) = (a.token().sign(), b.token().sign());
    assert_eq!(service.call(&one).await, StatusCode::UNAUTHORIZED);
    tenants.insert(verifier(&a)).unwrap();
    assert_eq!(service.call(&one).await, StatusCode::OK);
    assert_eq!(service.call(&two).await, StatusCode::UNAUTHORIZED);
    tenants.insert(verifier(&b)).unwrap();
    assert_eq!(
        (service.call(&one).await, service.call(&two).await),
        (StatusCode::OK, StatusCode::OK)
    );
    // one tenant's key says nothing about the other's tokens
    let crossed = b.token().claim("iss", "https://id.example.com/a").sign();
    assert_eq!(service.call(&crossed).await, StatusCode::UNAUTHORIZED);
    // in place of what it had
    let renewed = tenant("a");
    tenants.insert(verifier(&renewed)).unwrap();
    assert_eq!(service.call(&one).await, StatusCode::UNAUTHORIZED);
    assert_eq!(service.call(&renewed.token().sign()).await, StatusCode::OK);
    assert_eq!(tenants.len(), 2);
    assert!(
        tenants.remove("https://id.example.com/a") && !tenants.remove("https://id.example.com/a")
    );
    assert_eq!(service.call(&renewed.token().sign()).await, StatusCode::UNAUTHORIZED);
    assert_eq!(service.call(&two).await, StatusCode::OK);
    assert!(tenants.remove("https://id.example.com/b") && tenants.is_empty());
    assert_eq!(service.call(&two).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn their_number_is_bounded() {
    let tenants = Tenants::<StandardClaims>::most(2);
    for name in ["a", "b"] {
        tenants.insert(verifier(&tenant(name))).unwrap();
    }
    assert!(tenants.insert(verifier(&tenant("c"))).unwrap_err().to_string().contains("too many"));
    tenants.insert(verifier(&tenant("a"))).unwrap();
    let any = Verifier::builder().keys(tenant("x").key()).any_issuer().any_audience();
    assert!(tenants.insert(any.build().unwrap()).is_err());
    assert_eq!(tenants.len(), 2);
}

#[tokio::test]
async fn a_resolver_sees_only_what_is_allowed_and_only_until_it_answers() {
    let known = tenant("a");
    let (asked, resolved) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let tenants = {
        let (known, asked, resolved) = (known.clone(), Arc::clone(&asked), Arc::clone(&resolved));
        Tenants::<StandardClaims>::resolver(
            1,
            move |issuer| {
                asked.fetch_add(1, Ordering::SeqCst);
                issuer.starts_with("https://id.example.com/")
            },
            move |issuer| {
                resolved.fetch_add(1, Ordering::SeqCst);
                match issuer {
                    "https://id.example.com/a" => Some(verifier(&known)),
                    "https://id.example.com/b" => Some(verifier(&tenant("b"))),
                    _ => None,
                }
            },
        )
    };
    let service = Service::with(tenants.clone());
    let evil = TestIssuer::new().issuer("https://evil.example");
    for _ in 0..3 {
        assert_eq!(service.call(&evil.token().sign()).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!((asked.load(Ordering::SeqCst), resolved.load(Ordering::SeqCst)), (3, 0));
    assert_eq!(service.call(&tenant("nobody").token().sign()).await, StatusCode::UNAUTHORIZED);
    for _ in 0..3 {
        assert_eq!(service.call(&known.token().sign()).await, StatusCode::OK);
    }
    assert_eq!(resolved.load(Ordering::SeqCst), 2);
    // no room: that is not the client's fault
    assert_eq!(service.call(&tenant("b").token().sign()).await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(tenants.len(), 1);
    for odd in ["", "x.y.z", "e30.e30.e30"] {
        assert_ne!(service.call(odd).await, StatusCode::OK);
    }
}

#[test]
fn many_first_tokens_of_an_issuer_resolve_it_once() {
    const THREADS: usize = 16;
    let known = tenant("a");
    let token = known.token().sign();
    let resolved = Arc::new(AtomicUsize::new(0));
    let tenants = {
        let (known, resolved) = (known.clone(), Arc::clone(&resolved));
        Tenants::<StandardClaims>::resolver(
            8,
            |_| true,
            move |_| {
                resolved.fetch_add(1, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(50));
                Some(verifier(&known))
            },
        )
    };
    let barrier = Arc::new(Barrier::new(THREADS));
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (tenants, barrier, token) = (tenants.clone(), Arc::clone(&barrier), token.clone());
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                let service = Service::with(tenants);
                barrier.wait();
                runtime.block_on(service.call(&token))
            })
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), StatusCode::OK);
    }
    assert_eq!(resolved.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_resolver_cannot_replace_another_issuer() {
    let (victim, evil) = (tenant("victim"), tenant("evil"));
    let impostor = tenant("victim");
    let both = {
        let verifiers = [verifier(&evil), verifier(&impostor)];
        Verifier::of_issuers(verifiers).unwrap()
    };
    let answers = Arc::new(std::sync::Mutex::new(vec![both, verifier(&impostor)]));
    let tenants = Tenants::<StandardClaims>::resolver(
        8,
        |_| true,
        move |_| Some(answers.lock().unwrap().pop().unwrap()),
    );
    tenants.insert(verifier(&victim)).unwrap();
    let service = Service::with(tenants.clone());
    // The answer is for another issuer alone, which is refused.
    assert_eq!(service.call(&evil.token().sign()).await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(tenants.len(), 1);
    // And of one for several, only what was asked for is taken.
    assert_eq!(service.call(&evil.token().sign()).await, StatusCode::OK);
    assert_eq!(tenants.len(), 2);
    assert_eq!(service.call(&victim.token().sign()).await, StatusCode::OK);
    assert_eq!(service.call(&impostor.token().sign()).await, StatusCode::UNAUTHORIZED);
}

/// Counts how often claims were read: a token that is remembered is not read again.
#[derive(Deserialize)]
struct Counted {
    #[serde(rename = "iss", deserialize_with = "counted")]
    _iss: String,
}

thread_local! {
    static READ: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

fn counted<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    READ.with(|read| read.set(read.get() + 1));
    String::deserialize(deserializer)
}

async fn reads(service: &Service, token: &str, times: u32, expected: u32) {
    let before = READ.with(std::cell::Cell::get);
    for _ in 0..times {
        assert_eq!(service.call(token).await, StatusCode::OK);
    }
    assert_eq!(READ.with(std::cell::Cell::get) - before, expected);
}

#[tokio::test]
async fn caches_of_several_issuers_are_kept_or_refused() {
    let (a, b) = (tenant("a"), tenant("b"));
    let (one, two) = (a.token().sign(), b.token().sign());
    let plain = |issuer: &TestIssuer| issuer.verifier::<Counted>().build().unwrap();
    let cached = |issuer: &TestIssuer| plain(issuer).cache(TokenCache::new().max_entries(64));

    let all = Service::with(Verifier::of_issuers([cached(&a), cached(&b)]).unwrap());
    reads(&all, &one, 5, 1).await;
    reads(&all, &two, 5, 1).await;
    reads(&all, &one, 5, 0).await;
    let error = Verifier::of_issuers([cached(&a), plain(&b)]).unwrap_err().to_string();
    assert!(error.contains("some of the verifiers have a cache"), "{error}");
    let uncached = Service::with(Verifier::of_issuers([plain(&a), plain(&b)]).unwrap());
    reads(&uncached, &one, 3, 3).await;

    let tenants = Tenants::new();
    assert!(tenants.insert(cached(&a)).unwrap_err().to_string().contains("Tenants::cache"));
    let tenants = tenants.cache(TokenCache::new().max_entries(64));
    let service = Service::with(tenants.clone());
    tenants.insert(cached(&a)).unwrap();
    reads(&service, &one, 5, 1).await;
    // Another issuer that comes changes nothing for this one; one that goes or changes does.
    tenants.insert(plain(&b)).unwrap();
    reads(&service, &one, 5, 0).await;
    reads(&service, &two, 5, 1).await;
    tenants.remove("https://id.example.com/a");
    assert_eq!(service.call(&one).await, StatusCode::UNAUTHORIZED);
    reads(&service, &two, 5, 1).await;
    tenants.insert(plain(&tenant("b"))).unwrap();
    assert_eq!(service.call(&two).await, StatusCode::UNAUTHORIZED);
}
