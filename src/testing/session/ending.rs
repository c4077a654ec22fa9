//! Ends of sessions, by whatever way.

use super::case::{Case, World};
use crate::issuer::session::{
    Ending, IndexKey, NewSession, SessionErrorKind, SessionStore, SessionTokens,
};
use crate::revocation::{Revocation, RevocationStore, TokenIdentity};
use crate::testing::unique;

async fn expect_over<S: SessionStore + RevocationStore>(
    case: &Case<S>,
    rule: &str,
    world: &World,
    tokens: &SessionTokens,
) {
    case.refused(rule, world, tokens).await;
    case.expect(rule, case.is_revoked(tokens.session().id.as_str()).await);
    let again = world.sessions.end_by_token(tokens.refresh_token().expose_secret()).await;
    case.expect("a session ends once", case.ok(rule, again) == Ending::Before);
}

pub(super) async fn ends<S: SessionStore + RevocationStore>(case: &Case<S>) {
    let issuer = unique("https://id.test/");
    let world = case.world_of(&issuer, |builder| builder);
    let spared = case.begin(&world, "ada").await;
    for way in 0..4 {
        let first = case.begin(&world, "ada").await;
        let last = case.refresh("a token is refreshed", &world, &first).await;
        let id = first.session().id.as_str();
        let rule = "nobody ends the session of another";
        let other = case.ok(rule, world.sessions.end_session("bob", id).await);
        case.expect(rule, other == Ending::Unknown && !case.is_revoked(id).await);
        let token = TokenIdentity::new().with_issuer(&*issuer).with_session_id(id);
        let ended = match way {
            0 => world.sessions.end_session("ada", id).await,
            1 => world.sessions.end_verified(&token).await,
            2 => world.sessions.end_by_token(last.refresh_token().expose_secret()).await,
            _ => world.sessions.end_by_token(first.refresh_token().expose_secret()).await,
        };
        let rule = "a session that ended is over";
        case.expect(rule, case.ok(rule, ended) == Ending::Ended);
        expect_over(case, rule, &world, &last).await;
        case.expect_listed("and is not listed", &world, "ada", &[&spared]).await;
    }
    case.expect("each is told", world.told("ended") == 4 && world.told("reused") == 0);
    let rule = "an id that was made up ends nothing, and is not kept";
    let made_up = case.id();
    let ending = case.ok(rule, world.sessions.end_session("ada", made_up.as_str()).await);
    case.expect(rule, ending == Ending::Unknown && !case.is_revoked(made_up.as_str()).await);
    let rule = "of a verified token the session is revoked even if the store has lost it";
    let token = TokenIdentity::new().with_issuer(&*issuer).with_session_id(made_up.as_str());
    let ending = case.ok(rule, world.sessions.end_verified(&token).await);
    case.expect(rule, ending == Ending::Unknown);
    case.expect(rule, case.is_revoked_of(Some(&issuer), made_up.as_str()).await);
    let rule = "and of its issuer alone: nobody knows whose session it is";
    case.expect(rule, !case.is_revoked(made_up.as_str()).await);
    let other = unique("https://id.test/");
    case.expect(rule, !case.is_revoked_of(Some(&other), made_up.as_str()).await);
    let _ = case.refresh("the others live on", &world, &spared).await;

    let world = case.world_of(&issuer, |builder| builder.most_sessions(3));
    let mut begun = Vec::new();
    for _ in 0..5 {
        world.pass(1);
        begun.push(case.begin(&world, "eve").await);
    }
    let rule = "of too many the least recently used end";
    case.expect_listed(rule, &world, "eve", &[&begun[2], &begun[3], &begun[4]]).await;
    for tokens in &begun[..2] {
        expect_over(case, rule, &world, tokens).await;
    }
    let _ = case.refresh("and no others", &world, &begun[2]).await;
}

