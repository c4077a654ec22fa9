//! [`Record`]: all that is kept of a session, as a store keeps it: bytes, with a version.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::id::{BoundKey, IndexKey, SessionId};
use super::view::{EndedBy, Session, Subject};
use crate::clock::UnixTime;
use crate::key::KeyError;
use crate::key::crypto::TokenHash;
use crate::revocation::TokenIdentity;
use crate::store::StoreError;

/// What every record begins with. Another is an error: it was written by a version of this crate
/// that knows rules which this one does not.
const FORMAT: u8 = b'1';

/// Longer records are refused. The longest that [`Sessions`](super::Sessions) begins with is shorter,
/// however JSON escapes it.
pub(super) const LONGEST_RECORD: usize = 32 * 1024;

/// The last moment that a session can live to: the end of the year 9999.
pub(super) const LAST: UnixTime = UnixTime::from_secs(253_402_300_799);

/// Moments are whole milliseconds since 1970.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    pub(super) issuer: Box<str>,
    pub(super) subject: Box<str>,
    pub(super) client_id: Box<str>,
    pub(super) scope: Vec<Box<str>>,
    pub(super) device: Option<Box<str>>,
    #[serde(with = "millis")]
    pub(super) created_at: UnixTime,
    #[serde(with = "millis")]
    pub(super) authenticated_at: UnixTime,
    pub(super) acr: Option<Box<str>>,
    pub(super) amr: Vec<Box<str>>,
    pub(super) bound_to: Option<Box<str>>,
    /// An epoch of the subject that is later ends it.
    #[serde(with = "millis")]
    pub(super) valid_from: UnixTime,
    /// The subject's version when it began.
    pub(super) version: Option<u64>,
    #[serde(with = "millis")]
    pub(super) last_used_at: UnixTime,
    #[serde(with = "millis")]
    pub(super) idle_until: UnixTime,
    #[serde(with = "millis")]
    pub(super) expires_at: UnixTime,
    /// The latest `exp` of all access tokens that were granted.
    #[serde(with = "millis")]
    pub(super) access_until: UnixTime,
    pub(super) generation: u64,
    /// The tokens that can be used: one, and as many more as were given out for retries.
    #[serde(with = "hashes")]
    pub(super) current: Vec<TokenHash>,
    /// The token that was spent last. Empty until the first rotation; never more than one.
    #[serde(with = "hashes")]
    pub(super) predecessor: Vec<TokenHash>,
    /// When the predecessor was spent.
    #[serde(with = "millis")]
    pub(super) rotated_at: UnixTime,
    /// How often the predecessor was used since.
    pub(super) retried: u32,
    pub(super) ended: Option<End>,
    pub(super) theft: Option<Theft>,
}

/// How a session ended. Its record stays until the session would have expired.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    #[serde(with = "millis")]
    pub(super) at: UnixTime,
    pub(super) by: EndedBy,
}

/// A spent token was used again.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Theft {
    #[serde(with = "millis")]
    pub(super) at: UnixTime,
    /// Whether the observer has been told.
    pub(super) told: bool,
}

impl Record {
    pub(super) fn encode(&self) -> Result<Vec<u8>, StoreError> {
        let mut bytes = vec![FORMAT];
        serde_json::to_writer(&mut bytes, self).map_err(StoreError::unavailable)?;
        if bytes.len() > LONGEST_RECORD {
            return Err(StoreError::unavailable("the record of the session is too long"));
        }
        Ok(bytes)
    }

    /// # Errors
    /// If it is of another format, or none. What stands in it is not repeated.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let other = || StoreError::unavailable("a session in the store is of another format");
        match bytes.split_first() {
            Some((&FORMAT, json)) if bytes.len() <= LONGEST_RECORD => {
                let record: Self = serde_json::from_slice(json).map_err(|_| other())?;
                if record.is_sound() { Ok(record) } else { Err(other()) }
            }
            _ => Err(other()),
        }
    }

    /// What no rule of this crate could have led to.
    fn is_sound(&self) -> bool {
        let bound = self.bound_to.as_deref().is_none_or(|text| BoundKey::parse(text).is_some());
        bound && !self.current.is_empty() && self.predecessor.len() <= 1
    }

    pub(super) fn has_expired(&self, now: UnixTime) -> bool {
        now >= self.idle_until || now >= self.expires_at
    }

    /// Whether it can be refreshed, as far as the record tells.
    pub(super) fn is_live(&self, now: UnixTime) -> bool {
        self.ended.is_none() && !self.has_expired(now)
    }

    pub(super) fn is_untold(&self) -> bool {
        self.theft.as_ref().is_some_and(|theft| !theft.told)
    }

    /// Ends it, unless it has ended.
    pub(super) fn end(&mut self, by: EndedBy, now: UnixTime) {
        self.ended.get_or_insert(End { at: now, by });
    }

    /// Under which key a store lists it.
    pub(super) fn index(&self) -> Result<Option<IndexKey>, KeyError> {
        Ok(match (&self.ended, self.is_untold()) {
            (_, true) => Some(IndexKey::of_untold(&self.issuer)?),
            (None, false) => Some(IndexKey::of_subject(&self.issuer, &self.subject)?),
            (Some(_), false) => Some(IndexKey::of_ended(&self.issuer, &self.subject)?),
        })
    }

    /// From when on a store may forget it.
    pub(super) fn remove_at(&self) -> UnixTime {
        if self.ended.is_some() { self.expires_at } else { self.idle_until.min(self.expires_at) }
    }

    /// What a revocation has to cover to end it.
    pub(super) fn identity(&self, id: &SessionId) -> TokenIdentity<'static> {
        let mut identity = TokenIdentity::new()
            .with_issuer(&*self.issuer)
            .with_subject(&*self.subject)
            .with_session_id(id.as_str())
            .with_issued_at(self.valid_from);
        if let Some(version) = self.version {
            identity = identity.with_token_version(version);
        }
        identity.into_owned()
    }

    pub(super) fn view(&self, id: &SessionId) -> Session {
        Session {
            id: id.clone(),
            subject: Subject(self.subject.clone()),
            client_id: self.client_id.clone(),
            scope: self.scope.clone(),
            device: self.device.clone(),
            created_at: self.created_at,
            authenticated_at: self.authenticated_at,
            acr: self.acr.clone(),
            amr: self.amr.clone(),
            bound_to: self.bound_to.as_deref().and_then(BoundKey::parse),
            last_used_at: self.last_used_at,
            idle_until: self.idle_until,
            expires_at: self.expires_at,
            generation: self.generation,
        }
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("generation", &self.generation).finish_non_exhaustive()
    }
}

