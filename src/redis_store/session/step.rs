//! [`Step`]: what the script is given.

use serde::Serialize;

use super::layout::version_text;
use crate::clock::UnixTime;
use crate::issuer::session::{Commit, Write};
use crate::redis_store::once::stay;
use crate::revocation::replica::EntryName;
use crate::revocation::whole_seconds;

/// A [`Commit`], less the names of keys and the records. What is `None` is left out.
#[derive(Serialize)]
pub(super) struct Step {
    /// Entries that would refuse the step, and what their bound must not exceed.
    unless: Vec<(String, String)>,
    writes: Vec<Swap>,
    /// How many there may be in the list that is limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    most: Option<usize>,
    /// The last second of these records, as 10 digits, and for how many milliseconds the one that
    /// stays longest does; zero if nothing is written.
    last: String,
    longest: u64,
    /// As `revoke` in `revocation.lua` takes them.
    revocations: Vec<(String, String, String, i64)>,
}

#[derive(Serialize)]
struct Swap {
    /// The version that must be there, or none.
    replaces: String,
    /// For how many milliseconds: at zero nothing is kept.
    stays: u64,
    id: String,
    leaves: bool,
    joins: bool,
}

impl Step {
    pub(super) fn new(commit: &Commit, revocations: Vec<(String, String, String, i64)>) -> Self {
        let token = commit.unless_revoked.as_ref();
        let names = token.map(EntryName::all_of).unwrap_or_default().into_iter();
        let unless = names.map(|name| {
            let least = token.and_then(|token| name.least_bound(token));
            (name.to_string(), least.map(|least| format!("{least:020}")).unwrap_or_default())
        });
        let unless = unless.collect();
        let swaps = commit.writes.iter().map(|write| Swap::new(write, commit.now));
        let writes: Vec<_> = swaps.collect();
        let last = commit.writes.iter().map(|write| write.remove_at).max().unwrap_or_default();
        Self {
            unless,
            most: commit.limit.as_ref().map(|limit| limit.most),
            last: format!("{:010}", whole_seconds(last)),
            longest: writes.iter().map(|write| write.stays).max().unwrap_or_default(),
            writes,
            revocations,
        }
    }
}

impl Swap {
    fn new(write: &Write, now: UnixTime) -> Self {
        let over = write.remove_at <= now;
        Self {
            replaces: write.replaces.map(version_text).unwrap_or_default(),
            stays: if over { 0 } else { stay(write.remove_at, now) },
            id: write.id.to_string(),
            leaves: write.was_under.is_some(),
            joins: write.under.is_some() && !over,
        }
    }
}