pub(super) async fn ends_all<S: SessionStore + RevocationStore>(case: &Case<S>) {
    let world = case.world();
    let (one, two) = (case.begin(&world, "ada").await, case.begin(&world, "ada").await);
    let (three, bob) = (case.begin(&world, "ada").await, case.begin(&world, "bob").await);
    world.pass(2);
    let kept = two.session().id.as_str();
    let rule = "all sessions but one end, and are named";
    let ended = case.ok(rule, world.sessions.end_all_but("ada", kept).await);
    let mut wanted = [one.session().id.clone(), three.session().id.clone()];
    let mut found = ended.sessions.clone();
    wanted.sort();
    found.sort();
    case.expect(rule, found == wanted && ended.kept.is_some());
    for tokens in [&one, &three] {
        expect_over(case, rule, &world, tokens).await;
    }
    case.expect_listed("the one lives on", &world, "ada", &[&two]).await;
    let two = case.refresh("the one lives on", &world, &two).await;

    world.pass(2);
    let rule = "another's session is not kept";
    let other = bob.session().id.as_str();
    let ended = case.ok(rule, world.sessions.end_all_but("ada", other).await);
    case.expect(rule, ended.kept.is_none() && ended.sessions.len() == 1);
    expect_over(case, rule, &world, &two).await;
    case.expect_listed("others' sessions live on", &world, "bob", &[&bob]).await;

    let rule = "all sessions end, and are named";
    for _ in 0..300 {
        let _ = case.begin(&world, "eve").await;
    }
    world.pass(2);
    let all = case.ok(rule, world.sessions.sessions("eve").await);
    let ended = case.ok(rule, world.sessions.end_all("eve").await);
    case.expect(rule, ended.sessions.len() == all.len() && all.len() == 100);
    case.expect_listed(rule, &world, "eve", &[]).await;
    for session in &all {
        case.expect(rule, case.is_revoked(session.id.as_str()).await);
    }
    let rule = "what was authenticated before begins no session any more";
    let old = NewSession::new("eve", "web").authenticated_at(case.at(1));
    let kind = world.sessions.begin(old).await.err().map(|error| error.kind());
    case.expect(rule, kind == Some(SessionErrorKind::InvalidGrant));
    case.expect_listed(rule, &world, "eve", &[]).await;
    let again = case.begin(&world, "eve").await;
    let _ = case.refresh("who signs in again has a session", &world, &again).await;
    let again = case.ok("sessions end once", world.sessions.end_all("ada").await);
    case.expect("sessions end once", again.sessions.is_empty());
    let _ = case.refresh("others' sessions live on", &world, &bob).await;
}

pub(super) async fn revoked_elsewhere<S: SessionStore + RevocationStore>(case: &Case<S>) {
    let issuer = unique("https://id.test/");
    let (ada, bob, eve) = (unique("ada"), unique("bob"), unique("eve"));
    let world = case.world_of(&issuer, |builder| builder);
    let versioned = NewSession::new(&*eve, "web").version(6);
    let version = case.ok("a session begins", world.sessions.begin(versioned).await);
    let (session, epoch) = (case.begin(&world, &ada).await, case.begin(&world, &bob).await);
    let later = NewSession::new(&*eve, "web").version(7);
    let later = case.ok("a session begins", world.sessions.begin(later).await);
    // Long past, so that nothing but the sessions' own life keeps them.
    let passed = case.at(0).saturating_sub(std::time::Duration::from_secs(5));
    let id = session.session().id.as_str();
    let rule = "a session that was revoked by another way";
    case.revoke(rule, &Revocation::session(id, passed).issuer(&*issuer)).await;
    case.revoke(rule, &Revocation::subject(&*bob, case.at(5), passed).issuer(&*issuer)).await;
    case.revoke(rule, &Revocation::version(&*eve, 7, passed)).await;
    world.pass(9_000);
    let rule = format!("{rule} is over for good");
    for tokens in [&session, &epoch, &version] {
        expect_over(case, &rule, &world, tokens).await;
    }
    case.expect_listed(&rule, &world, &ada, &[]).await;
    case.expect_listed(&rule, &world, &bob, &[]).await;
    case.expect("each is told", world.told("ended") == 3 && world.told("reused") == 0);
    let _ = case.refresh("of a version that lives, one goes on", &world, &later).await;
}

pub(super) async fn bounded<S: SessionStore + RevocationStore>(case: &Case<S>) {
    let issuer = unique("https://id.test/");
    let world = case.world_of(&issuer, |builder| builder.most_sessions(20));
    let rule = "of a subject no more is remembered than there may be";
    let ended = case.ok(rule, IndexKey::of_ended(&issuer, "eve"));
    let mut begun = Vec::new();
    for round in 0..300 {
        world.pass(1);
        begun.push(case.begin(&world, "eve").await);
        // Of three one is left to give way to another.
        if round % 3 != 0
            && let Some(last) = begun.last()
        {
            let ending = world.sessions.end_by_token(last.refresh_token().expose_secret()).await;
            case.expect(rule, case.ok(rule, ending).was_live());
        }
    }
    let _ = case.ok(rule, world.sessions.end_all("eve").await);
    let kept = case.listed(&ended, world.clock_now()).await.len();
    if kept != 256 {
        case.fail(rule, &format!("{kept}"));
    }
    let rule = "a session that is forgotten stays dead, and its access tokens do";
    for tokens in &begun {
        case.refused(rule, &world, tokens).await;
        case.expect(rule, case.is_revoked(tokens.session().id.as_str()).await);
    }
}
