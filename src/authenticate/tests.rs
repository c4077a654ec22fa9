use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use http::Request;

use super::*;
use crate::claims::StandardClaims;
use crate::clock::UnixTime;
use crate::credentials::{AuthorizationHeader, BearerToken, Cookie, Sources, TokenOrigin};
use crate::head::RequestHead;
use crate::rejection::{Rejection, RejectionKind};
use crate::revocation::{
    MemoryStore, Revocation, RevocationStatus, StoreError, check_async_fn, check_fn,
};
use crate::testing::TestIssuer;
use crate::verify::{TokenCache, Verifier};

type Seen = Arc<Mutex<Vec<(Decision, Option<RejectionKind>, Option<String>)>>>;

fn issuer() -> TestIssuer {
    TestIssuer::new()
}

fn verifier(issuer: &TestIssuer) -> Verifier<StandardClaims> {
    issuer.verifier().build().unwrap()
}

fn seen<V: crate::verify::TokenVerifier, R>(
    auth: Authenticator<V, R>,
) -> (Authenticator<V, R>, Seen) {
    let seen = Seen::default();
    let told = Arc::clone(&seen);
    let auth = auth.observer(move |event| {
        let realm = event.realm.map(str::to_owned);
        told.lock().unwrap().push((event.outcome, event.kind, realm));
    });
    (auth, seen)
}

fn kind<T>(result: Result<T, Rejection>) -> RejectionKind {
    result.err().unwrap().kind()
}

#[test]
fn a_token_alone_goes_through_every_check_and_to_the_observer() {
    let issuer = issuer();
    let store = MemoryStore::new();
    store.revoke_now(&Revocation::token("gone", UnixTime::MAX)).unwrap();
    let (auth, seen) = seen(Authenticator::new(verifier(&issuer)).revocation(store));
    let ask = |token: &str| auth.claims(token).now_or_never().unwrap();

    let good = issuer.token().subject("alice").token_id("1").sign();
    let user = ask(&good).unwrap();
    assert_eq!(user.sub.as_deref(), Some("alice"));
    assert_eq!(user.token().origin(), TokenOrigin::Other);
    assert_eq!(user.token().expose_secret(), good);
    let token = issuer.token().token_id("1");
    for (token, expected) in [
        (issuer.token().token_id("gone").sign(), RejectionKind::Revoked),
        (issuer.token().without("jti").sign(), RejectionKind::MissingIdentifier),
        (token.clone().expired().sign(), RejectionKind::Expired),
        (token.clone().claim("aud", "another").sign(), RejectionKind::WrongAudience),
        (self::issuer().token().token_id("1").sign(), RejectionKind::InvalidSignature),
        ("a.b.c".to_owned(), RejectionKind::MalformedToken),
        (format!("Bearer {good}"), RejectionKind::InvalidRequest),
        (String::new(), RejectionKind::InvalidRequest),
    ] {
        assert_eq!(kind(ask(&token)), expected, "{token}");
        let last = seen.lock().unwrap().pop().unwrap();
        assert_eq!(last, (Decision::Rejected, Some(expected), None));
    }
    assert_eq!(*seen.lock().unwrap(), [(Decision::Accepted, None, None)]);

    // A token of any size, where the caller says so.
    let long = issuer.token().token_id("1").claim("x", "y".repeat(20_000)).sign();
    assert_eq!(kind(ask(&long)), RejectionKind::InvalidRequest);
    let parsed = BearerToken::parse_up_to(&long, 100_000).unwrap();
    assert!(auth.claims(parsed).now_or_never().unwrap().is_ok());
}

#[test]
fn a_token_alone_waits_for_the_store_and_fails_closed() {
    let issuer = issuer();
    let token = issuer.token().token_id("1").sign();
    let (release, released) = futures_channel();
    let check = check_async_fn(move |_| {
        let released = released.clone();
        async move {
            released.await;
            Err(StoreError::unavailable("refused"))
        }
    });
    let auth = Authenticator::new(verifier(&issuer)).revocation(check);
    let open = auth.clone().dangerous().accept_when_revocation_is_unavailable();
    let mut closed = Box::pin(auth.claims(&token));
    assert!(closed.as_mut().now_or_never().is_none(), "it waits");
    release.store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(kind(closed.now_or_never().unwrap()), RejectionKind::RevocationUnavailable);
    assert!(open.claims(&token).now_or_never().unwrap().is_ok());
}

/// A future that is ready once the flag is set, if it is polled again.
fn futures_channel() -> (Arc<std::sync::atomic::AtomicBool>, Released) {
    let flag = Arc::<std::sync::atomic::AtomicBool>::default();
    (Arc::clone(&flag), Released(flag))
}

#[derive(Clone)]
struct Released(Arc<std::sync::atomic::AtomicBool>);

impl Future for Released {
    type Output = ();

