//! A service behind the layer, with remote keys.

use std::convert::Infallible;

use http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Request, Response, StatusCode};
use tower::util::BoxCloneSyncService;
use tower::{Layer, ServiceExt, service_fn};
use tower_bearer::AuthLayer;
use tower_bearer::claims::StandardClaims;
use tower_bearer::key::IntoKeySource;
use tower_bearer::layer::ResponseBody;
use tower_bearer::testing::TestIssuer;
use tower_bearer::verify::{TokenVerifier, Verifier};

type Body = String;

#[derive(Clone)]
pub struct Service(BoxCloneSyncService<Request<Body>, Response<ResponseBody<Body>>, Infallible>);

impl Service {
    pub fn new<K: IntoKeySource + Clone>(keys: &K, issuer: &str) -> Self {
        let builder = Verifier::<StandardClaims>::builder().keys(keys.clone());
        Self::with(builder.issuer(issuer).audience(TestIssuer::AUDIENCE).build().unwrap())
    }

    pub fn with<V: TokenVerifier>(verifier: V) -> Self
    where
        V::Claims: Send + Sync,
    {
        let handler = service_fn(|_: Request<Body>| async {
            Ok::<_, Infallible>(Response::new(Body::new()))
        });
        Self(BoxCloneSyncService::new(AuthLayer::new(verifier).layer(handler)))
    }

    pub async fn call(&self, token: &str) -> StatusCode {
        self.response(token).await.status()
    }

    pub async fn response(&self, token: &str) -> Response<ResponseBody<Body>> {
        let request = Request::builder().header(AUTHORIZATION, format!("Bearer {token}"));
        self.0.clone().oneshot(request.body(Body::new()).unwrap()).await.unwrap()
    }

    /// Answered with 503 as an outage is: with `Retry-After` in seconds, without a challenge.
    pub async fn unavailable(&self, token: &str) -> u64 {
        let response = self.response(token).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(!response.headers().contains_key(WWW_AUTHENTICATE));
        let seconds = response.headers().get(RETRY_AFTER).expect("Retry-After");
        seconds.to_str().unwrap().parse().unwrap()
    }
}
