//! Issuers that come and go at run time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::StatusCode;
use tower_bearer::claims::StandardClaims;
use tower_bearer::testing::TestIssuer;
use tower_bearer::verify::{Tenants, Verifier};
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
