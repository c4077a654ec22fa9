//! [`Config`]: all that the services made by one [`AuthLayer`](super::AuthLayer) share.

use std::sync::Arc;

use http::HeaderName;

use crate::authenticate::Authenticator;
use crate::respond::{Challenge, Responder};

pub(crate) struct Config<V, R> {
    pub(super) authenticator: Authenticator<V, R>,
    /// The request's header fields that may hold the token.
    pub(super) sensitive: Arc<[HeaderName]>,
    pub(super) challenge: Challenge,
    pub(super) responder: Arc<dyn Responder>,
}

impl<V: Clone, R> Clone for Config<V, R> {
    fn clone(&self) -> Self {
        Self {
            authenticator: self.authenticator.clone(),
            sensitive: Arc::clone(&self.sensitive),
            challenge: self.challenge.clone(),
            responder: Arc::clone(&self.responder),
        }
    }
}
