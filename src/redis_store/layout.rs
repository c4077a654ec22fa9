//! What stands in Redis, and which rights that takes.
//!
//! Redis 6.2 or later. Valkey is not tested. All keys have the hash tag
//! `{prefix}` and so are in one slot of a cluster. Scripts touch no key that they do not declare.
//!
//! | Key | Type | Value | Expires |
//! |---|---|---|---|
//! | `{prefix}:revocation:entries` | hash | a field for each entry that is in force: its name and its value; and `epoch`, random, made with the hash; `last`, the id of the log's last item; `beat`, random, the last heartbeat | with the last entry, and not while a replica is alive |
//! | `{prefix}:revocation:expiry` | sorted set | the names of the entries; the score is the second after which one can go, a minute after its `keep_until`, for clocks that differ | as the entries |
//! | `{prefix}:revocation:log` | stream | an item for each entry that was added or strengthened: `n` its name, `v` its value, `t` its tag, `p` the id of the item before | items and stream [`log_retention`](super::RedisStoreBuilder::log_retention) after they were added; about [`log_length`](super::RedisStoreBuilder::log_length) items at most |
//! | `{prefix}:session:record:<id>` | string | 16 hexadecimal digits: the version; then the record, which only `Sessions` and `SingleUse` read: of a session, a single-use token or a group of them | a minute after the session has idled; of one that ended, after it would have expired; of a token, after it expires |
//! | `{prefix}:session:list:<key>` | sorted set | the ids of the sessions of a subject that live, or of those that have ended; issuer and subject are what the key is a hash of; the score is the second at which the session's key expires | with the last of them; ids whose keys have expired go whenever a session begins or is refreshed |
//! | `{prefix}:session:until` | string | 10 digits: the last second of all sessions and single-use tokens | with the last of them |
//! | `{prefix}:durable` | string | `1`, written with whatever is [`durable`](super::RedisStoreBuilder::durable) | after a minute |
//! | `{prefix}:once:<id>` | string | `1` | a minute after it need not be remembered |
//!
//! A *name* is that of [`EntryName`](crate::revocation::replica::EntryName). A *value* is 10 digits,
//! `keep_until` in seconds since 1970, rounded up, at most 4294967295 (2106), and 20 digits, the
//! *bound*: the epoch in nanoseconds since 1970, or the lowest version that lives; zero for tokens
//! and sessions. An epoch from the year 2554 on is `u64::MAX`, which covers every token.
//!
//! An *id* is that of the stream, `:`, and a *tag* of 16 hexadecimal digits, which is random: two
//! primaries that both believed to be the one may give different items the same id. An item of the
//! log names the one before it. A replica that reads an item whose predecessor is not the last it
//! knows has missed something, whether because the log was trimmed, Redis was emptied, or went back
//! to an older state; it then loads everything anew.
//!
//! A revocation that comes alone, of anything but a single token, is kept
//! until `session:until` at least: what it covers must not outlive it.
//!
//! How long anything stays is counted from now by whatever clock Redis has, so that a wrong one
//! forgets nothing early.
//!
//! # Rights
//!
//! A user of Redis that can do what revocations, replicas and claims need, and nothing else:
//!
//! ```text
//! ACL SETUSER tower-bearer on ><password> ~{tower-bearer}:*
//!   -@all +evalsha +script|load +role +info +wait +set +get
//!   +hmget +hget +hset +hdel +hscan +xadd +xtrim +xread +zadd +zrem +zrangebyscore
//!   +time +ttl +expire +expireat
//! ```
//!
//! Sessions and single-use tokens need beside it:
//!
//! ```text
//!   +del +mget +getrange
//!   +zcard +zcount +zscore +zrange +zremrangebyscore
//! ```
//!
//! A cluster is asked for its slots: `+cluster|slots`, `+readonly`. What is missing is an error that names it.
