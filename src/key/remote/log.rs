//! Events (feature `tracing`), told after the lock was let go.

use std::sync::Arc;

use super::error::RemoteKeysError;
use crate::key::KeySet;

#[cfg_attr(not(feature = "tracing"), allow(dead_code, reason = "there is no one to tell"))]
pub(super) enum Event {
    Replaced(Arc<KeySet>, String),
    Failed { error: RemoteKeysError, failures: u32, usable: bool },
}

impl Event {
    #[cfg(not(feature = "tracing"))]
    pub(super) fn log(self) {}

    #[cfg(feature = "tracing")]
    pub(super) fn log(self) {
        match self {
            Self::Replaced(keys, source) => {
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
            Self::Failed { error, failures, usable } => {
                let cause = std::error::Error::source(&error).map(tracing::field::display);
                if usable {
                    tracing::warn!(%error, cause, failures, "no new keys; the last ones still serve");
                } else {
                    tracing::error!(%error, cause, failures, "no keys: tokens cannot be verified");
                }
            }
        }
    }
}
