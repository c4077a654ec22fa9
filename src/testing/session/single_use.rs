//! Single-use tokens over the store.

use std::time::Duration;

use futures_util::future::join_all;

use super::case::{Case, World};
use crate::issuer::session::SessionStore;
use crate::issuer::single_use::{SingleUse, SingleUseError, SingleUseErrorKind, SingleUseToken};
use crate::revocation::{Revocation, RevocationStore};
use crate::testing::unique;

const HOUR: Duration = Duration::from_secs(60 * 60);
const RESET: &str = "reset \"{é}\n\0";

struct Links<'a, S> {
    case: &'a Case<S>,
    links: SingleUse,
}

impl<'a, S: SessionStore + RevocationStore> Links<'a, S> {
    fn new(case: &'a Case<S>, world: &World, issuer: &str) -> Self {
        let links = SingleUse::new(issuer, std::sync::Arc::clone(&case.store));
        Self { case, links: links.clock(world.clock.clone()) }
    }

    fn ok<T>(&self, rule: &str, answer: Result<T, SingleUseError>) -> T {
        self.case.ok(rule, answer)
    }

    fn refused<T>(&self, rule: &str, answer: Result<T, SingleUseError>) {
        match answer {
            Err(error) if error.kind() == SingleUseErrorKind::Rejected => {}
            Err(error) => self.case.fail(rule, &format!("{error:?}")),
            Ok(_) => self.case.fail(rule, "that it was accepted"),
        }
    }

    async fn of(&self, subject: &str, payload: &str) -> SingleUseToken {
        let minted = self.links.subject(subject).mint(RESET, payload, HOUR).await;
        self.ok("a token is minted", minted)
    }

    async fn redeem(&self, token: &SingleUseToken) -> Result<String, SingleUseError> {
        self.links.redeem(RESET, token.expose_secret()).await
    }

    async fn accepted(&self, rule: &str, token: &SingleUseToken, payload: &str) {
        let found = self.ok(rule, self.redeem(token).await);
        self.case.expect(rule, found == payload);
    }
}

pub(super) async fn single_use<S: SessionStore + RevocationStore>(case: &Case<S>) {
    let issuer = unique("https://id.test/");
    let world = case.world_of(&issuer, |builder| builder);
    let links = Links::new(case, &world, &issuer);
    let (ada, bob) = (unique("ada"), unique("bob"));
    let alone = links.links.mint(RESET, "alone", HOUR).await;
    let alone = links.ok("a token is minted", alone);
    let large = "x".repeat(16 * 1024 - 2);
    let (first, bobs) = (links.of(&ada, &large).await, links.of(&bob, "bob").await);
    let rule = "a single-use token is no use for another purpose, and stays";
    let elsewhere = links.links.redeem::<String>("other", first.expose_secret()).await;
    links.refused(rule, elsewhere);
    let stranger = Links::new(case, &world, &unique("https://id.test/"));
    links.refused("nor at another issuer", stranger.redeem(&first).await);
    links.accepted("a payload comes back as it was given", &first, &large).await;
    links.refused("a single-use token is redeemed once", links.redeem(&first).await);
    let rule = "of 16 that redeem one token at once exactly one does";
    for token in [links.of(&ada, "ada").await, alone] {
        let answers = join_all((0..16).map(|_| links.redeem(&token))).await;
        let won = answers.iter().filter(|answer| answer.is_ok()).count();
        case.expect(rule, won == 1);
        for answer in answers.into_iter().filter(Result::is_err) {
            links.refused(rule, answer);
        }
    }
    let rule = "a newer single-use token replaces the older";
    let (older, newer) = (links.of(&ada, "1").await, links.of(&ada, "2").await);
    links.refused(rule, links.redeem(&older).await);
    links.accepted(rule, &newer, "2").await;
    let (token, code) = (links.of(&ada, "3").await, links.links.subject(&ada));
    let typed = links.ok("a code is minted", code.mint_code("type", "4", HOUR).await);
    let revoked = code.revoke().await;
    links.ok("a group is revoked", revoked);
    links.refused("nothing of a revoked group is left", links.redeem(&token).await);
    let again = code.redeem_code::<String>("type", typed.expose_secret()).await;
    links.refused("nothing of a revoked group is left", again);
    links.accepted("other groups are let alone", &bobs, "bob").await;

    let rule = "with the last wrong try a code is dead";
    for wrong in [4, 5] {
        let typed = links.ok("a code is minted", code.mint_code("type", "5", HOUR).await);
        let right = typed.expose_secret();
        let odd = if right == "000000" { "000001" } else { "000000" };
        for _ in 0..wrong {
            links.refused("a wrong code", code.redeem_code::<String>("type", odd).await);
        }
        let answer = code.redeem_code::<String>("type", right).await;
        if wrong == 4 {
            case.expect(rule, links.ok(rule, answer) == "5");
        } else {
            links.refused(rule, answer);
        }
    }
    let (late, later) = (links.of(&ada, "late").await, links.of(&bob, "late").await);
    world.clock.advance(HOUR - Duration::from_millis(1));
    links.accepted("a token counts to its last moment", &late, "late").await;
    world.clock.advance(Duration::from_millis(1));
    links.refused("and no longer", links.redeem(&later).await);
    let _ = links.of(&bob, "what has expired is in nobody's way").await;
}

/// One word, one reach: what ends all that a subject has ends these too.
pub(super) async fn single_use_of_subjects<S: SessionStore + RevocationStore>(case: &Case<S>) {
    let issuer = unique("https://id.test/");
    let world = case.world_of(&issuer, |builder| builder);
    let links = Links::new(case, &world, &issuer);
    let (ada, bob, eve) = (unique("ada"), unique("bob"), unique("eve"));
    let (link, bobs) = (links.of(&ada, "ada").await, links.of(&bob, "bob").await);
    let code = links.links.subject(&ada).mint_code("type", "ada", HOUR).await;
    let code = links.ok("a code is minted", code);
    let address = links.links.group(&ada).mint(RESET, "address", HOUR).await;
    let address = links.ok("a token is minted", address);
    world.pass(1);
    let rule = "the end of all that a subject has ends their single-use tokens";
    let ended = world.sessions.end_all(&ada).await;
    case.expect(rule, case.ok(rule, ended).sessions.is_empty());
    links.refused(rule, links.redeem(&link).await);
    let typed = links.links.subject(&ada).redeem_code::<String>("type", code.expose_secret()).await;
    links.refused(rule, typed);
    let after = links.of(&ada, "after").await;
    links.accepted("what is minted afterwards counts", &after, "after").await;
    links.accepted("others' are let alone, and what is of no subject", &bobs, "bob").await;
    links.accepted("others' are let alone, and what is of no subject", &address, "address").await;

    let rule = "a revocation that comes alone outlives the single-use tokens that it covers";
    let passed = case.at(0).saturating_sub(Duration::from_secs(5));
    let old = links.links.subject(&eve).version(6).mint(RESET, "eve", HOUR).await;
    let (old, link) = (links.ok("a token is minted", old), links.of(&bob, "bob").await);
    case.revoke(rule, &Revocation::subject(&*bob, case.at(5), passed).issuer(&*issuer)).await;
    case.revoke(rule, &Revocation::version(&*eve, 7, passed)).await;
    world.pass(3_000);
    links.refused(rule, links.redeem(&link).await);
    links.refused(rule, links.redeem(&old).await);
    let new = links.links.subject(&eve).version(7).mint(RESET, "eve", HOUR).await;
    let new = links.ok("a token of the version that lives is minted", new);
    links.accepted("a token of the version that lives counts", &new, "eve").await;
}
