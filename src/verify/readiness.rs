//! Whether there are keys for the tokens of all issuers: for health endpoints.

use std::error::Error;
use std::fmt;

use futures_util::future::join_all;

use super::policy::Policy;
use super::rules::Accept;
use super::tenants::Tenants;
use super::verifier::Verifier;
use crate::key::KeysUnavailable;

/// The keys that the tokens of one issuer are verified with, as they are at one moment.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct KeyStatus {
    /// The names (`iss`) of the issuer; empty if any will do.
    pub issuers: Vec<String>,
    /// Why there are no keys that may be used; `None` if there are.
    pub unavailable: Option<KeysUnavailable>,
    /// How many keys there are.
    pub keys: usize,
    /// The [epoch](crate::key::KeySet::epoch) of the keys: changes when they do.
    pub epoch: Option<u64>,
}

impl KeyStatus {
    /// Whether tokens of this issuer can be verified.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.unavailable.is_none()
    }

    fn of<C>(policy: &Policy<C>) -> Self {
        let current = policy.keys.current();
        Self {
            issuers: issuers(policy),
            keys: current.as_ref().map_or(0, |keys| keys.len()),
            epoch: current.as_ref().ok().map(|keys| keys.epoch()),
            unavailable: current.err(),
        }
    }
}

fn issuers<C>(policy: &Policy<C>) -> Vec<String> {
    match &policy.rules.issuers {
        Accept::Any => Vec::new(),
        Accept::OneOf(names) => names.iter().map(|name| (**name).to_owned()).collect(),
    }
}

/// Which issuer's keys are not there.
#[derive(Debug)]
struct NotReady {
    issuers: Vec<String>,
    source: KeysUnavailable,
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there are no keys of {:?}", self.issuers)
    }
}

impl Error for NotReady {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

impl<C> Verifier<C> {
    /// Waits until there are keys for the tokens of every issuer, all at once: as long as the slowest
    /// source of keys does, which for remote keys is `RemoteKeysBuilder::wait`. Fixed keys are always
    /// ready.
    ///
    /// For readiness checks. Keys are fetched only where there are none, and no more often than
    /// requests would. To look without waiting, see [`key_status`](Self::key_status).
    ///
    /// # Errors
    /// If some issuer's keys are still not there; its source says whose.
    pub async fn ready(&self) -> Result<(), KeysUnavailable> {
        let waiting: Vec<_> = self
            .each_policy()
            .into_iter()
            .map(|policy| {
                let (issuers, ready) = (issuers(policy), policy.keys.ready());
                async move { ready.await.map_err(|source| NotReady { issuers, source }) }
            })
            .collect();
        let first = join_all(waiting).await.into_iter().find_map(Result::err);
        let Some(first) = first else { return Ok(()) };
        let unavailable = KeysUnavailable::new();
        let unavailable = match first.source.retry_after() {
            Some(retry_after) => unavailable.with_retry_after(retry_after),
            None => unavailable,
        };
        Err(unavailable.with_source(first))
    }

    /// The keys as they are now, issuer by issuer, without waiting.
    #[must_use]
    pub fn key_status(&self) -> Vec<KeyStatus> {
        self.each_policy().into_iter().map(|policy| KeyStatus::of(policy)).collect()
    }
}

impl<C> Tenants<C> {
    /// As [`Verifier::ready`], of all issuers that are there. Without any, it is ready.
    ///
    /// # Errors
    /// If some issuer's keys are still not there; its source says whose.
    pub async fn ready(&self) -> Result<(), KeysUnavailable> {
        match self.current() {
            Some(all) => all.ready().await,
            None => Ok(()),
        }
    }

    /// As [`Verifier::key_status`], of all issuers that are there.
    #[must_use]
    pub fn key_status(&self) -> Vec<KeyStatus> {
        self.current().map_or_else(Vec::new, |all| all.key_status())
    }
}
