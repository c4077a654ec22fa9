//! huskarl-resource-server: a validator without a layer of its own, over RustCrypto. The layer here
//! does what its guide says a service has to.

use std::sync::Arc;

use ::axum::body::Body;
use http::{Request, Response, StatusCode};
use huskarl_crypto_native::symmetric::SymmetricKey;
use huskarl_reqwest::ReqwestClient;
use huskarl_resource_server::core::crypto::verifier::{
    JwsVerifier, JwsVerifierFactory, JwsVerifierPlatform,
};
use huskarl_resource_server::core::jwk::{OctKey, SymmetricJwk};
use huskarl_resource_server::core::platform::MaybeSendBoxFuture;
use huskarl_resource_server::core::{EndpointUrl, Error};
use huskarl_resource_server::validator::custom::CustomValidator;
use huskarl_resource_server::validator::metadata::ValidatorMetadata;
use serde::Deserialize;
use tower::Service;

use super::{Contender, Subject, now};
use crate::inner::Inner;
use crate::setup::{AUDIENCE, ISSUER, Setup};

pub(crate) const HUSKARL: Contender = Contender {
    name: "huskarl-resource-server (RustCrypto)",
    package: "huskarl-resource-server",
    build,
    notes: &[
        "has no layer of its own; called as its guide says, and with HS256 it knows one key instead \
         of three",
    ],
    ..Contender::DEFAULT
};

/// The registered claims it hands over besides.
#[derive(Debug, Clone, Deserialize)]
#[allow(dead_code, reason = "read from the token, as a service would")]
struct Rest {
    scope: String,
    roles: Vec<String>,
    tenant: String,
}

/// What the handler finds in the request.
#[derive(Clone)]
#[allow(dead_code, reason = "read from the token, as a service would")]
struct User {
    sub: Option<String>,
    rest: Rest,
}

fn build(setup: &Setup) -> Result<Box<dyn Subject>, &'static str> {
    let builder = CustomValidator::builder().with_claims::<Rest>().iss(ISSUER).aud(AUDIENCE);
    let validator = if let Some(secret) = setup.secret {
        let builder = builder.jws_verifier_factory(OneKey::new(setup.kid(), secret));
        setup.runtime.block_on(builder.build())
    } else {
        setup.runtime.block_on(async {
            let client = ReqwestClient::builder().build().await.expect("a client");
            let url: EndpointUrl = setup.jwks_url.parse().expect("a URL");
            builder.jwks_uri(url).jwks_source(client).build().await
        })
    };
    let validator = validator.expect("a validator");
    let metadata = validator.validator_metadata(None);
    let inner = Inner::new(|extensions| extensions.get::<User>()?.sub.as_deref());
    Ok(Box::new(Guarded { shared: Arc::new((validator, metadata)), inner }))
}

/// A key source of one secret.
struct OneKey(Arc<dyn JwsVerifier>);

impl OneKey {
    fn new(kid: &str, secret: [u8; 32]) -> Self {
        let key = OctKey::builder().k(secret.to_vec()).build();
        let jwk = SymmetricJwk::builder().key(key).algorithm("HS256").kid(kid).build();
        Self(Arc::new(SymmetricKey::from_jwk(jwk).expect("the secret")))
    }
}

impl JwsVerifierFactory for OneKey {
    fn build(
        &self,
        _: Option<&EndpointUrl>,
        _: Arc<dyn JwsVerifierPlatform>,
    ) -> MaybeSendBoxFuture<'static, Result<Arc<dyn JwsVerifier>, Error>> {
        let key = Arc::clone(&self.0);
        Box::pin(async move { Ok(key) })
    }
}

#[derive(Clone)]
struct Guarded {
    shared: Arc<(CustomValidator<Rest>, ValidatorMetadata)>,
    inner: Inner,
}

impl Subject for Guarded {
    fn call(&mut self, mut request: Request<Body>) -> StatusCode {
        let (validator, metadata) = &*self.shared;
        let result = now(validator.validate_request(
            request.headers(),
            request.method(),
            request.uri(),
            None,
        ));
        if let Some(rejection) = result.rejection(metadata, None) {
            let response = rejection.apply(Response::builder()).body(Body::default());
            return response.expect("a rejection").status();
        }
        if let Ok(Some(token)) = result.outcome {
            request.extensions_mut().insert(User { sub: token.sub, rest: token.claims });
        }
        now(self.inner.call(request)).map_or_else(|never| match never {}, |answer| answer.status())
    }

    fn share(&self) -> Box<dyn Subject> {
        Box::new(self.clone())
    }
}
