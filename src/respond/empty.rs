//! Status and header fields, and no body.

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderValue, Response, StatusCode};

use crate::rejection::Rejection;
use crate::respond::{Challenge, RequestInfo, Responder};

/// The default for plain HTTP: the status, `WWW-Authenticate` and `Retry-After` (whole seconds,
/// rounded up, with 503 only), and an empty body.
#[derive(Debug, Clone, Copy, Default)]
pub struct EmptyBody;

impl Responder for EmptyBody {
    fn respond(
        &self,
        rejection: &Rejection,
        _: &RequestInfo,
        challenge: &Challenge,
    ) -> Response<Bytes> {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = rejection.kind().status();
        challenge.write(rejection, response.headers_mut());
        if let Some(value) = retry_after(rejection) {
            response.headers_mut().insert(RETRY_AFTER, value);
        }
        response
    }
}

fn retry_after(rejection: &Rejection) -> Option<HeaderValue> {
    if rejection.kind().status() != StatusCode::SERVICE_UNAVAILABLE {
        return None;
    }
    let wait = rejection.retry_after()?;
    let part = u64::from(wait.subsec_nanos() > 0);
    Some(HeaderValue::from(wait.as_secs().saturating_add(part)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::rejection::RejectionKind;

    #[test]
    fn retry_after_is_in_whole_seconds_rounded_up() {
        let after = |kind: RejectionKind, wait| {
            let value = retry_after(&Rejection::from(kind).with_retry_after(wait));
            value.map(|value| value.to_str().unwrap().to_owned())
        };
        for (wait, expected) in [
            (Duration::ZERO, "0"),
            (Duration::from_nanos(1), "1"),
            (Duration::from_secs(30), "30"),
            (Duration::from_millis(30_001), "31"),
            (Duration::MAX, "18446744073709551615"),
        ] {
            let found = after(RejectionKind::KeysUnavailable, wait);
            assert_eq!(found.as_deref(), Some(expected));
        }
        assert_eq!(after(RejectionKind::Expired, Duration::ZERO), None);
        assert_eq!(retry_after(&RejectionKind::KeysUnavailable.into()), None);
    }
}
