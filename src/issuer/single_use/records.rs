//! What a store keeps of single-use tokens, and all that happens to it: [`Group`] and [`Token`]. Pure.

use serde::{Deserialize, Serialize};

use crate::clock::UnixTime;
use crate::issuer::session::SessionId;
use crate::revocation::TokenIdentity;
use crate::store::StoreError;

/// How many tokens one group holds at most. The oldest goes for one more.
pub(super) const MOST_IN_GROUP: u32 = 16;
/// What every record begins with: another is an error.
const GROUP: &[u8] = b"g1";
const TOKEN: &[u8] = b"t1";

/// The tokens of a group that count, the oldest first.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    pub(super) members: Vec<Member>,
    /// Wrong tries, by slot. In a slot without tokens nothing is counted.
    tries: Vec<(String, u32)>,
}

/// A token that counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Member {
    pub(super) id: String,
    /// The version of its record.
    pub(super) version: u64,
    /// Where in the group it is, among those that it replaces.
    pub(super) slot: String,
    /// In milliseconds.
    pub(super) until: u64,
}

/// What a try with an id that could be guessed led to.
#[derive(Debug, PartialEq)]
pub(super) enum Tried {
    /// It is this one, and does not count any more.
    Right(Member),
    /// It was wrong. These do not count any more.
    Wrong(Vec<Member>),
    /// There is nothing to be guessed.
    Nothing,
}

impl Group {
    /// Forgets what has expired, and what was counted of slots that are empty.
    fn tidy(&mut self, now: UnixTime) {
        let now = millis(now);
        self.members.retain(|member| now < member.until);
        let Self { members, tries } = self;
        tries.retain(|(slot, _)| members.iter().any(|member| member.slot == *slot));
    }

    fn remove(&mut self, gone: impl Fn(&Member) -> bool) -> Vec<Member> {
        let (gone, left) = std::mem::take(&mut self.members).into_iter().partition(gone);
        self.members = left;
        gone
    }

    /// Adds a token, of which its slot has then so many at most. Those that it replaces are yielded.
    pub(super) fn put(&mut self, new: Member, most: u32, now: UnixTime) -> Vec<Member> {
        self.tidy(now);
        self.tries.retain(|(slot, _)| *slot != new.slot);
        let mut gone = Vec::new();
        for (slot, most) in [(Some(&new.slot), most), (None, MOST_IN_GROUP)] {
            let of_slot = |member: &&Member| slot.is_none_or(|slot| member.slot == *slot);
            let there = self.members.iter().filter(of_slot).count();
            let too_many = (there + 1).saturating_sub(most.max(1) as usize);
            let oldest = self.members.iter().filter(of_slot).take(too_many);
            let oldest: Vec<_> = oldest.map(|member| member.id.clone()).collect();
            gone.extend(self.remove(|member| oldest.contains(&member.id)));
        }
        self.members.push(new);
        gone
    }

    /// Takes the token of this id.
    pub(super) fn take(&mut self, id: &SessionId, now: UnixTime) -> Option<Member> {
        self.tidy(now);
        self.remove(|member| member.id == id.as_str()).pop()
    }

    /// As [`take`](Self::take), among those of this slot. A wrong try counts, and with the last that
    /// is allowed the slot is emptied.
    pub(super) fn attempt(
        &mut self,
        id: &SessionId,
        slot: &str,
        most: u32,
        now: UnixTime,
    ) -> Tried {
        self.tidy(now);
        let of_slot = |member: &Member| member.slot == slot;
        if !self.members.iter().any(of_slot) {
            return Tried::Nothing;
        }
        if let Some(member) =
            self.remove(|member| of_slot(member) && member.id == id.as_str()).pop()
        {
            return Tried::Right(member);
        }
        let made = match self.tries.iter_mut().find(|(counted, _)| counted == slot) {
            Some((_, made)) => {
                *made = made.saturating_add(1);
                *made
            }
            None => {
                self.tries.push((slot.to_owned(), 1));
                1
            }
        };
        Tried::Wrong(if made >= most { self.remove(of_slot) } else { Vec::new() })
    }

    /// When nothing of it is left to be used.
    pub(super) fn until(&self) -> UnixTime {
        moment(self.members.iter().map(|member| member.until).max().unwrap_or_default())
    }

    pub(super) fn encode(&self) -> Result<Vec<u8>, StoreError> {
        let mut bytes = GROUP.to_vec();
        serde_json::to_writer(&mut bytes, self).map_err(StoreError::unavailable)?;
        Ok(bytes)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let json = bytes.strip_prefix(GROUP).ok_or_else(other_format)?;
        serde_json::from_slice(json).map_err(|_| other_format())
    }
}

/// A token: what it yields, and whose it is.
#[derive(Debug, PartialEq)]
pub(super) struct Token {
    pub(super) head: Head,
    /// JSON, at its full length: nothing is escaped twice.
    pub(super) payload: Vec<u8>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    /// The record of its group. Without one it stands alone.
    pub(super) group: Option<String>,
    pub(super) until: u64,
    pub(super) minted: u64,
    /// Whoever ends all that this subject has ends it, too.
    pub(super) subject: Option<String>,
    /// The subject's version.
    pub(super) version: Option<u64>,
}

