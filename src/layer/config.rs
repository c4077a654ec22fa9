//! [`Config`]: all that the services made by one [`AuthLayer`](super::AuthLayer) share.

use std::sync::Arc;

use crate::authenticate::Authenticator;
use crate::credentials::is_dpop;
use crate::head::RequestHead;
use crate::rejection::Rejection;
use crate::respond::{Challenge, RequestInfo, Responder};

pub(crate) struct Config<V, R> {
    pub(super) authenticator: Authenticator<V, R>,
    pub(super) challenge: Challenge,
    pub(super) responder: Arc<dyn Responder>,
    /// Whether requests that look like gRPC are answered as such.
    pub(super) speaks_grpc: bool,
}

impl<V, R> Config<V, R> {
    pub(super) fn realm(&self) -> Option<&str> {
        Some(self.challenge.realm_name())
    }

    pub(super) fn info(&self, head: &RequestHead<'_>) -> RequestInfo {
        let info = if self.speaks_grpc { RequestInfo::from(head) } else { RequestInfo::default() };
        match self.authenticator.sender() {
            Some(_) if is_dpop(head) => info.in_dpop(),
            _ => info,
        }
    }

    /// Logs and reports what something behind the layer rejected.
    pub(super) fn denied(&self, rejection: &Rejection) {
        self.authenticator.denied(rejection, self.realm());
    }
}

impl<V, R> Clone for Config<V, R> {
    fn clone(&self) -> Self {
        Self {
            authenticator: self.authenticator.clone(),
            challenge: self.challenge.clone(),
            responder: Arc::clone(&self.responder),
            speaks_grpc: self.speaks_grpc,
        }
    }
}
