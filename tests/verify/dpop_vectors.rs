//! The proofs that RFC 9449 prints, checked at the moment and for the requests that it has them for.

use std::convert::Infallible;

use futures_util::FutureExt;
use http::{Request, Response};
use serde_json::{Value, json};
use tower::{Layer, ServiceExt, service_fn};
use tower_bearer::bound::Dpop;
use tower_bearer::clock::UnixTime;
use tower_bearer::credentials::BearerToken;
use tower_bearer::head::RequestHead;
use tower_bearer::step::Step;
use tower_bearer::testing::FakeClock;
use tower_bearer::verify::{TokenVerifier, Verified};
use tower_bearer::{AuthLayer, Rejection, RejectionKind, StandardClaims};

use super::vectors::{folder, read};

type Answer = Result<Verified<StandardClaims>, Rejection>;

/// Vouches for the RFC's opaque token, which is bound to this key.
#[derive(Clone)]
struct OfTheRfc(String, UnixTime);

impl TokenVerifier for OfTheRfc {
    type Claims = StandardClaims;
    type Future = std::future::Ready<Answer>;

    fn verify(&self, token: BearerToken, _: &RequestHead<'_>) -> Step<Answer, Self::Future> {
        let claims = json!({"cnf": {"jkt": self.0}}).to_string();
        Step::Now(Verified::dangerous_vouched(token, claims, self.1))
    }
}

#[test]
fn rfc9449_the_proofs_it_prints() {
    let Some(folder) = folder("rfc9449-dpop") else { return };
    let vectors = read(&folder, "dpop_proofs.json");
    let token = vectors["access_token"].as_str().unwrap();
    let mut checked = 0;
    for vector in vectors["proofs"].as_array().unwrap() {
        let text = |of: &Value| of.as_str().unwrap().to_owned();
        let (proof, claims) = (text(&vector["proof"]), &vector["claims"]);
        let (method, htu, jkt) = (text(&claims["htm"]), text(&claims["htu"]), text(&vector["jkt"]));
        let at = UnixTime::from_secs(claims["iat"].as_u64().unwrap());
        let (origin, path) = htu.split_at(htu.rfind('/').unwrap());
        let dpop = || Dpop::builder(origin).clock(FakeClock::at(at)).build().unwrap();
        let request = |path: &str| {
            let request = Request::builder().method(&*method).uri(path).header("dpop", &proof);
            request.header("authorization", format!("DPoP {token}")).body(String::new()).unwrap()
        };
        // As at a token endpoint.
        let prove = |dpop: &Dpop, path| dpop.proven_key(&request(path)).now_or_never().unwrap();
        assert_eq!(prove(&dpop(), path).unwrap().unwrap().thumbprint(), jkt);
        assert!(prove(&dpop(), "/elsewhere").is_err());
        // And at a resource, where it needs the hash of the token.
        let layer = AuthLayer::new(OfTheRfc(jkt, at)).dpop(dpop());
        let inner = service_fn(|_| async { Ok::<_, Infallible>(Response::new(String::new())) });
        let response = layer.layer(inner).oneshot(request(path)).now_or_never().unwrap().unwrap();
        let kind = response.extensions().get::<Rejection>().map(Rejection::kind);
        let expected = claims.get("ath").is_none().then_some(RejectionKind::InvalidDpopProof);
        assert_eq!(kind, expected, "{claims}");
        checked += 1;
    }
    assert_eq!(checked, 3);
}
