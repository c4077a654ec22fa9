//! Clients: they log in, refresh, lose answers, log out by each API, and use tokens at any node. And
//! thieves, who use what is spent or dead.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::http::Caller;
use crate::history::{At, Call, End, Outcome, RefreshIx, SessionIx};
use crate::rng::Rng;

/// Sessions that are wanted at most.
const MOST_LIVE: usize = 240;
const TENANTS: u64 = 2;
const SUBJECTS: u64 = 8;
/// A subject is used for so long, then there are new ones: the number of its sessions stays small.
const ERA: At = 8_000_000;

#[derive(Clone)]
pub struct Client {
    caller: Caller,
    rng: Rng,
    stop: Arc<AtomicBool>,
    /// How long revocations took until other nodes refused, in microseconds.
    effects: Arc<Mutex<Vec<At>>>,
    pause: At,
}

impl Client {
    pub fn new(
        caller: Caller,
        rng: Rng,
        stop: Arc<AtomicBool>,
        effects: Arc<Mutex<Vec<At>>>,
        pause: At,
    ) -> Self {
        Self { caller, rng, stop, effects, pause }
    }

    pub async fn run(mut self) {
        while !self.stop.load(Ordering::Relaxed) {
            self.act().await;
            let pause = self.rng.range(self.pause / 2, self.pause * 3 / 2);
            self.caller.shared.sleep(pause).await;
        }
    }

    fn node(&mut self) -> u8 {
        u8::try_from(self.rng.index(usize::from(self.caller.nodes.len()))).unwrap_or_default()
    }

    async fn act(&mut self) {
        match self.rng.range(0, 100) {
            0..18 => self.log_in().await,
            18..36 => self.use_live().await,
            36..60 => self.refresh_live().await,
            60..72 => self.end_something().await,
            72..86 => self.use_dead().await,
            86..93 => self.refresh_dead().await,
            93..97 => self.steal().await,
            97..99 => self.list().await,
            _ => self.reach_across().await,
        }
    }

    async fn log_in(&mut self) {
        let era = u32::try_from(self.caller.now() / ERA).unwrap_or_default();
        let tenant = u8::try_from(self.rng.range(0, TENANTS)).unwrap_or_default();
        let subject = u32::try_from(self.rng.range(0, SUBJECTS)).unwrap_or_default() + era * 100;
        let version = {
            let mut world = self.caller.shared.world();
            if world.live.len() >= MOST_LIVE
                && let Some(old) = world.pick_live(&mut self.rng)
            {
                // nobody ended it; it is only not wanted any more
                world.live.retain(|live| *live != old);
            }
            world.version(tenant, subject)
        };
        let node = self.node();
        self.caller.call(node, Call::Login { tenant, subject, version }).await;
    }

    async fn use_live(&mut self) {
        let token = {
            let world = self.caller.shared.world();
            let session = world.pick_live(&mut self.rng);
            session.and_then(|ix| self.rng.pick(&world.sides[ix as usize].accesses).copied())
        };
        let node = self.node();
        if let Some(token) = token {
            self.caller.call(node, Call::Use { token }).await;
        }
    }

    async fn use_dead(&mut self) {
        let token = {
            let world = self.caller.shared.world();
            let session = world.pick_dead(&mut self.rng);
            session.and_then(|ix| self.rng.pick(&world.sides[ix as usize].accesses).copied())
        };
        let node = self.node();
        if let Some(token) = token {
            self.caller.call(node, Call::Use { token }).await;
        }
    }

    fn tenant_of(&self, token: RefreshIx) -> u8 {
        let world = self.caller.shared.world();
        world.history.session(world.history.refresh(token).session).tenant
    }

    async fn present(&mut self, token: RefreshIx) -> Outcome {
        let (tenant, node) = (self.tenant_of(token), self.node());
        self.caller.call(node, Call::Refresh { tenant, token }).await
    }

    async fn refresh_live(&mut self) {
        let found = {
            let mut world = self.caller.shared.world();
            let Some(session) = world.pick_live(&mut self.rng) else { return };
            let side = &mut world.sides[session as usize];
            if side.busy {
                return;
            }
            side.busy = true;
            side.tokens.last().map(|token| (session, *token))
        };
        let Some((session, token)) = found else { return };
        let dice = self.rng.range(0, 100);
        if dice < 8 {
            self.hang_up(token).await;
        } else if dice < 11 {
            // tabs that refresh at the same time
            let (mut other, mut third) = (self.fork(), self.fork());
            tokio::join!(self.present(token), other.present(token), third.present(token));
        }
        let mut tries = 0;
        if dice >= 11 {
            while let Outcome::Unavailable | Outcome::Unknown | Outcome::NotSent =
                self.present(token).await
            {
                tries += 1;
                if tries >= 4 || self.stop.load(Ordering::Relaxed) {
                    break;
                }
                self.caller.shared.sleep(150_000 * tries).await;
            }
        }
        let mut world = self.caller.shared.world();
        world.sides[session as usize].busy = false;
    }

    fn fork(&mut self) -> Self {
        let rng = self.rng.fork(1);
        Self { rng, ..self.clone() }
    }

    /// Sends it, does not wait for the answer, and often tries again with the same token.
    async fn hang_up(&mut self, token: RefreshIx) {
        let (tenant, node) = (self.tenant_of(token), self.node());
        let patience = Duration::from_micros(self.rng.range(200, 6_000));
        let call = Call::Refresh { tenant, token };
        self.caller.call_within(node, call, patience).await;
        if self.rng.percent(70) {
            self.present(token).await;
        }
    }

