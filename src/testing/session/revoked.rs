//! Revocations in a step, and those that come alone.

use super::case::Case;
use crate::issuer::session::{Commit, Committed, Limit, SessionStore};
use crate::revocation::{Identifiers, Revocation, RevocationStore, TokenIdentity};
use crate::testing::unique;

/// A step that writes something new unless this is revoked.
fn unless<S: SessionStore + RevocationStore>(case: &Case<S>, token: &TokenIdentity<'_>) -> Commit {
    let mut step = case.step(vec![case.write(&case.key("ada"), b"new")]);
    step.unless_revoked = Some(token.clone().into_owned());
    step
}

pub(super) async fn revocations<S: SessionStore + RevocationStore>(case: &Case<S>) {
    let (until, at) = (case.at(7200), case.at(10));
    let names: [String; 3] = [unique("s"), unique("u"), unique("v")];
    let [session, epoch, versioned] = &names;
    let id = case.id();
    let id = id.as_str();
    let token = || {
        TokenIdentity::new().with_issuer("https://a.test").with_session_id(id).with_issued_at(at)
    };
    let mut step = case.step(Vec::new());
    step.revocations = vec![
        Revocation::session(&**session, until),
        Revocation::subject(&**epoch, at, until).issuer("https://a.test"),
        Revocation::version(&**versioned, 7, until),
    ];
    let none = unless(case, &token().with_subject(epoch).with_issued_at(case.at(1)));
    case.commit("what is not revoked passes", &none, Committed::Done).await;
    case.commit("a step may only revoke", &step, Committed::Done).await;
    let earlier = case.at(9);
    let refused = [
        ("by session", token().with_session_id(session)),
        ("by an epoch", token().with_subject(epoch).with_issued_at(earlier)),
        ("by version", token().with_subject(versioned).with_token_version(6)),
        ("by version, without one", token().with_subject(versioned)),
    ];
    for (what, token) in refused {
        let rule = format!("a step for what is revoked {what} is refused");
        let mut step = unless(case, &token);
        case.commit(&rule, &step, Committed::Revoked).await;
        let write = step.writes[0].clone();
        case.expect(&rule, case.load(&write.id).await.is_none());
        // that is what is said, whatever else is wrong
        step.limit = write.under.map(|index| Limit { index, most: 0 });
        step.writes[0].replaces = Some(9);
        case.commit(&rule, &step, Committed::Revoked).await;
    }
    let passing = [
        ("an epoch of this very moment", token().with_subject(epoch)),
        ("another issuer's", token().with_issuer("https://b.test").with_subject(epoch)),
        ("the lowest version that lives", token().with_subject(versioned).with_token_version(7)),
        ("another session", token().with_subject(session)),
    ];
    for (what, token) in passing {
        let rule = format!("{what} is not covered");
        case.commit(&rule, &unless(case, &token), Committed::Done).await;
    }
}

/// None of these is ever remembered for its own sake: their time has passed.
pub(super) async fn lone_revocations<S: SessionStore + RevocationStore>(case: &Case<S>) {
    let live = case.put(case.write(&case.key("ada"), b"live")).await;
    let passed = case.at(0).saturating_sub(std::time::Duration::from_secs(5));
    let (subject, other, issuer) = (unique("u"), unique("v"), "https://a.test");
    let rule = "a revocation that comes alone, of anything but a token, is taken";
    case.revoke(rule, &Revocation::session(live.id.as_str(), passed)).await;
    case.revoke(rule, &Revocation::subject(&*subject, case.at(10), passed).issuer(issuer)).await;
    case.revoke(rule, &Revocation::version(&*other, 7, passed)).await;
    let token = || TokenIdentity::new().with_issuer(issuer).with_issued_at(case.at(0));
    let covered = [
        ("session", token().with_session_id(live.id.as_str())),
        ("subject", token().with_subject(&subject)),
        ("version", token().with_subject(&other).with_token_version(3)),
    ];
    for (what, token) in covered {
        let rule = format!("a revocation by {what} outlives the sessions that it covers");
        case.commit(&rule, &unless(case, &token), Committed::Revoked).await;
    }
    let rule = "of a session that ended the revocation is kept as it is asked for";
    let mut ended = case.next(&live, b"ended");
    (ended.under, ended.ends) = (None, true);
    case.put(ended).await;
    case.expect(rule, case.load(&live.id).await.is_some());
}

pub(super) async fn required<S: SessionStore + RevocationStore>(case: &Case<S>) {
    let required = case.store.required_identifiers();
    let rule = "a token without a session id, which could never be taken back, is rejected: \
        `required` has SESSION_ID";
    if !required.contains(Identifiers::SESSION_ID) {
        case.fail(rule, &required.to_string());
    }
}
