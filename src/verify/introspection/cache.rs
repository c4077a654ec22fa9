//! [`Shelf`]: answers that are remembered for a while, bounded in number and in bytes.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::{Hash, Hasher, RandomState};

use zeroize::Zeroizing;

use crate::clock::UnixTime;
use crate::credentials::BearerToken;
use crate::key::KeyError;
use crate::key::crypto::{random, same_bytes, sha256};

/// Makes [`Name`]s, with random bytes that only this process has.
pub(super) struct Namer(Zeroizing<[u8; 32]>);

impl Namer {
    /// # Errors
    /// If there is no crypto backend, or no randomness.
    pub(super) fn new() -> Result<Self, KeyError> {
        random().map(Zeroizing::new).map(Self)
    }

    /// The name of a token: that of another token is another one, in every byte of the token.
    ///
    /// # Errors
    /// Not with a crypto backend.
    pub(super) fn name(&self, token: &BearerToken) -> Result<Name, KeyError> {
        sha256(&[self.0.as_slice(), token.as_bytes()]).map(Name)
    }
}

/// What a token is remembered by, in place of itself: its SHA-256 hash together with
/// [random bytes](Namer). Who reads this process's memory later has no token
/// ([RFC 9700 §4.9.3](https://www.rfc-editor.org/rfc/rfc9700#section-4.9.3)), and who sends tokens
/// cannot choose where they are put.
#[derive(Clone)]
pub(super) struct Name([u8; 32]);

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        same_bytes(&self.0, &other.0)
    }
}

impl Eq for Name {}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Name")
    }
}

/// Entries in the order they came, the oldest leaving first.
pub(super) struct Shelf<V> {
    entries: HashMap<Name, Entry<V>, RandomState>,
    /// The names in the order they came, each with its entry's number. Those whose entry was
    /// replaced stay until their turn comes.
    order: VecDeque<(Name, u64, usize)>,
    next: u64,
    /// Bytes of all that stands in `order`.
    bytes: usize,
    most_entries: usize,
    most_bytes: usize,
}

struct Entry<V> {
    value: V,
    number: u64,
    from: UnixTime,
    until: UnixTime,
}

impl<V> Shelf<V> {
    pub(super) fn new(most_entries: usize, most_bytes: usize) -> Self {
        Self {
            entries: HashMap::default(),
            order: VecDeque::new(),
            next: 0,
            bytes: 0,
            most_entries,
            most_bytes,
        }
    }

    /// What is known of this token. A clock that was set back makes a miss of it.
    pub(super) fn get(&self, name: &Name, now: UnixTime) -> Option<&V> {
        let entry = self.entries.get(name)?;
        (entry.from <= now && now < entry.until).then_some(&entry.value)
    }

    /// Remembers a value of this many bytes from one moment until, exclusively, another.
    pub(super) fn put(
        &mut self,
        name: &Name,
        value: V,
        bytes: usize,
        from: UnixTime,
        until: UnixTime,
    ) {
        if until <= from || bytes > self.most_bytes || self.most_entries == 0 {
            return;
        }
        let number = self.next;
        self.next += 1;
        self.bytes += bytes;
        self.order.push_back((name.clone(), number, bytes));
        self.entries.insert(name.clone(), Entry { value, number, from, until });
        while self.order.len() > self.most_entries || self.bytes > self.most_bytes {
            self.drop_oldest();
        }
        while self.oldest_is_useless(from) {
            self.drop_oldest();
        }
    }

    /// Forgets the token.
    pub(super) fn forget(&mut self, name: &Name) {
        self.entries.remove(name);
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.order.clear();
        self.bytes = 0;
    }

    fn oldest_is_useless(&self, now: UnixTime) -> bool {
        let Some((name, number, _)) = self.order.front() else {
            return false;
        };
        match self.entries.get(name) {
            Some(entry) if entry.number == *number => entry.until <= now,
            _ => true,
        }
    }