    fn poll(self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<()> {
        if self.0.load(std::sync::atomic::Ordering::SeqCst) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    }
}

#[test]
fn a_head_is_judged_as_the_mode_says() {
    let issuer = issuer();
    let auth = Authenticator::new(verifier(&issuer));
    let with = |token: &str| {
        let request = Request::get("/").header("authorization", format!("Bearer {token}"));
        request.body(()).unwrap().into_parts().0
    };
    let (good, bad) = (with(&issuer.token().subject("alice").sign()), with("a.b.c"));
    let none = Request::new(()).into_parts().0;
    let preflight = Request::options("/")
        .header("origin", "https://app.test")
        .header("access-control-request-method", "GET")
        .body(())
        .unwrap()
        .into_parts()
        .0;
    for mode in [Mode::Required, Mode::Optional, Mode::Inspect] {
        let auth = auth.clone().mode(mode).let_preflights_pass();
        let ask = |parts| auth.authenticate(parts).now_or_never().unwrap();
        assert_eq!(ask(&good).unwrap().unwrap().sub.as_deref(), Some("alice"));
        assert_eq!(kind(ask(&bad)), RejectionKind::MalformedToken, "{mode:?}");
        for parts in [&none, &preflight] {
            match mode {
                Mode::Required => assert_eq!(kind(ask(parts)), RejectionKind::MissingToken),
                _ => assert!(ask(parts).unwrap().is_none(), "{mode:?}"),
            }
        }
        let empty = auth.authenticate(RequestHead::empty()).now_or_never().unwrap();
        assert_eq!(empty.is_err(), mode == Mode::Required);
    }
}

#[test]
fn claims_know_where_their_own_request_had_the_token() {
    let issuer = issuer();
    let verifier = issuer.verifier::<StandardClaims>().build().unwrap().cache(TokenCache::new());
    let sources = Sources::new().and(AuthorizationHeader::new()).and(Cookie::named("t"));
    let auth = Authenticator::new(verifier).source(sources);
    let token = issuer.token().sign();
    for (name, value, origin) in [
        ("authorization", format!("Bearer {token}"), TokenOrigin::Authorization),
        ("cookie", format!("t={token}"), TokenOrigin::Cookie),
        ("authorization", format!("Bearer {token}"), TokenOrigin::Authorization),
    ] {
        let request = Request::get("/").header(name, value).body(()).unwrap();
        let claims = auth.authenticate(&request).now_or_never().unwrap().unwrap().unwrap();
        assert_eq!(claims.token().origin(), origin);
        assert_eq!(claims.principal().token().origin(), origin);
        assert_eq!(claims.principal().registered().issuer(), Some(TestIssuer::ISSUER));
    }
    let alone = auth.claims(&token).now_or_never().unwrap().unwrap();
    assert_eq!(alone.token().origin(), TokenOrigin::Other);
}

#[test]
fn the_boxed_form_is_one_type_and_answers_alike() {
    let issuer = issuer();
    let revoke = check_fn(|token| RevocationStatus::revoked_if(token.token_id() == Some("gone")));
    let plain = Authenticator::new(verifier(&issuer)).mode(Mode::Optional);
    let auths: [DynAuthenticator<StandardClaims>; 3] = [
        plain.clone().boxed(),
        plain.clone().revocation(revoke).boxed(),
        plain.boxed().revocation(MemoryStore::new()).boxed(),
    ];
    for (auth, gone) in auths.iter().zip([true, false, true]) {
        let token = issuer.token().token_id("gone").sign();
        assert_eq!(auth.claims(&token).now_or_never().unwrap().is_ok(), gone);
        let anonymous = auth.authenticate(&Request::new(())).now_or_never().unwrap();
        assert!(anonymous.unwrap().is_none(), "the settings are kept");
        assert_eq!(
            kind(auth.claims("a.b.c").now_or_never().unwrap()),
            RejectionKind::MalformedToken
        );
    }
}

#[cfg(feature = "tracing")]
mod logged {
    use super::super::log::logged;
    use super::*;

    #[test]
    fn a_setting_that_does_not_fit_is_seen_at_info() {
        let issuer = issuer();
        let auth = Authenticator::new(verifier(&issuer)).revocation(MemoryStore::new());
        let text = logged(|| {
            for _ in 0..100 {
                let token = issuer.token().without("jti").sign();
                let _ = auth.claims(&token).now_or_never();
                let token = issuer.token().token_id("1").claim("aud", "another").sign();
                let _ = auth.claims(&token).now_or_never();
                let _ = auth.claims("a.b.c").now_or_never();
            }
        });
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.contains("kind=missing_identifier") && text.contains("jti"), "{text}");
        assert!(text.contains("kind=wrong_audience"), "{text}");
    }

    #[test]
    fn an_outage_is_no_flood_even_where_tokens_pass() {
        let issuer = issuer();
        let check = check_async_fn(|_| async { Err(StoreError::unavailable("refused by db-3")) });
        let closed = Authenticator::new(verifier(&issuer)).revocation(check);
        let open = closed.clone().dangerous().accept_when_revocation_is_unavailable();
        let token = issuer.token().token_id("1").sign();
        let text = logged(|| {
            for _ in 0..100 {
                let _ = closed.claims(&token).now_or_never();
                let _ = open.claims(&token).now_or_never();
            }
        });
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.contains("request rejected") && text.contains("refused by db-3"), "{text}");
        assert!(text.contains("accepted without a revocation check"), "{text}");
    }

    #[test]
    fn a_token_that_is_ignored_is_not_said_to_be_rejected() {
        let issuer = issuer();
        let auth = Authenticator::new(verifier(&issuer)).mode(Mode::Inspect);
        let token = issuer.token().claim("aud", "another").sign();
        let request = Request::get("/").header("authorization", format!("Bearer {token}"));
        let request = request.body(()).unwrap();
        let text = logged(|| {
            let _ = auth.authenticate(&request).now_or_never();
        });
        assert!(text.contains("token ignored") && !text.contains("request rejected"), "{text}");
    }
}
