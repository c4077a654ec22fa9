//! To the nanosecond where a token begins and ends.

use std::time::{Duration, UNIX_EPOCH};

use tower_bearer::clock::UnixTime;
use tower_bearer::revocation::NoRevocation;
use tower_bearer::testing::FakeClock;
use tower_bearer::{AuthLayer, RejectionKind};

use crate::stack::*;

/// The smallest step that a clock tells.
const EPSILON: Duration = Duration::from_nanos(1);
/// So that the token has nothing but the claim that a row is about, and a far `exp`.
const FAR: u64 = 4_000_000_000;

struct Timed {
    clock: FakeClock,
    issuer: tower_bearer::testing::TestIssuer,
    stack: Stack<NoRevocation>,
}

impl Timed {
    fn new(leeway: u64, max_age: Option<u64>) -> Self {
        let clock = clock();
        let issuer = issuer().clock(clock.clone());
        let mut verifier = issuer.verifier().leeway(Duration::from_secs(leeway));
        if let Some(max_age) = max_age {
            verifier = verifier.max_age(Duration::from_secs(max_age));
        }
        let stack = AuthLayer::new(verifier.build().unwrap());
        Self { clock, issuer, stack }
    }

    fn token(&self, claim: &str, raw: &str) -> String {
        let mut token = self.issuer.token().without("iat").claim("exp", FAR);
        if claim != "exp" {
            token = token.claim(claim, 0);
        } else {
            token = token.without("exp");
        }
        let token = token.sign();
        let payload = String::from_utf8(decode(segments(&token)[1])).unwrap();
        let payload = match claim {
            "exp" => format!(r#"{{"exp":{raw},{}"#, &payload[1..]),
            _ => payload.replace(&format!("\"{claim}\":0"), &format!("\"{claim}\":{raw}")),
        };
        signed(r#"{"alg":"HS256"}"#, &payload)
    }

    /// Right before `edge` the outcome is the one, at it and right behind it the other.
    #[track_caller]
    fn edge(
        &self,
        (claim, raw): (&str, &str),
        edge: f64,
        before: Option<RejectionKind>,
        after: Option<RejectionKind>,
    ) {
        let edge = UnixTime::from_secs_f64(edge).unwrap();
        let token = self.token(claim, raw);
        for (now, expected) in [
            (edge.saturating_sub(Duration::from_secs(1)), before),
            (edge.saturating_sub(EPSILON), before),
            (edge, after),
            (edge.saturating_add(EPSILON), after),
            (edge.saturating_add(Duration::from_secs(1)), after),
        ] {
            self.clock.set(now);
            match expected {
                None => pass(&self.stack, &token),
                Some(kind) => {
                    refuse(&self.stack, &token, kind);
                }
            }
        }
    }
}

#[test]
fn rfc7519_s4_1_4_exp_to_the_nanosecond() {
    for leeway in [0, 1, 60, 3600] {
        let timed = Timed::new(leeway, None);
        let late = Some(RejectionKind::Expired);
        let grace = leeway as f64;
        timed.edge(("exp", "10000"), 10000.0 + grace, None, late);
        timed.edge(("exp", "10000.0"), 10000.0 + grace, None, late);
        timed.edge(("exp", "10000.5"), 10000.5 + grace, None, late);
        timed.edge(("exp", "1e4"), 10000.0 + grace, None, late);
    }
}

#[test]
fn rfc7519_s4_1_5_nbf_to_the_nanosecond() {
    for leeway in [0, 1, 60, 3600] {
        let timed = Timed::new(leeway, None);
        let early = Some(RejectionKind::NotYetValid);
        let grace = leeway as f64;
        timed.edge(("nbf", "10000"), 10000.0 - grace, early, None);
        timed.edge(("nbf", "10000.25"), 10000.25 - grace, early, None);
    }
}

#[test]
fn rfc7519_s4_1_6_iat_in_the_future_to_the_nanosecond() {
    for leeway in [0, 1, 60, 3600] {
        let timed = Timed::new(leeway, None);
        let early = Some(RejectionKind::NotYetValid);
        timed.edge(("iat", "10000"), 10000.0 - leeway as f64, early, None);
    }
}

#[test]
fn max_age_to_the_nanosecond() {
    for leeway in [0, 60] {
        let timed = Timed::new(leeway, Some(300));
        let late = Some(RejectionKind::Expired);
        timed.edge(("iat", "10000"), 10300.0 + leeway as f64, None, late);
        timed.edge(("iat", "10000.5"), 10300.5 + leeway as f64, None, late);
        let early = Some(RejectionKind::NotYetValid);
        timed.edge(("iat", "10000"), 10000.0 - leeway as f64, early, None);
        // Without `iat` nobody knows its age.
        timed.clock.set(UnixTime::from_secs(10_000));
        let token = timed.issuer.token().without("iat").sign();
        refuse(&timed.stack, &token, RejectionKind::InvalidClaims);
    }
}

#[test]
fn before_1970_what_has_a_beginning_has_not_begun_and_the_rest_is_judged_by_its_end() {
    let timed = Timed::new(60, None);
    timed.clock.set(UnixTime::from(UNIX_EPOCH - Duration::from_secs(3600)));
    for claim in ["iat", "nbf"] {
        refuse(&timed.stack, &timed.token(claim, "10000"), RejectionKind::NotYetValid);
    }
    pass(&timed.stack, &timed.token("exp", "10000"));
}

#[test]
fn times_at_both_ends_of_the_range() {
    let most = u64::MAX.to_string();
    for leeway in [0, 60, 3600] {
        for now in [0, 1, leeway, NOW, 18_000_000_000] {
            let timed = Timed::new(leeway, None);
            timed.clock.set(UnixTime::from_secs(now));
            let check = |claim: &str, raw: &str, expected: Option<RejectionKind>| {
                // The far `exp` of the other rows has to be ahead.
                let token = timed.token(claim, raw);
                let expected = if claim != "exp" && now >= FAR + leeway {
                    Some(RejectionKind::Expired)
                } else {
                    expected
                };
                match expected {
                    None => pass(&timed.stack, &token),
                    Some(kind) => drop(refuse(&timed.stack, &token, kind)),
                }
            };
            let ended = (now >= leeway).then_some(RejectionKind::Expired);
            for zero in ["0", "0.0", "0e5", "-0", "-0.0"] {
                check("exp", zero, ended);
                check("nbf", zero, None);
                check("iat", zero, None);
            }
            check("exp", &most, None);
            check("nbf", &most, Some(RejectionKind::NotYetValid));
            check("iat", &most, Some(RejectionKind::NotYetValid));
            check("exp", "1.8e19", None);
            check("nbf", "1.8e19", Some(RejectionKind::NotYetValid));
        }
    }
    // A maximum age that adds up to more than can be told.
    let clock = clock();
    let issuer = issuer().clock(clock.clone());
    let verifier = issuer.verifier().max_age(Duration::MAX).build().unwrap();
    let stack: Stack = AuthLayer::new(verifier);
    pass(&stack, &issuer.token().sign());
    refuse(&stack, &issuer.token().claim("iat", u64::MAX).sign(), RejectionKind::NotYetValid);
}

/// The clock stands still and the token ages with it alone.
#[test]
fn a_token_ends_while_it_is_in_use() {
    let timed = Timed::new(60, None);
    let token = timed.issuer.token().expires_in(Duration::from_secs(300)).sign();
    pass(&timed.stack, &token);
    timed.clock.advance(seconds(359.999));
    pass(&timed.stack, &token);
    timed.clock.advance(seconds(0.001));
    refuse(&timed.stack, &token, RejectionKind::Expired);
    timed.clock.advance(seconds(1e9));
    refuse(&timed.stack, &token, RejectionKind::Expired);
}

/// Whoever is not this service's concern is not told about time either.
#[test]
fn an_expired_token_of_a_stranger_is_not_called_expired() {
    let timed = Timed::new(60, None);
    let expired = timed.issuer.token().expired();
    refuse(&timed.stack, &expired.sign(), RejectionKind::Expired);
    let token = expired.clone().claim("aud", "other").sign();
    refuse(&timed.stack, &token, RejectionKind::WrongAudience);
    let token = expired.clone().claim("iss", "other").sign();
    refuse(&timed.stack, &token, RejectionKind::WrongIssuer);
    let (input, _) =
        expired.sign().rsplit_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let forged = format!("{input}.{}", encode([7; 32]));
    refuse(&timed.stack, &forged, RejectionKind::InvalidSignature);
}