    fn drop_oldest(&mut self) {
        let Some((name, number, bytes)) = self.order.pop_front() else {
            return;
        };
        self.bytes -= bytes;
        if self.entries.get(&name).is_some_and(|entry| entry.number == number) {
            self.entries.remove(&name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn namer() -> &'static Namer {
        static NAMER: std::sync::OnceLock<Namer> = std::sync::OnceLock::new();
        NAMER.get_or_init(|| Namer::new().unwrap())
    }

    fn key(token: &str) -> Name {
        namer().name(&BearerToken::parse(token).unwrap()).unwrap()
    }

    #[test]
    fn rfc9700_section_4_9_3_a_name_tells_nothing_of_the_token() {
        let (token, other) = (BearerToken::parse("opaque").unwrap(), Namer::new().unwrap());
        assert_eq!(key("opaque"), key("opaque"));
        assert_ne!(other.name(&token).unwrap(), key("opaque"));
        assert_ne!(key("opaque").0, crate::key::crypto::sha256_of(b"opaque").unwrap());
        assert!(!format!("{:?}", key("opaque")).contains("opaque"));
    }

    const fn at(secs: u64) -> UnixTime {
        UnixTime::from_secs(secs)
    }

    #[test]
    fn holds_from_one_moment_until_another() {
        let mut shelf = Shelf::new(4, 100);
        shelf.put(&key("a"), 1, 1, at(10), at(20));
        shelf.put(&key("b"), 2, 1, at(10), at(10));
        for (now, found) in [(9, None), (10, Some(&1)), (19, Some(&1)), (20, None)] {
            assert_eq!(shelf.get(&key("a"), at(now)), found, "{now}");
        }
        assert_eq!(shelf.get(&key("b"), at(10)), None);
    }

    #[test]
    fn every_byte_of_the_token_counts() {
        let mut shelf = Shelf::new(4, 100);
        shelf.put(&key("token"), 1, 1, at(10), at(20));
        for other in ["tokem", "Token", "toke", "tokens", "t"] {
            assert_eq!(shelf.get(&key(other), at(10)), None, "{other}");
        }
        assert_eq!(shelf.get(&key("token"), at(10)), Some(&1));
    }

    #[test]
    fn bounded_in_entries_and_in_bytes_whatever_comes() {
        let mut shelf = Shelf::new(4, 100);
        for turn in 0..50 {
            let name = format!("t{}", turn % 7);
            shelf.put(&key(&name), turn, 30, at(10), at(1000));
            assert!(shelf.order.len() <= 3 && shelf.entries.len() <= 3 && shelf.bytes <= 90);
            assert_eq!(shelf.get(&key(&name), at(10)), Some(&turn));
        }
        shelf.put(&key("big"), 0, 101, at(10), at(1000));
        assert_eq!(shelf.get(&key("big"), at(10)), None);
        // one token again and again does not pile up
        for turn in 0..50 {
            shelf.put(&key("same"), turn, 1, at(10), at(1000));
            assert!(shelf.order.len() <= 4);
        }
        assert_eq!(shelf.get(&key("same"), at(10)), Some(&49));
        shelf.put(&key("later"), 1, 1, at(1000), at(1001));
        assert_eq!((shelf.order.len(), shelf.bytes), (1, 1));
    }

    #[test]
    fn forgotten_is_gone_and_can_come_again() {
        let mut shelf = Shelf::new(4, 100);
        shelf.put(&key("a"), 1, 1, at(10), at(20));
        shelf.put(&key("b"), 2, 1, at(10), at(20));
        shelf.forget(&key("a"));
        assert_eq!(shelf.get(&key("a"), at(10)), None);
        assert_eq!(shelf.get(&key("b"), at(10)), Some(&2));
        shelf.put(&key("a"), 3, 1, at(10), at(20));
        assert_eq!(shelf.get(&key("a"), at(10)), Some(&3));
        shelf.clear();
        assert_eq!(shelf.get(&key("a"), at(10)), None);
    }
}
