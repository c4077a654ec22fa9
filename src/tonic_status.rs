//! [`Rejection`] as the status that a tonic handler or interceptor returns (feature `tonic`).

use std::sync::Arc;

use http::HeaderMap;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

use crate::rejection::Rejection;
use crate::respond::Challenge;

/// The code and the fixed text of its kind; `www-authenticate` in the metadata, with the scopes that
/// are missing.
///
/// The rejection itself is the status's source. The [`AuthLayer`](crate::layer::AuthLayer) around the
/// service finds it there, so its observer and log see the denial, and the challenge has its realm. A
/// status in the midst of a stream goes out as it is.
///
/// ```
/// use tonic::{Request, Response, Status};
/// use tower_bearer::guard::scope;
/// use tower_bearer::{Claims, StandardClaims};
///
/// async fn shout(request: Request<String>) -> Result<Response<String>, Status> {
///     let user = Claims::<StandardClaims>::require_from(request.extensions())?;
///     user.require(scope("greet:loudly"))?;
///     Ok(Response::new(request.get_ref().to_uppercase()))
/// }
/// ```
impl From<Rejection> for Status {
    fn from(rejection: Rejection) -> Self {
        let kind = rejection.kind();
        let mut headers = HeaderMap::new();
        Challenge::default().write(&rejection, &mut headers);
        let code = Code::from_i32(i32::from(kind.grpc_status()));
        let metadata = MetadataMap::from_headers(headers);
        let mut status = Self::with_metadata(code, kind.description(), metadata);
        status.set_source(Arc::new(rejection));
        status
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;
    use crate::rejection::RejectionKind;

    #[test]
    fn a_status_has_code_text_challenge_and_the_rejection() {
        let rejection = Rejection::from(RejectionKind::InsufficientScope)
            .with_scope("greet:loudly")
            .with_source("for the operator");
        let status = Status::from(rejection);
        assert_eq!(status.code(), Code::PermissionDenied);
        assert_eq!(status.message(), "The access token lacks a required scope");
        let challenge = status.metadata().get("www-authenticate").unwrap().to_str().unwrap();
        assert!(challenge.contains(r#"error="insufficient_scope""#), "{challenge}");
        assert!(challenge.contains(r#"scope="greet:loudly""#), "{challenge}");
        let source = status.source().unwrap().downcast_ref::<Rejection>().unwrap();
        assert_eq!(source.kind(), RejectionKind::InsufficientScope);
        let sent = format!("{:?}", status.into_http::<()>().headers());
        assert!(!sent.contains("for the operator"), "{sent}");

        for (kind, code) in [
            (RejectionKind::MissingToken, Code::Unauthenticated),
            (RejectionKind::KeysUnavailable, Code::Unavailable),
            (RejectionKind::Misconfigured, Code::Internal),
        ] {
            assert_eq!(Status::from(Rejection::from(kind)).code(), code);
        }
    }
}
