//! [`RemoteStatus`]: the state, for metrics and health endpoints.

use std::time::Duration;

use super::error::RemoteKeysError;

/// The state of a [`RemoteKeys`](super::RemoteKeys) at one moment.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RemoteStatus {
    /// Whether there are keys that may be used: fetched or [seeded](super::RemoteKeysBuilder::seed),
    /// and confirmed no longer ago than [`keep_for`](super::RemoteKeysBuilder::keep_for).
    pub usable: bool,
    /// The configured issuer, if the keys are discovered.
    pub issuer: Option<String>,
    /// Where the keys are fetched from, without the URL's query; `None` before discovery.
    pub source: Option<String>,
    /// How long ago the provider last confirmed the keys; `None` if it never did.
    pub age: Option<Duration>,
    /// The ids of the keys, in the order of the set. Keys without an id are left out.
    pub key_ids: Vec<String>,
    /// How many members of the set were skipped because they cannot be used.
    pub skipped: usize,
    /// The [epoch](crate::key::KeySet::epoch) of the keys: changes when they do.
    pub epoch: u64,
    /// Whether a refresh is under way.
    pub refreshing: bool,
    /// How long until the next one; `None` if nothing refreshes the keys at present.
    pub next_refresh: Option<Duration>,
    /// For how long one has been due or asked for that did not begin: zero or moments as a rule.
    /// More means that the runtime that fetches keys is blocked, or driven by nobody, and that no
    /// request has come since by which another could have taken over.
    pub overdue: Option<Duration>,
    /// How many refreshes were begun.
    pub refreshes: u64,
    /// How many refreshes failed since the last good one.
    pub failures: u32,
    /// Why the last one failed, with all that is known of the cause; `None` if it did not.
    pub last_error: Option<RemoteKeysError>,
}
