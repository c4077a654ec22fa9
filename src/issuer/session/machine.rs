//! The state machine of a session: what a refresh token that is presented does to the record. Pure,
//! and the only place where it stands.

use std::time::Duration;

use super::policy::{Grace, Policy};
use super::record::{Record, Theft};
use super::view::EndedBy;
use crate::clock::UnixTime;
use crate::key::crypto::TokenHash;

/// With [`Grace::UntilUsed`]: how long after the rotation those that come too often are told to come
/// later. After that it is no crowd of tabs.
const CROWD: Duration = Duration::from_secs(10);

/// A refresh token that is presented, and how.
pub(super) struct Ask<'a> {
    /// The hash of the token.
    pub(super) presented: TokenHash,
    /// The hash of the token that is to follow it.
    pub(super) successor: TokenHash,
    pub(super) client_id: &'a str,
    /// The key that was proven, as [`BoundKey`](super::BoundKey) writes it.
    pub(super) key: Option<&'a str>,
    /// The scopes that are asked for; empty for all.
    pub(super) scope: &'a [Box<str>],
    pub(super) now: UnixTime,
    /// How long its access token lives.
    pub(super) access: Duration,
    pub(super) policy: &'a Policy,
}

/// What comes of it: see the table of the [module](super).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(super) enum Answer {
    /// Granted; the successor is the only token in force.
    Rotated,
    /// Granted; the successor is in force beside the one that was given out before.
    Retried,
    /// Granted; the token stays in force, since this client's do not rotate.
    Kept,
    /// Nothing has changed: the predecessor was used too often within a short time.
    Crowded,
    /// A spent token. The session has ended, perhaps long ago, and nobody has been told yet.
    Reused,
    /// The session has ended.
    Ended,
    Expired,
    WrongClient,
    WrongKey,
    ScopeTooWide,
}

impl Answer {
    /// Whether the record has changed.
    pub(super) fn changes(self) -> bool {
        matches!(self, Self::Rotated | Self::Retried | Self::Kept | Self::Reused)
    }
}

impl Record {
    /// Takes one step. The record is as it was unless the answer [`changes`](Answer::changes) it.
    pub(super) fn refresh(&mut self, ask: &Ask<'_>) -> Answer {
        if ask.now >= self.expires_at {
            return Answer::Expired;
        }
        // every hash is looked at, whichever it is
        let among = |hashes: &[TokenHash]| {
            hashes.iter().fold(false, |found, hash| found | (*hash == ask.presented))
        };
        let (is_current, is_predecessor) = (among(&self.current), among(&self.predecessor));
        let retry = if is_predecessor { self.retry(ask) } else { Retry::Spent };
        let spent = !is_current && retry == Retry::Spent;

        if self.ended.is_some() {
            return match &self.theft {
                Some(theft) if !theft.told => Answer::Reused,
                None if spent => self.theft(ask.now),
                _ => Answer::Ended,
            };
        }
        if ask.now >= self.idle_until {
            return Answer::Expired;
        }
        if spent {
            return self.theft(ask.now);
        }
        if *self.client_id != *ask.client_id {
            return Answer::WrongClient;
        }
        if self.bound_to.is_some() && self.bound_to.as_deref() != ask.key {
            return Answer::WrongKey;
        }
        if !ask.scope.iter().all(|scope| self.scope.contains(scope)) {
            return Answer::ScopeTooWide;
        }
        if !is_current && retry == Retry::Later {
            return Answer::Crowded;
        }
        let access_until = ask.now.saturating_add(ask.access).min(self.expires_at);
        let idle_until = ask.now.saturating_add(ask.policy.idle).min(self.expires_at);
        self.access_until = self.access_until.max(access_until);
        self.last_used_at = self.last_used_at.max(ask.now);
        self.idle_until = self.idle_until.max(idle_until);
        if !is_current {
            self.current.push(ask.successor);
            self.retried = self.retried.saturating_add(1);
            return Answer::Retried;
        }
        if !ask.policy.rotates {
            return Answer::Kept;
        }
        self.generation = self.generation.saturating_add(1);
        self.current = vec![ask.successor];
        self.predecessor = vec![ask.presented];
        self.rotated_at = ask.now;
        self.retried = 0;
        Answer::Rotated
    }

    /// What the predecessor is good for.
    fn retry(&self, ask: &Ask<'_>) -> Retry {
        // A request may be older than the rotation that overtook it: no window is open before it
        // for longer than after it.
        let (now, then) = (ask.now, self.rotated_at);
        let apart = now.saturating_since(then).max(then.saturating_since(now));
        let often = self.retried >= ask.policy.retries;
        match ask.policy.grace {
            Grace::Never => Retry::Spent,
            Grace::Within(window) if apart >= window => Retry::Spent,
            Grace::UntilUsed if often && apart >= CROWD => Retry::Spent,
            _ if often => Retry::Later,
            _ => Retry::Good,
        }
    }

    fn theft(&mut self, now: UnixTime) -> Answer {
        self.end(EndedBy::Theft, now);
        self.theft = Some(Theft { at: now, told: false });
        Answer::Reused
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Retry {
    /// It is as spent as any other.
    Spent,
    /// It yields one more successor.
    Good,
    /// Not now.
    Later,
}

#[cfg(test)]
mod tests;
