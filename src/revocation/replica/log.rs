//! [`RevocationLog`]: what a replica is a copy of.

use std::fmt;
use std::time::Duration;

use super::name::LogEntry;
use crate::revocation::RevocationStore;
use crate::store::StoreError;

/// A place in a log: an item's.
///
/// Ids rise. The tag is random for every item, so that two primaries that both believed to be the
/// one do not give different items the same id.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct LogId {
    major: u64,
    minor: u64,
    tag: u64,
}

impl LogId {
    /// The place before the first item.
    pub const START: Self = Self { major: 0, minor: 0, tag: 0 };

    /// A place. Ids are in the order of `major`, then `minor`; a log with one number leaves the
    /// other zero. Where a log cannot fork, the tag may be zero, too.
    #[must_use]
    pub const fn new(major: u64, minor: u64, tag: u64) -> Self {
        Self { major, minor, tag }
    }

    /// What items are sorted by first.
    #[must_use]
    pub const fn major(&self) -> u64 {
        self.major
    }

    /// What items are sorted by then.
    #[must_use]
    pub const fn minor(&self) -> u64 {
        self.minor
    }

    /// What tells two items with the same numbers apart.
    #[must_use]
    pub const fn tag(&self) -> u64 {
        self.tag
    }

    /// Whether this comes before the other. Neither does if only their tags differ.
    #[must_use]
    pub fn is_before(&self, other: &Self) -> bool {
        self.place() < other.place()
    }

    pub(super) const fn place(&self) -> (u64, u64) {
        (self.major, self.minor)
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}:{:016x}", self.major, self.minor, self.tag)
    }
}

/// Where a log stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogHead {
    /// Random, made when the log was. Another one says that everything began anew; empty if nothing
    /// was ever written.
    pub epoch: Box<str>,
    /// The last item, whether or not the log still has it.
    pub last: LogId,
    /// What the last [heartbeat](LogReader::beat) left there.
    pub beat: Box<str>,
}

/// An entry that was added or strengthened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogItem {
    /// Its own place.
    pub id: LogId,
    /// The place of the item that was the last when this was appended.
    pub previous: LogId,
    /// The entry as it is since then.
    pub entry: LogEntry,
}

/// A part of what is in force.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LogPage {
    /// Entries. The same one may come in several parts.
    pub entries: Vec<LogEntry>,
    /// What to ask for the next part with; `None` after the last.
    pub next: Option<Box<str>>,
}

/// What became of entries that were appended.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Appended {
    /// Where the log stood afterwards: all of them are in force there.
    pub position: LogId,
    /// How many were not there before, or weaker.
    pub changed: u64,
    /// The entries as they are in force now, where a log keeps them for longer than it was told to:
    /// until the last session is over that they cover, say. May be empty if it does not.
    pub kept: Vec<LogEntry>,
}

/// A store whose revocations are in an ordered log, too: what a
/// [`Replica`](super::Replica) is a copy of.
///
/// 1. There is one **primary** at a time, and only what it says counts. Whoever answers proves that
///    it is one, in the same round trip. A primary that was cut off and does not know it is bounded
///    by the [heartbeat](LogReader::beat), if the log is set up so that it takes no writes.
/// 2. [`append`](Self::append) puts entries in force and into the log **in one step**, in the order
///    of their ids, each naming the item before it. Nobody sees an id before those below it.
/// 3. The log may be cut off at its beginning at any time. The entries stay until they expire.
/// 4. What it is given it keeps, or it answers with an error: a database that drops entries to make
///    room is one.
/// 5. Every wait has a bound that the log sets itself.
///
/// Whether anything was lost, how old the copy is, and what has to be written back, is the replica's
/// business and the same for every log. So a log need not notice that it lost something: it is enough
/// that items have an id of their own, name the one before, and are never changed.
///
/// In a database that is two tables: entries by name, and items by a number that rises in the order
/// of commits (a sequence does not, unless whoever appends holds a lock); and one row for the
/// [head](LogHead), which that lock may be on.
pub trait RevocationLog: RevocationStore {
    /// A connection of one replica's.
    type Reader: LogReader;

    /// Connects to the primary, for waits of up to `longest`.
    ///
    /// # Errors
    ///
    /// If there is none, or it does not [keep what it is given](LogReader::inspect).
    fn open(
        &self,
        longest: Duration,
    ) -> impl Future<Output = Result<Self::Reader, StoreError>> + Send;

    /// Adds entries or strengthens them, never weakening what is there, and appends what that
    /// changed to the log. The answer tells a place in the log by which all of them are in force. It
    /// is a primary's, also where nothing had to be changed: a replica that has them may be one that
    /// nobody else listens to.
    ///
    /// # Errors
    ///
    /// If one of them may not be in force, or who answers may be no primary.
    fn append(
        &self,
        entries: &[LogEntry],
    ) -> impl Future<Output = Result<Appended, StoreError>> + Send;
}

/// How a replica reads a [`RevocationLog`]: over a connection of its own. After an error it is
/// dropped and another one opened.
pub trait LogReader: Send + 'static {
    /// Where the log stands. The answer is a primary's, proven in the same round trip.
    ///
    /// # Errors
    ///
    /// If who answers is no primary, or nobody does.
    fn head(&mut self) -> impl Future<Output = Result<LogHead, StoreError>> + Send;

    /// Writes something random to [`LogHead::beat`], unless another node has since `seen`. It has to
    /// go the way that revocations go: where a primary that was cut off refuses those, it refuses
    /// this.
    ///
    /// # Errors
    ///
    /// If it was not written, or by fewer than have to have it.
    fn beat(&mut self, seen: &LogHead) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Whether a change that another node made to the [head](Self::head) proves as much as this
    /// node's own [heartbeat](Self::beat). `false` where writes have to be confirmed, by other
    /// servers say: whether another node's were, is not seen.
    fn others_vouch(&self) -> bool;

    /// Whether the log keeps what it is given.
    ///
    /// # Errors
    ///
    /// If it may drop entries, or that cannot be known.
    fn inspect(&mut self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// A part of the entries in force; the first one if `from` is `None`. Together the parts have
    /// every entry that is in force from before the first one was asked for until after the last.
    ///
    /// # Errors
    ///
    /// If it cannot be told, or some of it is elsewhere at present.
    fn page(
        &mut self,
        from: Option<&str>,
    ) -> impl Future<Output = Result<LogPage, StoreError>> + Send;

    /// The items after a place, in their order, at most `limit`. If there is none, it waits for one,
    /// up to `wait`.
    ///
    /// # Errors
    ///
    /// If it cannot be told.
    fn items(
        &mut self,
        after: LogId,
        limit: usize,
        wait: Duration,
    ) -> impl Future<Output = Result<Vec<LogItem>, StoreError>> + Send;
}
