//! [`Sessions::layer`]: what stands before the services, told nothing twice.

use serde::de::DeserializeOwned;

use super::boxed::BoxSessionStore;
use super::sessions::Sessions;
use crate::layer::AuthLayer;
use crate::revocation::StoreCheck;
use crate::verify::{BuildError, Verifier};

impl Sessions {
    /// The layer for services in this process: it verifies the access tokens of these sessions
    /// ([`Issuer::verifier`](crate::issuer::Issuer::verifier)) and asks their store for revocations, so
    /// that no logout is forgotten.
    ///
    /// # Errors
    /// If a name of the issuer cannot be meant.
    pub fn layer<C>(
        &self,
    ) -> Result<AuthLayer<Verifier<C>, StoreCheck<BoxSessionStore>>, BuildError>
    where
        C: DeserializeOwned + Send + Sync + 'static,
    {
        let verifier = self.0.issuer.verifier::<C>().build()?;
        Ok(AuthLayer::new(verifier).revocation(self.0.store.clone()))
    }
}

#[cfg(all(test, any(feature = "aws-lc-rs", feature = "rust-crypto")))]
mod tests {
    use std::convert::Infallible;

    use http::{Request, Response};
    use tower::{ServiceBuilder, ServiceExt, service_fn};

    use super::super::memory::MemorySessionStore;
    use super::super::request::NewSession;
    use super::*;
    use crate::claims::StandardClaims;
    use crate::issuer::{Issuer, SigningKeys};
    use crate::key::Algorithm;

    #[tokio::test]
    async fn it_knows_of_the_logout_without_being_told() {
        let keys = SigningKeys::generate(Algorithm::EdDSA).unwrap();
        let builder = Issuer::builder().keys(keys).issuer("https://id.test").audience("api");
        let issuer = builder.audience("second").build().unwrap();
        let sessions = Sessions::builder(issuer, MemorySessionStore::new()).build().unwrap();
        let inner = service_fn(async |_: Request<String>| {
            Ok::<_, Infallible>(Response::new(String::new()))
        });
        let layer = sessions.layer::<StandardClaims>().unwrap();
        let stack = ServiceBuilder::new().layer(layer).service(inner);
        let login = sessions.begin(NewSession::new("ada", "web")).await.unwrap();
        let token = login.access_token().issue().unwrap();
        let status = async || {
            let bearer = format!("Bearer {}", token.expose_secret());
            let request = Request::get("/").header("authorization", bearer).body(String::new());
            stack.clone().oneshot(request.unwrap()).await.unwrap().status()
        };
        assert_eq!(status().await, 200);
        let _ = sessions.end_by_token(login.refresh_token().expose_secret()).await.unwrap();
        assert_eq!(status().await, 401);
    }
}
