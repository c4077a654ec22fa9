//! Events (feature `tracing`), told after the lock was let go.

use std::sync::Arc;

use super::error::RemoteKeysError;
use crate::key::KeySet;

#[cfg_attr(not(feature = "tracing"), allow(dead_code, reason = "there is no one to tell"))]
pub(super) enum Event {
    Replaced { keys: Arc<KeySet>, source: String },
    Failed { error: RemoteKeysError, failures: u32, usable: bool },
    TakenOver { source: String },
}

impl Event {
    #[cfg(not(feature = "tracing"))]
    pub(super) fn log(self) {}

    #[cfg(feature = "tracing")]
    pub(super) fn log(self) {
        match self {
            Self::Replaced { keys, source } => {
                tracing::info!(source, keys = keys.len(), epoch = keys.epoch(), "new keys");
                for skipped in keys.skipped() {
                    tracing::warn!(
                        source,
                        index = skipped.index(),
                        kid = skipped.id(),
                        reason = %skipped.reason(),
                        "a key of the set cannot be used and was skipped"
                    );
                }
            }
            // The error's own text has its causes.
            Self::Failed { error, failures, usable } => {
                if usable {
                    tracing::warn!(%error, failures, "no new keys; the last ones still serve");
                } else {
                    tracing::error!(%error, failures, "no keys: tokens cannot be verified");
                }
            }
            Self::TakenOver { source } => tracing::warn!(
                source,
                "the runtime that fetches keys is blocked or not driven: another one takes over"
            ),
        }
    }
}
