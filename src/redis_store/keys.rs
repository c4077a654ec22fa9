//! [`Keys`]: the names of the keys in Redis.

#[cfg(feature = "issuer")]
use crate::issuer::refresh::SessionId;
use crate::revocation::replica::EntryName;

/// The keys under one prefix. The prefix is a hash tag, so all of them are on one cluster node.
#[derive(Clone)]
pub(super) struct Keys {
    entries: Box<str>,
    pub(super) meta: Box<str>,
    pub(super) log: Box<str>,
    tag: Box<str>,
}

impl Keys {
    /// `None` if the prefix cannot be a hash tag.
    pub(super) fn new(prefix: &str) -> Option<Self> {
        if prefix.is_empty() || prefix.contains(['{', '}']) {
            return None;
        }
        let key = |name: &str| format!("{{{prefix}}}:revocation:{name}").into_boxed_str();
        Some(Self {
            entries: key("entry:"),
            meta: key("meta"),
            log: key("log"),
            tag: format!("{{{prefix}}}").into(),
        })
    }

    pub(super) fn entry(&self, name: EntryName) -> String {
        format!("{}{}", self.entries, name)
    }

    /// Of an id that is claimed once.
    pub(super) fn once(&self, id: &str) -> String {
        format!("{}:once:{id}", self.tag)
    }

    /// The name that this key is of.
    pub(super) fn name(&self, key: &[u8]) -> Option<EntryName> {
        EntryName::parse(key.strip_prefix(self.entries.as_bytes())?)
    }

    /// The glob pattern of all entries' keys.
    pub(super) fn pattern(&self) -> String {
        let mut pattern = String::new();
        for character in self.entries.chars() {
            if matches!(character, '*' | '?' | '[' | ']' | '^' | '-' | '\\') {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        pattern.push('*');
        pattern
    }
}

#[cfg(feature = "issuer")]
impl Keys {
    pub(super) fn family(&self, id: &SessionId) -> String {
        format!("{}:refresh:family:{id}", self.tag)
    }

    /// Of the ids of all sessions whose subjects share this partition.
    pub(super) fn index(&self, partition: &str) -> String {
        format!("{}:refresh:subject:{partition}", self.tag)
    }

    pub(super) fn single_use(&self, hash: &str) -> String {
        format!("{}:single-use:token:{hash}", self.tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_hash_tags_and_never_patterns() {
        for odd in ["", "{", "a}b", "{a}"] {
            assert!(Keys::new(odd).is_none(), "{odd}");
        }
        let keys = Keys::new("a*b").unwrap();
        let name = EntryName::parse(b"S0123456789abcdef").unwrap();
        let key = keys.entry(name);
        assert!(key.starts_with("{a*b}:revocation:entry:S"), "{key}");
        assert_eq!(keys.name(key.as_bytes()), Some(name));
        assert_eq!(keys.name(keys.log.as_bytes()), None);
        assert_eq!(keys.pattern(), r"{a\*b}:revocation:entry:*");
    }
}
