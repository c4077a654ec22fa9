//! A fixed number of remembered answers, read and written without locks.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::revocation::TokenIdentity;

/// Answers that one token may be remembered at.
const WAYS: usize = 4;

/// An answer, packed into 64 bits: the lowest says revoked, the others are milliseconds since 1970,
/// for an active token when the question was asked, for a revoked one until when that holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Remembered {
    Active { asked: u64 },
    Revoked { until: u64 },
}

/// 128 bits that stand for all identifiers of one token.
#[derive(Clone, Copy)]
pub(super) struct Key(u64, u64);

/// Two words of a key, each mixed with the answer; and the answer.
///
/// Whoever reads halves of two writes gets words that fit no key, unless both wrote the same
/// answer. So a torn read is a miss and never another token's answer.
#[derive(Default)]
struct Slot {
    first: AtomicU64,
    second: AtomicU64,
    answer: AtomicU64,
}

pub(super) struct Slots {
    /// SipHash, whose keys nobody outside can find: two tokens with one key could lend each other
    /// an answer.
    keys: [RandomState; 2],
    slots: Box<[Slot]>,
}

impl Slots {
    pub(super) fn new(entries: usize) -> Self {
        let sets = entries.div_ceil(WAYS);
        Self {
            keys: [RandomState::new(), RandomState::new()],
            slots: (0..sets * WAYS).map(|_| Slot::default()).collect(),
        }
    }

    /// The key of a token. Another `generation` has other keys.
    pub(super) fn key(&self, token: &TokenIdentity<'_>, generation: u64) -> Key {
        let half = |which: usize| self.keys[which].hash_one((which, generation, token));
        Key(half(0), half(1))
    }

    pub(super) fn get(&self, key: Key) -> Option<Remembered> {
        self.set(key).iter().find_map(|slot| slot.get(key))
    }

    /// Remembers an answer in place of the token's last, or of the one that matters least.
    pub(super) fn put(&self, key: Key, answer: Remembered) {
        let set = self.set(key);
        let own = set.iter().find(|slot| slot.get(key).is_some());
        let oldest = || set.iter().min_by_key(|slot| slot.answer.load(Ordering::Relaxed));
        if let Some(slot) = own.or_else(oldest) {
            slot.put(key, answer.pack());
        }
    }

    fn set(&self, key: Key) -> &[Slot] {
        let sets = (self.slots.len() / WAYS) as u128;
        let set = ((u128::from(key.0) * sets) >> 64) as usize;
        self.slots.get(set * WAYS..(set + 1) * WAYS).unwrap_or_default()
    }
}

impl Slot {
    fn get(&self, key: Key) -> Option<Remembered> {
        let answer = self.answer.load(Ordering::Acquire);
        let first = self.first.load(Ordering::Acquire) ^ answer;
        let second = self.second.load(Ordering::Acquire) ^ answer.rotate_left(32);
        (answer != 0 && first == key.0 && second == key.1).then(|| Remembered::unpack(answer))
    }

    fn put(&self, key: Key, answer: u64) {
        self.first.store(key.0 ^ answer, Ordering::Release);
        self.second.store(key.1 ^ answer.rotate_left(32), Ordering::Release);
        self.answer.store(answer, Ordering::Release);
    }
}

impl Remembered {
    fn pack(self) -> u64 {
        match self {
            Self::Active { asked } => asked << 1,
            Self::Revoked { until } => until << 1 | 1,
        }
    }

    fn unpack(answer: u64) -> Self {
        let millis = answer >> 1;
        if answer & 1 == 1 {
            Self::Revoked { until: millis }
        } else {
            Self::Active { asked: millis }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixTime;
    use std::collections::HashSet;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn every_part_makes_another_key() {
        let slots = Slots::new(8);
        let none = TokenIdentity::new;
        let at = UnixTime::from_secs(1);
        let mut tokens = vec![none(), none().with_issued_at(at), none().with_expires_at(at)];
        tokens.extend([none().with_token_version(0), none().with_token_version(1)]);
        for id in ["", "a", "a:b", "\u{ff}a"] {
            tokens.extend([none().with_issuer(id), none().with_subject(id)]);
            tokens.extend([none().with_token_id(id), none().with_session_id(id)]);
        }
        tokens.push(none().with_issuer("a:b").with_subject("c"));
        tokens.push(none().with_issuer("a").with_subject("b:c"));
        let mut seen = HashSet::new();
        for (number, token) in tokens.iter().enumerate() {
            for generation in 0..2 {
                let key = slots.key(token, generation);
                assert!(seen.insert(key.0) && seen.insert(key.1), "{number}");
            }
        }
    }

    #[test]
    fn the_oldest_answer_makes_room() {
        let slots = Slots::new(4);
        for asked in 1..=5 {
            slots.put(Key(asked, asked), Remembered::Active { asked });
        }
        assert_eq!(slots.get(Key(1, 1)), None);
        for asked in 2..=5 {
            let found = slots.get(Key(asked, asked));
            assert_eq!(found, Some(Remembered::Active { asked }));
        }
        let revoked = Remembered::Revoked { until: 9 };
        slots.put(Key(3, 3), revoked);
        assert_eq!(slots.get(Key(3, 3)), Some(revoked));
    }

    #[test]
    fn no_entries_remember_nothing() {
        let slots = Slots::new(0);
        slots.put(Key(1, 1), Remembered::Active { asked: 1 });
        assert_eq!(slots.get(Key(1, 1)), None);
    }

    #[test]
    fn a_torn_write_is_a_miss() {
        // Both keys fight for one slot. One is only ever revoked: nobody may read it as active.
        let slot = Slot::default();
        let (revoked, active) = (Key(7, 77), Key(8, 88));
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    slot.put(revoked, Remembered::Revoked { until: 1000 }.pack());
                }
            });
            scope.spawn(|| {
                for asked in 1..200_000 {
                    slot.put(active, Remembered::Active { asked }.pack());
                }
                done.store(true, Ordering::Relaxed);
            });
            while !done.load(Ordering::Relaxed) {
                let found = slot.get(revoked);
                assert!(matches!(found, None | Some(Remembered::Revoked { until: 1000 })));
            }
        });
    }
}
