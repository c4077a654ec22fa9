//! Times against arithmetic that cannot overflow.

use std::fmt::Debug;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;
use tower_bearer::clock::UnixTime;
use tower_bearer::rejection::RejectionKind;
use tower_bearer::verify::Verifier;

use super::stack::{At, ISSUER, NOW, cases, verify};

fn secs() -> impl Strategy<Value = u64> {
    prop_oneof![
        select(vec![0, 1, 59, 60, 61, u64::MAX - 61, u64::MAX - 60, u64::MAX - 1, u64::MAX]),
        NOW - 130..NOW + 130,
        any::<u64>(),
    ]
}

#[derive(Debug)]
struct Times {
    exp: Option<u64>,
    nbf: Option<u64>,
    iat: Option<u64>,
    now: u64,
    leeway: u64,
    max_age: Option<u64>,
    expiry_required: bool,
}

impl Times {
    /// The first rule that is broken, in arithmetic that cannot overflow.
    fn broken(&self) -> Option<RejectionKind> {
        use RejectionKind::{Expired, InvalidClaims, NotYetValid};
        let wide = u128::from;
        let (now, leeway) = (wide(self.now), wide(self.leeway));
        match self.exp {
            Some(exp) if now >= wide(exp) + leeway => return Some(Expired),
            None if self.expiry_required => return Some(InvalidClaims),
            _ => {}
        }
        if [self.nbf, self.iat].into_iter().flatten().any(|at| wide(at) > now + leeway) {
            return Some(NotYetValid);
        }
        match (self.max_age, self.iat) {
            (Some(_), None) => Some(InvalidClaims),
            (Some(age), Some(iat)) if now >= wide(iat) + wide(age) + leeway => Some(Expired),
            _ => None,
        }
    }
}

proptest! {
    #![proptest_config(cases(4000))]

    #[test]
    fn rfc7519_s4_1_times_are_judged_as_in_arithmetic_without_limits(
        (exp, nbf, iat) in (
            prop::option::weighted(0.9, secs()),
            prop::option::of(secs()),
            prop::option::weighted(0.8, secs()),
        ),
        now in secs(),
        leeway in prop_oneof![select(vec![0, 1, 60, 3600]), 0..3600_u64],
        max_age in prop::option::of(prop_oneof![select(vec![1, 60, u64::MAX]), 1..300_u64]),
        expiry_required in any::<bool>(),
    ) {
        let times = Times { exp, nbf, iat, now, leeway, max_age, expiry_required };
        let mut builder = Verifier::<Value>::builder()
            .keys(ISSUER.key())
            .any_issuer()
            .any_audience()
            .clock(At(UnixTime::from_secs(now)))
            .leeway(Duration::from_secs(leeway));
        if let Some(age) = max_age {
            builder = builder.max_age(Duration::from_secs(age));
        }
        if !expiry_required {
            builder = builder.dangerous().allow_missing_expiry();
        }
        let mut token = ISSUER.token().without("exp").without("iat");
        for (name, at) in [("exp", exp), ("nbf", nbf), ("iat", iat)] {
            if let Some(at) = at {
                token = token.claim(name, at);
            }
        }
        let verdict = verify(&builder.build().unwrap(), &token.sign()).err();
        prop_assert_eq!(verdict, times.broken(), "{:?}", times);
    }
}
