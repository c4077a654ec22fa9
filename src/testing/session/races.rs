//! Many at once.

use futures_util::future::{join, join_all};

use super::case::Case;
use crate::issuer::session::{Committed, Limit, NewSession, SessionErrorKind, SessionStore};
use crate::revocation::{Revocation, RevocationStore, TokenIdentity};
use crate::testing::unique;

pub(super) async fn races<S: SessionStore + RevocationStore>(case: &Case<S>) {
    let ada = case.key("ada");
    let first = case.put(case.write(&ada, b"first")).await;
    let steps: Vec<_> = (0_u8..64)
        .map(|n| {
            let mut next = case.next(&first, &[n]);
            next.version = 100 + u64::from(n);
            case.step(vec![next])
        })
        .collect();
    let answers = join_all(steps.iter().map(|step| case.store.commit(step))).await;
    let mut won = Vec::new();
    let rule = "of 64 that replace one record exactly one does";
    for (step, answer) in steps.iter().zip(answers) {
        match case.ok(rule, answer) {
            Committed::Done => won.push(&step.writes[0]),
            Committed::Conflict => {}
            other => case.fail(rule, &format!("{other:?}")),
        }
    }
    match won.as_slice() {
        [write] => case.expect_kept(rule, write).await,
        _ => case.fail(rule, &format!("{} that did", won.len())),
    }

    let index = case.key("crowd");
    let steps = (0_u8..32).map(|n| {
        let mut step = case.step(vec![case.write(&index, &[n])]);
        step.limit = Some(Limit { index: index.clone(), most: 4 });
        step
    });
    let steps: Vec<_> = steps.collect();
    let rule = "of 32 that begin under a limit of 4 exactly 4 do";
    let answers = join_all(steps.iter().map(|step| case.store.commit(step))).await;
    let done = answers.into_iter().map(|answer| case.ok(rule, answer));
    let done = done.filter(|answer| *answer == Committed::Done).count();
    let listed = case.listed(&index, case.at(0)).await.len();
    if (done, listed) != (4, 4) {
        case.fail(rule, &format!("{done}, and {listed} listed"));
    }

    for _ in 0..8 {
        let write = case.put(case.write(&ada, b"live")).await;
        let token = TokenIdentity::new().with_session_id(write.id.as_str());
        let mut refresh = case.step(vec![case.next(&write, b"next")]);
        refresh.unless_revoked = Some(token.clone().into_owned());
        let revocation = Revocation::session(write.id.as_str(), case.at(7200));
        let both = join(case.store.commit(&refresh), case.store.revoke(&revocation)).await;
        let rule = "after a revocation no step is taken that it covers";
        let (first, ()) = (case.ok(rule, both.0), case.ok(rule, both.1));
        let last = if first == Committed::Done { &refresh.writes[0] } else { &write };
        let mut again = case.step(vec![case.next(last, b"again")]);
        again.unless_revoked = refresh.unless_revoked.clone();
        case.commit(rule, &again, Committed::Revoked).await;
    }
}

pub(super) async fn refresh_races<S: SessionStore + RevocationStore>(case: &Case<S>) {
    for (retries, granted) in [(None, 1), (Some(0), 1), (Some(2), 3)] {
        let world = case.world_of(&unique("https://id.test/"), |builder| match retries {
            None => builder.grace(std::time::Duration::ZERO),
            Some(retries) => builder.retries(retries),
        });
        let first = case.begin(&world, "ada").await;
        let answers = join_all((0..64).map(|_| world.refresh(&first))).await;
        let rule = "of 64 that refresh at once as many win as are allowed, and of one generation";
        let mut won = Vec::new();
        let (mut later, mut refused) = (0, 0);
        for answer in answers {
            match answer {
                Ok(tokens) => won.push(tokens),
                Err(error) => match error.kind() {
                    SessionErrorKind::Unavailable => later += 1,
                    SessionErrorKind::InvalidGrant => refused += 1,
                    _ => case.fail(rule, &format!("{error:?}")),
                },
            }
        }
        case.expect(rule, won.iter().all(|tokens| tokens.session().generation == 1));
        if won.len() != granted || later + refused != 64 - granted {
            case.fail(rule, &format!("{} winners", won.len()));
        }
        if retries.is_none() {
            let rule = "without grace a crowd is theft, and told of";
            case.expect(rule, later == 0 && world.told("reused") >= 1);
            case.expect(rule, case.is_revoked(first.session().id.as_str()).await);
            for tokens in &won {
                case.refused(rule, &world, tokens).await;
            }
        } else {
            let rule = "a lawful crowd ends nothing, and any token that was given out counts";
            case.expect(rule, refused == 0 && world.told("reused") == 0);
            if let Some(last) = won.last() {
                let next = case.refresh(rule, &world, last).await;
                case.expect(rule, next.session().generation == 2);
            }
        }
    }
}

pub(super) async fn ending_races<S: SessionStore + RevocationStore>(case: &Case<S>) {
    for round in 0..8 {
        let world = case.world();
        let tokens = case.begin(&world, "ada").await;
        let id = tokens.session().id.as_str();
        let end = async {
            if round % 2 == 0 {
                let ended = world.sessions.end_all("ada").await;
                case.ok("all sessions end", ended).sessions.len() == 1
            } else {
                let ended = world.sessions.end_session("ada", id).await;
                case.ok("a session ends", ended).was_live()
            }
        };
        let (either, ended) = join(world.refresh(&tokens), end).await;
        // A refresh may have met the epoch, and have ended it itself.
        case.expect("logout ends the session", ended || (round % 2 == 0 && either.is_err()));
        let rule = "whichever came first, the session has ended";
        case.refused(rule, &world, &tokens).await;
        if let Ok(next) = &either {
            case.refused(rule, &world, next).await;
        }
        case.expect(rule, case.is_revoked(id).await);
        case.expect_listed(rule, &world, "ada", &[]).await;
    }
    let world = case.world();
    let old = world.clock_now();
    world.pass(1);
    let begin = |_| {
        let new = NewSession::new("ada", "web").authenticated_at(old);
        world.sessions.begin(new)
    };
    let all = world.sessions.end_all("ada");
    let (begun, ended) = join(join_all((0..16).map(begin)), all).await;
    let _ = case.ok("all sessions end", ended);
    let rule = "a session that was authenticated before all ended is over, or never begins";
    for answer in begun {
        match answer {
            Ok(tokens) => case.refused(rule, &world, &tokens).await,
            Err(error) if error.kind() == SessionErrorKind::InvalidGrant => {}
            Err(error) => case.fail(rule, &format!("{error:?}")),
        }
    }
    case.expect_listed(rule, &world, "ada", &[]).await;
}
