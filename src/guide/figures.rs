//! How fast it is, and how it compares with others. Documentation only. The times
//! were measured before the claims decoder, the sessions and the replica were written anew, and not since; the
//! instructions are of now.
//!
//! # Speed
//!
//! Ratios to the bare signature check (aws-lc-rs, key parsed before), measured in one process with the
//! contenders taking turns; what the service costs without a layer is subtracted. Each contender has first
//! shown that it accepts the good token, hands its claims on and refuses forged ones. Claims `iss sub aud
//! exp nbf iat jti scope roles tenant`, one of three keys. AMD EPYC with SHA extensions, 2 cores,
//! 2026-11-21, `cargo bench --manifest-path benches/peers/Cargo.toml`:
//!
//! | accepted | HS256 | RS256 | ES256 | EdDSA | allocations |
//! |---|--:|--:|--:|--:|--:|
//! | bare signature check | 1.00 | 1.00 | 1.00 | 1.00 | 0 |
//! | **tower-bearer**, first sight of a token | 4.75 | 1.12 | 1.05 | 1.05 | 14 |
//! | **tower-bearer**, token seen before (`TokenCache`) | 0.84 | 0.03 | 0.01 | 0.01 | 4 |
//! | best peer, each column | 6.39 | 1.44 | 1.12 | 1.09 | 28 |
//! | jwt-authorizer | 8.69 | 1.58 | 1.15 | 1.36 | 43 |
//! | axum-jwt-auth, as it comes / aws-lc | 9.28 / 9.83 | 11.8 / 1.44 | 5.70 / 1.12 | 1.09 / 1.12 | 122 / 28 |
//! | tower-oauth2-resource-server, as it comes / aws-lc | 11.4 / 12.1 | 12.0 / 1.51 | 5.70 / 1.15 | 1.12 / 1.15 | 143 / 49 |
//! | axum-gate, as it comes / aws-lc | 15.0 / 15.3 | 12.0 / 1.63 | 5.77 / 1.17 | 1.40 / 1.20 | 146 / 52 |
//! | tower-jwt | 7.03 | 1.53 | 1.13 | 1.34 | 42 |
//! | aliri_tower | 6.39 | 1.54 | 1.14 | – | 32 |
//! | huskarl-resource-server | 8.53 | 4.60 | 5.55 | 1.18 | 66 |
//!
//! Six of our 14 allocations are the claims type's own. The bench prints the notes too: some peers do less
//! than this crate (`kid`, required `aud`), and four answer a request without a token faster, with a
//! smaller answer. Two threads with one token seen before do 1.84 × as much as one, where two that share
//! nothing do twice as much.
//!
//! What a busy machine does not change, counted by callgrind (AMD EPYC, family 25, model 1, 2026-11-21; HS256, ten claims
//! read into a type of ten fields; what the service costs without a layer, and the bare signature check's 20,581
//! instructions, subtracted; `cargo run --release --manifest-path benches/instructions/Cargo.toml`):
//!
//! | | instructions | allocations |
//! |---|--:|--:|
//! | first sight of a token | 17,532 | 15, of which 10 the type's own |
//! | token seen before | 3,649 | 3 |
//! | no token | 2,065 | 5 |
//! | garbage of 800 bytes | 4,614 | 5 |
//! | an id claimed once in memory ([`MemoryOnce`](crate::store::MemoryOnce)) | 715, 0.12 µs | one for three |
//!
//! What a request with a token that was seen before writes is its thread's own: the counts of the configuration
//! and of the token, which each thread has on a cache line of its own (up to 64), the marks by which `arc-swap`
//! reads, its memory allocator's lists, and the count of its connection's read buffer. A clone of the service that
//! comes to another thread than it was made on, as the one of a connection does, writes a shared count once.
//!
//! Ed25519 is checked by AWS-LC. ed25519-dalek with a prepared key was tried beside it (message of 540 bytes, 3,000
//! turns of each by turns, the same AMD EPYC): AWS-LC 42.2 µs, `verify` 38.2 µs, `verify_strict` 44.4 µs. All
//! three say the same of the 150 cases of Wycheproof. A tenth at most, and nothing where it is as strict by itself:
//! not worth a second backend in every build.
//!
//! An axum server with one worker thread under load (RS256, 32 connections, `wrk`, the same machine;
//! rounds take turns; `cargo bench -p tower-bearer-benches --bench load`), as parts of what it does without a
//! layer:
//!
//! | | requests | p99 |
//! |---|--:|--:|
//! | layer | 0.28 | 2.2 |
//! | layer with cache | 0.87 | 0.9 |
//! | layer with cache, revocation in memory | 0.87 | 0.8 |
//! | layer with cache, revocation by the Redis replica | 0.87 | 0.9 |
//! | layer, Redis asked on every request | 0.20 | 4.1 |
//!
//! `cargo bench -p tower-bearer-benches --bench growth` shows what a request costs with up to 1,000 keys, 1,000 issuers,
//! 10,000,000 revoked tokens, 8 KB of claims and a full cache.
//!
//! # Compared with others
//!
//! As their published sources had it in 2026-11. A dash: not found in the crate.
//!
//! | | serves | claims type | `WWW-Authenticate` when it rejects | gRPC status | scopes, roles | revocation | new keys at run time |
//! |---|---|---|---|---|---|---|---|
//! | **tower-bearer** 0.1.0 | any tower service | yours | RFC 6750, 9470: realm, `error`, missing scopes | yes, and gRPC-Web | scopes, roles, hierarchy, conditions, `all` / `any` / `not` | memory, Redis, a local replica of it, own store, cache, closure | fetched, refreshed, OpenID discovery, several issuers, tenants, files; replaced by hand |
//! | [jwt-authorizer] 0.15.0 | axum 0.7, tonic 0.12 (feature) | yours | `error` code | yes (tonic) | one condition on claims per authorizer | – | fetched, refreshed, OpenID discovery |
//! | [axum-jwt-auth] 0.7.0 | axum 0.8 | yours | – | – | – | – | fetched, refreshed |
//! | [tower-oauth2-resource-server] 0.12.5 | tower services with a `Default` body | yours | `Bearer` where the header is missing or ill-formed; own error handler | – | – | – | fetched, refreshed, OpenID discovery, several tenants |
//! | [aliri_tower] 0.6.1 | tower-http's `ValidateRequest` | yours | `error`, needed scope | – | scope policies | – | fetched, refreshed (aliri_oauth2 0.10.2) |
//! | [axum-gate] 1.1.1 | axum 0.8 | its account model | `Bearer` | – | roles with hierarchy, groups, permissions | – | – |
//! | [axum-keycloak-auth] 0.8.3 | axum 0.8 with Keycloak | your part beside its own | – | – | roles | – | fetched, rediscovered on unknown keys |
//! | [tower-jwt] 0.2.1 | tower services with a `Default` body | yours | – | – | – | – | an `async fn` asked for every token |
//! | [huskarl-resource-server] 0.11.12 | no layer: validators to call | yours beside its own | RFC 6750, 9470, 9449: realm, `error`, scope | – | left to the caller, with error types for it | by token introspection | fetched, refreshed |
//!
//! What they have and this crate does not: axum-gate logs users in.
//!
//! [jwt-authorizer]: https://docs.rs/jwt-authorizer/0.15.0
//! [axum-jwt-auth]: https://docs.rs/axum-jwt-auth/0.7.0
//! [tower-oauth2-resource-server]: https://docs.rs/tower-oauth2-resource-server/0.12.5
//! [aliri_tower]: https://docs.rs/aliri_tower/0.6.1
//! [axum-gate]: https://docs.rs/axum-gate/1.1.1
//! [axum-keycloak-auth]: https://docs.rs/axum-keycloak-auth/0.8.3
//! [tower-jwt]: https://docs.rs/tower-jwt/0.2.1
//! [huskarl-resource-server]: https://docs.rs/huskarl-resource-server/0.11.12
