//! This crate: a token's first sight, and a token that was seen before.

use tower::Layer;
use tower_bearer::key::KeySet;
use tower_bearer::verify::TokenCache;
use tower_bearer::{AuthLayer, Principal, Verifier};

use super::{Contender, Kind, layered};
use crate::inner::Inner;
use crate::setup::{AUDIENCE, ISSUER, Setup, User};

pub(crate) const OURS: [Contender; 2] = [
    Contender {
        name: "**tower-bearer**, first sight of a token",
        package: "tower-bearer",
        kind: Kind::Ours,
        build: |setup| layered(AuthLayer::new(verifier(setup)).layer(inner())),
        ..Contender::DEFAULT
    },
    Contender {
        name: "**tower-bearer**, token seen before",
        package: "tower-bearer",
        kind: Kind::Ours,
        build: |setup| {
            let verifier = verifier(setup).cache(TokenCache::new());
            layered(AuthLayer::new(verifier).layer(inner()))
        },
        notes: &["with a `TokenCache`; time, revocation and guards are still checked"],
        ..Contender::DEFAULT
    },
];

fn inner() -> Inner {
    Inner::new(|extensions| {
        Some(Principal::from_extensions(extensions)?.claims::<User>()?.sub.as_str())
    })
}

fn verifier(setup: &Setup) -> Verifier<User> {
    Verifier::builder()
        .keys(KeySet::new(setup.issuers.each_ref().map(|issuer| issuer.key())))
        .issuer(ISSUER)
        .audience(AUDIENCE)
        .build()
        .expect("a verifier")
}