/// This moment in whole milliseconds, rounded up.
pub(super) fn millis_up(time: UnixTime) -> UnixTime {
    millis_down(time.saturating_add(Duration::from_nanos(999_999)))
}

/// This moment in whole milliseconds, rounded down.
pub(super) fn millis_down(time: UnixTime) -> UnixTime {
    let time = time.since_epoch();
    let rest = Duration::from_nanos(u64::from(time.subsec_nanos() % 1_000_000));
    UnixTime::from_duration(time.saturating_sub(rest))
}

mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    use super::LAST;
    use crate::clock::UnixTime;

    pub(super) fn serialize<S: Serializer>(time: &UnixTime, to: S) -> Result<S::Ok, S::Error> {
        let millis = (*time).min(LAST).since_epoch().as_millis();
        to.serialize_u64(u64::try_from(millis).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<UnixTime, D::Error> {
        let millis = u64::deserialize(from)?;
        Ok(UnixTime::from_duration(Duration::from_millis(millis)))
    }
}

/// 43 characters of base64url for each.
mod hashes {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::key::crypto::TokenHash;

    pub(super) fn serialize<S: Serializer>(hashes: &[TokenHash], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(hashes.iter().map(|hash| URL_SAFE_NO_PAD.encode(hash.as_bytes())))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<TokenHash>, D::Error> {
        let read = |text: String| {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
            Some(TokenHash::from_bytes(bytes.try_into().ok()?))
        };
        let texts = Vec::<String>::deserialize(from)?;
        let hashes = texts.into_iter().map(read).collect::<Option<_>>();
        hashes.ok_or_else(|| D::Error::custom("no hash"))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn at(secs: u64) -> UnixTime {
        UnixTime::from_secs(1_800_000_000 + secs)
    }

    pub(in super::super) fn hash(byte: u8) -> TokenHash {
        TokenHash::from_bytes([byte; 32])
    }

    /// Began at 0, idles for 1000 seconds and lives for 5000.
    pub(in super::super) fn record() -> Record {
        Record {
            issuer: "https://id.test".into(),
            subject: "ada".into(),
            client_id: "web".into(),
            scope: vec!["b".into(), "a".into()],
            device: Some("Firefox \"on\" Linux\n\u{1F980}".into()),
            created_at: at(0),
            authenticated_at: at(0),
            acr: Some("2".into()),
            amr: vec!["pwd".into(), "otp".into()],
            bound_to: None,
            valid_from: at(0),
            version: Some(u64::MAX),
            last_used_at: at(0),
            idle_until: at(1000),
            expires_at: at(5000),
            access_until: at(900),
            generation: 0,
            current: vec![hash(1)],
            predecessor: Vec::new(),
            rotated_at: at(0),
            retried: 0,
            ended: None,
            theft: None,
        }
    }

    #[test]
    fn what_is_kept_comes_back() {
        let mut record = record();
        assert!(Record::decode(&record.encode().unwrap()).unwrap() == record);
        record.predecessor = vec![hash(9)];
        record.bound_to = Some(BoundKey::jkt(&"x".repeat(43)).unwrap().text().into());
        record.end(EndedBy::Theft, at(7));
        record.theft = Some(Theft { at: at(7), told: false });
        assert!(Record::decode(&record.encode().unwrap()).unwrap() == record);
        record.expires_at = UnixTime::MAX;
        let read = Record::decode(&record.encode().unwrap()).unwrap();
        assert_eq!(read.expires_at, LAST);
    }

    #[test]
    fn another_format_or_nonsense_is_an_error() {
        let good = record().encode().unwrap();
        let text = String::from_utf8(good.clone()).unwrap();
        let mut newer = good.clone();
        newer[0] = b'2';
        let many = [b"1".to_vec(), vec![b' '; LONGEST_RECORD]].concat();
        let odd = [
            Vec::new(),
            b"1".to_vec(),
            b"1{}".to_vec(),
            newer,
            good[..good.len() - 1].to_vec(),
            [good.as_slice(), b"x"].concat(),
            text.replace("\"retried\":0", "\"retried\":0,\"more\":1").into(),
            text.replace("\"retried\":0", "\"retried\":-1").into(),
            text.replace("AQEB", "AQ=B").into(),
            text.replace("\"bound_to\":null", "\"bound_to\":\"odd:x\"").into(),
            many,
        ];
        for odd in odd {
            let error = Record::decode(&odd).unwrap_err();
            assert!(!format!("{error:?}").contains("ada"), "{error:?}");
        }
        let mut none = record();
        none.current.clear();
        assert!(Record::decode(&none.encode().unwrap()).is_err());
    }
}