impl Token {
    /// What a revocation has to cover for it not to count.
    pub(super) fn identity(&self, issuer: &str) -> Option<TokenIdentity<'static>> {
        let mut identity = TokenIdentity::new()
            .with_issuer(issuer)
            .with_subject(self.head.subject.as_deref()?)
            .with_issued_at(moment(self.head.minted));
        if let Some(version) = self.head.version {
            identity = identity.with_token_version(version);
        }
        Some(identity.into_owned())
    }

    pub(super) fn encode(&self) -> Result<Vec<u8>, StoreError> {
        let mut bytes = TOKEN.to_vec();
        serde_json::to_writer(&mut bytes, &self.head).map_err(StoreError::unavailable)?;
        bytes.push(b'\n');
        bytes.extend_from_slice(&self.payload);
        Ok(bytes)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let rest = bytes.strip_prefix(TOKEN).ok_or_else(other_format)?;
        let end = rest.iter().position(|byte| *byte == b'\n').ok_or_else(other_format)?;
        let (head, payload) = rest.split_at(end);
        let head = serde_json::from_slice(head).map_err(|_| other_format())?;
        Ok(Self { head, payload: payload.get(1..).unwrap_or_default().to_vec() })
    }
}

pub(super) fn other_format() -> StoreError {
    StoreError::unavailable("a single-use token in the store is of another format")
}

/// Whole milliseconds, rounded down.
pub(super) fn millis(time: UnixTime) -> u64 {
    u64::try_from(time.since_epoch().as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn moment(millis: u64) -> UnixTime {
    UnixTime::from_duration(std::time::Duration::from_millis(millis))
}

#[cfg(all(test, any(feature = "aws-lc-rs", feature = "rust-crypto")))]
mod tests {
    use super::*;

    fn id(number: u32) -> SessionId {
        SessionId::parse(&format!("{number:022}")).unwrap()
    }

    fn member(number: u32, slot: &str) -> Member {
        Member { id: id(number).to_string(), version: 1, slot: slot.into(), until: 10_000 }
    }

    fn at(secs: u64) -> UnixTime {
        UnixTime::from_secs(secs)
    }

    fn ids(members: &[Member]) -> Vec<u32> {
        members.iter().map(|member| member.id.parse().unwrap()).collect()
    }

    #[test]
    fn the_newest_of_a_slot_and_of_the_group_are_left() {
        let mut group = Group::default();
        assert!(group.put(member(0, "a"), 1, at(1)).is_empty());
        assert!(group.put(member(1, "b"), 1, at(1)).is_empty());
        assert_eq!(ids(&group.put(member(2, "a"), 1, at(1))), [0]);
        assert!(group.put(member(3, "a"), 2, at(1)).is_empty());
        assert_eq!(ids(&group.put(member(4, "a"), 2, at(1))), [2]);
        let gone: Vec<_> =
            (5..30).flat_map(|n| ids(&group.put(member(n, "c"), u32::MAX, at(1)))).collect();
        assert_eq!(gone[..3], [1, 3, 4]);
        assert_eq!(group.members.len(), MOST_IN_GROUP as usize);
        assert!(group.encode().unwrap().len() < 4096);
        // what has expired makes room by itself
        assert!(group.put(Member { until: 20_000, ..member(30, "a") }, 1, at(10)).is_empty());
        assert_eq!((ids(&group.members), group.until()), (vec![30], at(20)));
    }

    #[test]
    fn a_slot_allows_so_many_wrong_tries() {
        let mut group = Group::default();
        assert_eq!(group.attempt(&id(9), "a", 3, at(1)), Tried::Nothing);
        assert!(group.tries.is_empty(), "strangers make nothing grow");
        group.put(member(1, "a"), 1, at(1));
        group.put(member(2, "b"), 1, at(1));
        for _ in 0..2 {
            assert_eq!(group.attempt(&id(2), "a", 3, at(1)), Tried::Wrong(Vec::new()));
        }
        assert_eq!(group.attempt(&id(1), "a", 3, at(1)), Tried::Right(member(1, "a")));
        group.put(member(3, "a"), 1, at(1));
        for _ in 0..2 {
            assert_eq!(group.attempt(&id(1), "a", 3, at(1)), Tried::Wrong(Vec::new()), "anew");
        }
        assert_eq!(group.attempt(&id(1), "a", 3, at(1)), Tried::Wrong(vec![member(3, "a")]));
        assert_eq!(group.attempt(&id(3), "a", 3, at(1)), Tried::Nothing);
        assert_eq!(group.attempt(&id(2), "b", 1, at(10)), Tried::Nothing, "it has expired");
        assert!(group.members.is_empty() && group.tries.is_empty());
    }

    #[test]
    fn what_is_kept_comes_back_and_nothing_else_is_one() {
        let mut group = Group::default();
        group.put(member(1, "a"), 1, at(1));
        let _ = group.attempt(&id(9), "a", 3, at(1));
        assert_eq!(Group::decode(&group.encode().unwrap()).unwrap(), group);
        let head = Head {
            group: Some("x".repeat(22)),
            until: 10,
            minted: 1,
            subject: Some("a\nb".into()),
            version: Some(u64::MAX),
        };
        let token = Token { head, payload: b"\"\n\"".to_vec() };
        assert_eq!(Token::decode(&token.encode().unwrap()).unwrap(), token);
        for odd in
            ["", "g1", "t1", "t1{}", "t1{}\n", "g1{}", "1{}", "g2{\"members\":[],\"tries\":[]}"]
        {
            assert!(Group::decode(odd.as_bytes()).is_err(), "{odd}");
            let error = Token::decode(odd.as_bytes()).unwrap_err();
            assert!(!format!("{error:?}").contains("members"), "{error:?}");
        }
    }
}
