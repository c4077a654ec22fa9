//! [`Keys`]: the names of the keys in Redis.

#[cfg(feature = "issuer")]
use crate::issuer::session::{IndexKey, SessionId};

/// The keys under one prefix. The prefix is a hash tag, so all of them are on one cluster node.
#[derive(Clone)]
pub(super) struct Keys {
    /// What is in force, and where the log stands.
    pub(super) entries: Box<str>,
    /// When which of the entries can go.
    pub(super) expiry: Box<str>,
    pub(super) log: Box<str>,
    /// What is written for replicas to have.
    pub(super) mark: Box<str>,
    /// When the last of all sessions goes.
    pub(super) until: Box<str>,
    tag: Box<str>,
}

impl Keys {
    /// `None` if the prefix cannot be a hash tag.
    pub(super) fn new(prefix: &str) -> Option<Self> {
        if prefix.is_empty() || prefix.contains(['{', '}']) {
            return None;
        }
        let key = |name: &str| format!("{{{prefix}}}:revocation:{name}").into_boxed_str();
        let (entries, expiry, log) = (key("entries"), key("expiry"), key("log"));
        let until = format!("{{{prefix}}}:session:until").into();
        let mark = format!("{{{prefix}}}:durable").into();
        Some(Self { entries, expiry, log, mark, until, tag: format!("{{{prefix}}}").into() })
    }

    /// Of an id that is claimed once.
    pub(super) fn once(&self, id: &str) -> String {
        format!("{}:once:{id}", self.tag)
    }
}

#[cfg(feature = "issuer")]
impl Keys {
    /// Of a session, a single-use token or a group of them.
    pub(super) fn session(&self, id: &SessionId) -> String {
        format!("{}:session:record:{id}", self.tag)
    }

    /// Of the ids of the sessions under this key.
    pub(super) fn list(&self, index: &IndexKey) -> String {
        format!("{}:session:list:{}", self.tag, index.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_hash_tags() {
        for odd in ["", "{", "a}b", "{a}"] {
            assert!(Keys::new(odd).is_none(), "{odd}");
        }
        let keys = Keys::new("a*b").unwrap();
        assert_eq!(&*keys.entries, "{a*b}:revocation:entries");
    }
}
