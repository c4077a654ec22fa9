//! What happens when something is down. Documentation only.
//!
//! Three rules hold everywhere. What cannot be known is not guessed: the answer is 503, gRPC
//! `UNAVAILABLE`, never 401, so that clients do not throw good tokens away. Every wait has a bound. What
//! was known before goes on counting for a bounded time that you can set.
//!
//! | Down | Requests with a good token | For how long | The setting |
//! |---|---|---|---|
//! | The identity provider, keys in hand | served | 24 hours after it last confirmed its keys, then 503 | [`keep_for`](crate::key::remote::RemoteKeysBuilder::keep_for) |
//! | The identity provider, no keys yet | 503 with `Retry-After`, after waiting 3 s | until it answers once | `.eager()` fails at the start instead, unless keys of an earlier process are [given](crate::key::remote::RemoteKeysBuilder::seed); [`wait`](crate::key::remote::RemoteKeysBuilder::wait) |
//! | The identity provider, while it changes keys | 503 for tokens of the new key, the rest are served | until it answers | [`cooldown`](crate::key::remote::RemoteKeysBuilder::cooldown) |
//! | A key file that is replaced by a broken one | served with the keys before, a warning in the log | until the file is mended | [`FileKeys::status`](crate::key::FileKeys::status) |
//! | The introspection endpoint | served if the token was asked about in the last 30 s, else 503 after at most 5 s | until it answers | [`remember_active`](crate::verify::introspection::IntrospectionBuilder::remember_active), [`timeout`](crate::verify::introspection::IntrospectionBuilder::timeout) |
//! | Redis, asked directly ([`RedisStore`](crate::redis_store::RedisStore)) | 503 after at most 500 ms | until it is back | [`timeout`](crate::redis_store::RedisStoreBuilder::timeout) |
//! | Redis, behind a [`Replica`](crate::redis_store::Replica) | **served for 5 s, then 503** | until it is back | [`max_staleness`](crate::redis_store::ReplicaBuilder::max_staleness): minutes, if you would rather serve than hear of a logout |
//! | Your own store | 503 when it returns an error. Its waits are yours to bound | until it answers | [`Cached`](crate::revocation::Cached) bridges its `staleness` |
//! | The store of sessions | served as long as access tokens last; nobody can sign in or refresh | until it is back | [`Issuer`](crate::issuer::Issuer)'s `lifetime` |
//! | Postgres, asked directly (`PostgresStore` of `tower-bearer-sqlx`) | 503 after at most 5 s | until it is back | `PostgresStoreBuilder::timeout` |
//! | Postgres, behind a [`Replica`](crate::revocation::replica::Replica) | **served for 5 s, then 503** | until it is back | [`max_staleness`](crate::revocation::replica::ReplicaBuilder::max_staleness) |
//! | A synchronous standby of Postgres | the same: commits wait for it, and a heartbeat is a commit | until it is back, or is not waited for any more | `synchronous_standby_names` |
//! | The disk of a SQLite file is full | logins, refreshes and logouts are 503, access tokens are checked | until there is room | |
//! | The whole Redis, data lost | revoked tokens stay revoked on nodes that knew; sessions are over | | [persistence](crate::redis_store#in-deployment) |
//! | This process restarts | a [`MemoryStore`](crate::revocation::MemoryStore) has forgotten: revoked tokens live again until they expire | | a shared store |
//! | The clock is wrong by more than the leeway | 401 `Expired` or `NotYetValid` | until it is set | [`leeway`](crate::verify::VerifierBuilder::leeway) |
//!
//! The most important line is the one about the replica: with the defaults, five seconds without Redis
//! make a service refuse everybody. That is right where a stolen account costs more than a minute of
//! outage. Where it is not, raise `max_staleness` to what you can defend, and know that a logout on one
//! node may take that long to reach a node that is cut off.
//!
//! # Failing open
//!
//! A layer can be told to accept tokens without knowing whether they were revoked, while its check
//! cannot answer: `.dangerous().accept_when_revocation_is_unavailable()`. Each such request has a warning
//! in the log. Whoever can keep the store from answering then has all revoked tokens back.
//!
//! Nothing makes the crate accept a token whose signature it cannot check.
//!
//! # What to watch
//!
//! | | Says |
//! |---|---|
//! | [`Verifier::key_status`](crate::verify::Verifier::key_status) | whether there are keys, issuer by issuer |
//! | [`RemoteKeys::status`](crate::key::remote::RemoteKeys::status) | whether keys are usable, how old they are, the last error; whether a refresh is overdue |
//! | [`Replica::health`](crate::redis_store::Replica::health), [`staleness`](crate::redis_store::Replica::staleness) | whether the copy is current, and since when not |
//! | [`RedisStore::ping`](crate::redis_store::RedisStore::ping) | whether Redis answers and is configured so that it keeps what it is told |
//! | [`AuthLayer::observer`](crate::layer::AuthLayer::observer) | every decision, with its kind and how long it took |
//! | the log, `tower_bearer=info` | that a provider or store is away, why, and that it is back |
//!
//! Readiness may ask the first three. Liveness should ask none of them: a restart brings no provider back,
//! and takes the last known keys away.
