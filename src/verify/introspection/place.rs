//! [`Place`]: where the introspection endpoint is.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Uri;
use tokio::sync::Semaphore;

use super::response::unavailable;
use crate::clock::UnixTime;
use crate::fetch::{Asking, DocumentError, Fetch, FetchLimits, Freshness, discover};
use crate::rejection::Rejection;

/// How long metadata are taken to hold.
const METADATA_FOR: Duration = Duration::from_secs(60 * 60);
/// How long after a failure they are asked for again.
const RETRY: Duration = Duration::from_secs(5);
/// The longest metadata that are read, in bytes.
const MAX_BODY: usize = 1024 * 1024;

pub(super) enum Place {
    Here(Uri),
    /// The metadata of this issuer say where (RFC 8414 §2).
    OfIssuer(Discovered),
}

pub(super) struct Discovered {
    issuer: Box<str>,
    allow_http: bool,
    /// One asks for the metadata, the others wait for what it learns.
    asking: Semaphore,
    known: Mutex<Known>,
}

#[derive(Clone, Default)]
struct Known {
    place: Option<Uri>,
    /// When asking was last begun, and why it failed if it did.
    asked: Option<(UnixTime, Option<Arc<DocumentError>>)>,
}

impl Place {
    pub(super) fn of_issuer(issuer: String, allow_http: bool) -> Self {
        Self::OfIssuer(Discovered {
            issuer: issuer.into(),
            allow_http,
            asking: Semaphore::new(1),
            known: Mutex::default(),
        })
    }

    /// Where to ask about a token. The caller bounds the time.
    pub(super) async fn find(
        &self,
        fetch: &dyn Fetch,
        timeout: Duration,
        now: UnixTime,
    ) -> Result<Uri, Rejection> {
        match self {
            Self::Here(uri) => Ok(uri.clone()),
            Self::OfIssuer(discovered) => discovered.find(fetch, timeout, now).await,
        }
    }
}

impl Known {
    /// What is known well enough.
    fn answer(&self, now: UnixTime) -> Option<Result<Uri, Rejection>> {
        let (asked, failed) = self.asked.as_ref()?;
        let holds = if failed.is_some() { RETRY } else { METADATA_FOR };
        if *asked > now || now.saturating_since(*asked) >= holds {
            return None;
        }
        // It may still be where it was.
        let place = self.place.clone().map(Ok);
        place.or_else(|| failed.as_ref().map(|error| Err(absent(error))))
    }
}

impl Discovered {
    async fn find(
        &self,
        fetch: &dyn Fetch,
        timeout: Duration,
        now: UnixTime,
    ) -> Result<Uri, Rejection> {
        if let Some(answer) = self.known(|known| known.answer(now)) {
            return answer;
        }
        // Never closed.
        let _turn = self.asking.acquire().await.ok();
        if let Some(answer) = self.known(|known| known.answer(now)) {
            return answer;
        }
        let limits = FetchLimits::new().max_body(MAX_BODY).timeout(timeout);
        let asking = Asking { fetch, limits, freshness: Freshness::Any };
        let found = discover(asking, &self.issuer, self.allow_http).await;
        let found = found.and_then(|found| found.introspection_endpoint()).map_err(Arc::new);
        self.known(|known| {
            known.asked = Some((now, found.as_ref().err().cloned()));
            if let Ok(uri) = &found {
                known.place = Some(uri.clone());
            }
            match (found, &known.place) {
                (_, Some(place)) => Ok(place.clone()),
                (Err(error), None) => Err(absent(&error)),
                // Not reached: what was found is known.
                (Ok(uri), None) => Ok(uri),
            }
        })
    }

    /// Held for a look or a note, never while waiting.
    fn known<T>(&self, look: impl FnOnce(&mut Known) -> T) -> T {
        look(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn absent(error: &Arc<DocumentError>) -> Rejection {
    unavailable("the issuer's metadata do not say where its introspection endpoint is")
        .with_source(error.text.clone())
        .with_retry_after(RETRY)
}
