//! [`Shared`]: what the background task and the handles of a replica share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::builder::OnStale;
use super::chain::Chain;
use super::freshness::Freshness;
use super::health::ReplicaHealth;
use super::log::{Appended, LogId, RevocationLog};
use super::name::LogEntry;
use super::pace::Pace;
use super::table::Table;
use crate::clock::Clock;
use crate::revocation::{Revocation, RevocationStatus, TokenIdentity};
use crate::store::StoreError;

pub(super) struct Shared<L> {
    pub(super) log: L,
    pub(super) table: Table,
    pub(super) freshness: Freshness,
    pub(super) max_staleness: Duration,
    on_stale: OnStale,
    /// Held for moments only.
    chain: Mutex<Chain>,
    /// How often something was left out of the table for lack of room.
    pub(super) left_out: AtomicU64,
    /// How many of those a later load made up for.
    pub(super) made_up: AtomicU64,
    pub(super) loaded: watch::Sender<bool>,
    pub(super) report: Report,
}

/// What the background task has to tell.
#[derive(Default)]
pub(super) struct Report {
    pub(super) connected: AtomicBool,
    pub(super) loads: AtomicU64,
    pub(super) losses: AtomicU64,
    pub(super) written_back: AtomicU64,
    pub(super) last_error: Mutex<Option<String>>,
}

impl<L: RevocationLog> Shared<L> {
    pub(super) fn new(
        log: L,
        capacity: usize,
        (max_staleness, on_stale): (Duration, OnStale),
        (clock, pace): (Arc<dyn Clock>, Pace),
    ) -> Self {
        Self {
            log,
            table: Table::new(capacity),
            freshness: Freshness::new(clock, pace),
            max_staleness,
            on_stale,
            chain: Mutex::default(),
            left_out: AtomicU64::new(0),
            made_up: AtomicU64::new(0),
            loaded: watch::Sender::new(false),
            report: Report::default(),
        }
    }

    pub(super) fn chain(&self) -> MutexGuard<'_, Chain> {
        self.chain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer, if it takes no I/O.
    #[inline]
    pub(super) fn answer(
        &self,
        token: &TokenIdentity<'_>,
    ) -> Option<Result<RevocationStatus, StoreError>> {
        // Age first: what the table lacks below was revoked after that moment.
        let decides = self.decides_alone();
        if self.table.revoked(token) {
            return Some(Ok(RevocationStatus::Revoked));
        }
        if decides {
            return Some(Ok(RevocationStatus::Active));
        }
        match self.on_stale {
            OnStale::AskStore => None,
            OnStale::FailClosed => Some(Err(StoreError::unavailable(
                "the local copy of the revocations is older than allowed, or incomplete",
            ))),
        }
    }

    /// On `Ok` it is in force in the log and here.
    pub(super) async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        let entry = LogEntry::from(revocation);
        let Appended { position, kept, .. } = self.log.append(&[entry]).await?;
        // It may be kept for longer than it was asked to be.
        let kept = if kept.is_empty() { vec![entry] } else { kept };
        self.acknowledged(&kept, position);
        Ok(())
    }

    /// Takes what is in force at this place of the log, as this node was told.
    pub(super) fn acknowledged(&self, entries: &[LogEntry], position: LogId) {
        // What is found lost is written back from the table, and what is in the table and nowhere
        // else was lost: so both happen at once.
        let mut chain = self.chain();
        entries.iter().for_each(|entry| self.insert(entry));
        chain.acknowledged(entries, position);
    }

    pub(super) fn decides_alone(&self) -> bool {
        let age = self.freshness.age();
        age.is_some_and(|age| age <= self.max_staleness) && !self.is_full()
    }

    /// Whether there are revocations that the table lacks for want of room.
    pub(super) fn is_full(&self) -> bool {
        self.made_up.load(Ordering::Acquire) != self.left_out.load(Ordering::Acquire)
    }

    /// Takes what is revoked into the table, or notes that there is no room.
    pub(super) fn insert(&self, entry: &LogEntry) {
        let now = self.freshness.expiry();
        if !self.table.insert(entry, now) {
            self.left_out.fetch_add(1, Ordering::AcqRel);
        }
    }

    pub(super) fn note(&self, error: &StoreError) {
        #[cfg(feature = "tracing")]
        tracing::warn!(?error, "the copy of the revocations is not kept up to date");
        let mut last = self.report.last_error.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(format!("{error:?}"));
    }

    pub(super) fn health(&self) -> ReplicaHealth {
        let report = &self.report;
        let last_error = report.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let last = self.chain().last();
        ReplicaHealth {
            connected: report.connected.load(Ordering::Relaxed),
            staleness: self.freshness.age(),
            current: self.decides_alone(),
            entries: self.table.len(),
            full: self.is_full(),
            last_id: last.map(|id| id.to_string()).unwrap_or_default(),
            loads: report.loads.load(Ordering::Relaxed),
            losses: report.losses.load(Ordering::Relaxed),
            written_back: report.written_back.load(Ordering::Relaxed),
            last_error,
        }
    }
}
