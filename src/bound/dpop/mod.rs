//! DPoP, [RFC 9449](https://www.rfc-editor.org/rfc/rfc9449): proofs checked ([`Dpop`]) and made
//! ([`DpopSigner`]).
//!
//! # What is checked
//!
//! | | answered |
//! |---|---|
//! | the token, as any other | as any other |
//! | the scheme is `DPoP`, exactly one field `DPoP` of at most 8 KiB, a compact JWS | `invalid_dpop_proof` |
//! | `typ` is `dpop+jwt`, `alg` is one of [`algorithms`](DpopBuilder::algorithms), `jwk` a public key for it; no `crit` | `invalid_dpop_proof` |
//! | the key is the one in the token's `cnf.jkt` | `invalid_token` |
//! | `htm` is the method; `htu` the URL, compared after normalisation (RFC 3986 §6.2.2, §6.2.3), without query and fragment | `invalid_dpop_proof` |
//! | `ath` is the hash of this token | `invalid_dpop_proof` |
//! | the signature | `invalid_dpop_proof` |
//! | with [nonces](DpopBuilder::nonces): `nonce` is one of ours and counts; without: `iat` is within the window | `use_dpop_nonce`; `invalid_dpop_proof` |
//! | the token, its session or its subject's tokens were not revoked | `invalid_token` |
//! | the proof comes for the first time, by key and `jti` | `invalid_dpop_proof`; 503 if that cannot be told |
//!
//! The last line needs a memory: of this process, unless [`replay`](DpopBuilder::replay) names a shared
//! one. With several processes and none shared, a proof is good once at each of them.
//!
//! # In deployment
//!
//! **The URL** is the public one, as clients have it, not that of `Host`: with what a proxy strips from
//! the path, and with the prefix of a nested axum router if the layer stands within it.
//!
//! **CORS**: scripts need `Access-Control-Expose-Headers: DPoP-Nonce, WWW-Authenticate` and
//! `Access-Control-Allow-Headers: Authorization, DPoP`.
//!
//! **Clocks** of clients are often wrong by more than a minute. [`nonces`](DpopBuilder::nonces) make them
//! irrelevant, for one more round trip in a while.

mod builder;
mod known_keys;
mod nonce;
mod policy;
mod proof;
mod proven;
mod replay;
mod signer;
mod target;
mod url;

pub use builder::DpopBuilder;
pub(super) use policy::Claim;
pub use policy::Dpop;
pub(super) use proof::wrong_proof;
pub(crate) use proven::DPOP_NONCE;
pub use proven::ProvenKey;
pub use signer::DpopSigner;
pub use target::ForwardAuth;