    /// A copied token that its owner has used, or will find used.
    async fn steal(&mut self) {
        let token = {
            let world = self.caller.shared.world();
            let Some(session) = world.pick_live(&mut self.rng) else { return };
            let tokens = &world.sides[session as usize].tokens;
            self.rng.pick(tokens).copied()
        };
        let Some(token) = token else { return };
        if self.rng.percent(30) {
            self.hang_up(token).await;
        }
        // who gets no answer tries again: then, at the latest, it has to be told
        for pause in [20_000, 300_000, 1_200_000] {
            match self.present(token).await {
                Outcome::Unavailable | Outcome::Unknown | Outcome::NotSent => {}
                _ => return,
            }
            self.caller.shared.sleep(pause).await;
        }
    }

    async fn refresh_dead(&mut self) {
        let token = {
            let world = self.caller.shared.world();
            let Some(session) = world.pick_dead(&mut self.rng) else { return };
            let tokens = &world.sides[session as usize].tokens;
            if self.rng.percent(80) {
                tokens.last().copied()
            } else {
                self.rng.pick(tokens).copied()
            }
        };
        if let Some(token) = token {
            self.present(token).await;
        }
    }

    async fn list(&mut self) {
        let session = {
            let world = self.caller.shared.world();
            let dead = self.rng.percent(60);
            let ix =
                if dead { world.pick_dead(&mut self.rng) } else { world.pick_live(&mut self.rng) };
            ix.map(|ix| world.history.session(ix).clone())
        };
        let node = self.node();
        if let Some(session) = session {
            let (tenant, subject) = (session.tenant, session.subject);
            self.caller.call(node, Call::List { tenant, subject }).await;
        }
    }

    /// One tenant's tokens and ids at the other's endpoint.
    async fn reach_across(&mut self) {
        let (session, tenant, token) = {
            let world = self.caller.shared.world();
            let Some(session) = world.pick_live(&mut self.rng) else { return };
            let token = world.sides[session as usize].tokens.last().copied();
            (session, 1 - world.history.session(session).tenant, token)
        };
        let Some(token) = token else { return };
        let call = match self.rng.range(0, 4) {
            0 => Call::End { tenant, end: End::ByToken(token), short: false },
            1 => Call::End { tenant, end: End::BySid(session), short: false },
            _ => Call::Refresh { tenant, token },
        };
        let node = self.node();
        self.caller.call(node, call).await;
    }

    async fn end_something(&mut self) {
        let Some((session, end)) = self.choose_end() else { return };
        let (tenant, subject) = {
            let world = self.caller.shared.world();
            let session = world.history.session(session);
            (session.tenant, session.subject)
        };
        let short = self.rng.percent(25);
        let node = self.node();
        let mut outcome = self.caller.call(node, Call::End { tenant, end, short }).await;
        for _ in 0..2 {
            if outcome != Outcome::Unavailable {
                break;
            }
            self.caller.shared.sleep(100_000).await;
            let node = self.node();
            outcome = self.caller.call(node, Call::End { tenant, end, short }).await;
        }
        let done = self.caller.now();
        let witness = {
            let mut world = self.caller.shared.world();
            match end {
                End::RevokeToken(_) => {}
                End::All { .. } | End::RevokeSubject { .. } | End::RevokeVersion { .. } => {
                    world.bury_subject(tenant, subject, None);
                }
                End::AllBut(spared) => world.bury_subject(tenant, subject, Some(spared)),
                _ => world.bury(session),
            }
            match end {
                End::RevokeToken(token) => Some(token),
                End::AllBut(_) => None,
                _ => world.sides[session as usize].accesses.first().copied(),
            }
        };
        if let (Outcome::Done { .. }, Some(token)) = (outcome, witness)
            && self.rng.percent(25)
        {
            for other in (0..self.caller.nodes.len()).filter(|other| *other != node) {
                let client = self.fork();
                tokio::spawn(client.probe(other, token, done));
            }
        }
    }

    /// How long a node goes on accepting it.
    async fn probe(self, node: u8, token: u32, done: At) {
        while self.caller.now() < done + 4_000_000 {
            let asked = self.caller.now();
            if self.caller.call(node, Call::Use { token }).await != Outcome::Accepted {
                let effect = asked.saturating_sub(done);
                self.effects.lock().unwrap_or_else(PoisonError::into_inner).push(effect);
                return;
            }
            self.caller.shared.sleep(4_000).await;
        }
    }

    fn choose_end(&mut self) -> Option<(SessionIx, End)> {
        let mut world = self.caller.shared.world();
        let session = world.pick_live(&mut self.rng)?;
        let (tenant, subject) = {
            let session = world.history.session(session);
            (session.tenant, session.subject)
        };
        let side = &world.sides[session as usize];
        let end = match self.rng.range(0, 15) {
            0..3 => End::ByToken(*self.rng.pick(&side.tokens)?),
            3..5 => End::BySid(session),
            5..7 => End::OfSubject(session),
            7 => End::All { tenant, subject },
            8 => End::AllBut(session),
            9..11 => End::RevokeToken(*side.accesses.last()?),
            11..13 => End::RevokeSession(session),
            13 => End::RevokeSubject { tenant, subject },
            _ => {
                let minimum = world.version(tenant, subject) + 1;
                world.versions.insert((tenant, subject), minimum);
                End::RevokeVersion { tenant, subject, minimum }
            }
        };
        Some((session, end))
    }
}
