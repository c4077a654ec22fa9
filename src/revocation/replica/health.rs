//! [`ReplicaHealth`].

use std::time::Duration;

/// How a [`Replica`](super::Replica) does: for health checks and metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplicaHealth {
    /// Whether there is a connection to a primary, and all that it knew was read over it.
    pub connected: bool,
    /// How old the copy is: everything that was revoked longer ago is in it. `None` until it was
    /// loaded for the first time.
    pub staleness: Option<Duration>,
    /// Whether the copy decides alone at present: a primary that takes writes and keeps what it is
    /// given vouched for it within the bound, and nothing was left out for lack of room.
    pub current: bool,
    /// How many revocations are held, expired ones that have not gone yet among them.
    pub entries: usize,
    /// Whether a revocation was left out because there was no room for it.
    pub full: bool,
    /// The id of the last item of the log that was read; empty until the copy was loaded.
    pub last_id: String,
    /// How often everything was loaded, the first time included.
    pub loads: u64,
    /// How often the log was found to have lost what it had acknowledged. What was known here is
    /// then written back. Where the log was cut off since, and another node was faster to write it
    /// back, nobody can tell that it was lost, and it is not counted here.
    pub losses: u64,
    /// How many revocations this node wrote back. Of many nodes that knew one, the first writes it.
    pub written_back: u64,
    /// What went wrong last, for logs; it stays after things went right again.
    pub last_error: Option<String>,
}
