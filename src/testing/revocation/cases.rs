//! The cases, one rule or a few each.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;

use crate::clock::UnixTime;
use crate::revocation::{
    Identifiers, Revocation, RevocationStatus, RevocationStore, StoreErrorKind, TokenIdentity,
};

/// A kind of revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// [`Revocation::token`].
    Token,
    /// [`Revocation::session`].
    Session,
    /// [`Revocation::subject`].
    Subject,
    /// [`Revocation::version`].
    Version,
}

impl Kind {
    /// Every kind there is.
    pub const ALL: [Self; 4] = [Self::Token, Self::Session, Self::Subject, Self::Version];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Token => "token id",
            Self::Session => "session id",
            Self::Subject => "subject",
            Self::Version => "version",
        }
    }

    /// A revocation of this kind that covers [`Self::token`].
    pub(super) fn revocation(self, id: &str, keep_until: UnixTime) -> Revocation {
        match self {
            Self::Token => Revocation::token(id, keep_until),
            Self::Session => Revocation::session(id, keep_until),
            Self::Subject => Revocation::subject(id, UnixTime::from_secs(1000), keep_until),
            Self::Version => Revocation::version(id, 10, keep_until),
        }
    }

    pub(super) fn token(self, id: &str) -> TokenIdentity<'_> {
        let subject = TokenIdentity::new()
            .with_subject(id)
            .with_issued_at(UnixTime::from_secs(999))
            .with_token_version(9);
        match self {
            Self::Token => TokenIdentity::new().with_token_id(id),
            Self::Session => TokenIdentity::new().with_session_id(id),
            Self::Subject | Self::Version => subject,
        }
    }
}

/// A store, and identifiers that nobody else uses.
pub(super) struct Stage<S> {
    name: &'static str,
    store: S,
    keep_until: UnixTime,
    unique: String,
}

impl<S: RevocationStore> Stage<S> {
    pub(super) async fn new<F, Fut>(
        name: &'static str,
        make_store: &F,
        keep_until: UnixTime,
    ) -> Self
    where
        F: Fn() -> Fut,
        Fut: Future<Output = S>,
    {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self {
            name,
            store: make_store().await,
            keep_until,
            unique: format!("{:016x}-{count}", RandomState::new().hash_one(count)),
        }
    }

    pub(super) fn id(&self, name: &str) -> String {
        format!("{}-{name}", self.unique)
    }

    pub(super) async fn expect(&self, rule: &str, token: TokenIdentity<'_>, revoked: bool) {
        let expected = RevocationStatus::revoked_if(revoked);
        match self.store.status(&token).await {
            Ok(status) if status == expected => {}
            Ok(status) => self.fail(rule, &format!("{status:?} for {token:?}")),
            Err(error) => self.fail(rule, &format!("{error:?} for {token:?}")),
        }
    }

    pub(super) async fn revoke(&self, revocation: Revocation) {
        if let Err(error) = self.store.revoke(&revocation).await {
            self.fail("a revocation is taken", &format!("{error:?}: {revocation:?}"));
        }
    }

    fn fail(&self, rule: &str, found: &str) -> ! {
        panic!("revocation store, {}: broken rule: {rule}; found {found}", self.name)
    }

    /// Whether the store has this kind, which it must if it was said to.
    pub(super) async fn must_support(&self, kind: Kind) {
        if !self.supports(kind).await {
            self.fail("this kind of revocation has to be held", "it is not supported");
        }
    }

    async fn takes(&self, revocation: Revocation) -> bool {
        match self.store.revoke(&revocation).await {
            Ok(()) => true,
            Err(error) if error.kind() == StoreErrorKind::Unsupported => false,
            Err(error) => self.fail("a revocation is taken", &format!("{error:?}")),
        }
    }

    pub(super) async fn supports(&self, kind: Kind) -> bool {
        self.takes(kind.revocation(&self.id("probe"), self.keep_until)).await
    }

    pub(super) async fn supports_issuers(&self, kind: Kind) -> bool {
        let revocation = kind.revocation(&self.id("probe"), self.keep_until);
        self.takes(revocation.issuer(self.id("issuer"))).await
    }

    pub(super) async fn revokes(&self, kind: Kind) {
        let (id, other) = (self.id("one"), self.id("other"));
        self.expect("what nobody revoked is active", kind.token(&id), false).await;
        for _ in 0..2 {
            self.revoke(kind.revocation(&id, self.keep_until)).await;
            let token = kind.token(&id);
            self.expect("what was revoked is revoked", token.clone(), true).await;
            let rule = "a revocation without an issuer holds for every issuer";
            self.expect(rule, token.clone().with_issuer("https://a.example"), true).await;
            let rule = "expiry of the token does not lift its revocation";
            self.expect(rule, token.clone().with_expires_at(UnixTime::from_secs(1)), true).await;
            let rule = "a revocation leaves other identifiers alone";
            self.expect(rule, kind.token(&other), false).await;
        }
        let rule = "one identifier of several is enough";
        let full = kind.token(&id);
        let full = match kind {
            Kind::Token => full.with_session_id(other.as_str()).with_subject(other.as_str()),
            Kind::Session => full.with_token_id(other.as_str()).with_subject(other.as_str()),
            _ => full.with_token_id(other.as_str()).with_session_id(other.as_str()),
        };
        self.expect(rule, full, true).await;
    }

    pub(super) async fn odd_identifiers(&self, kind: Kind) {
        let unique = &self.unique;
        let long = format!("{unique}{}", "x".repeat(16 * 1024));
        let odd = [
            String::new(),
            format!("{unique}\0"),
            format!("{unique}\0\0"),
            format!("{unique}:"),
            format!(":{unique}"),
            format!("{unique}*"),
            format!("{{{unique}}}"),
            format!("{unique}\r\n DEL x"),
            format!("{unique}' OR 1=1 --"),
            format!("{unique}/../x"),
            format!("{unique}%00"),
            format!("{unique} "),
            format!("{unique}é"),
            format!("{unique}e\u{301}"),
            format!("{unique}🦀\u{202e}"),
            format!("{unique}A"),
            format!("{unique}a"),
            format!("{long}1"),
            format!("{long}2"),
        ];
        // The empty one may have been revoked by an earlier run on a shared server.
        for (number, id) in odd.iter().enumerate() {
            let rule = "odd identifiers are kept apart";
            if number > 0 {
                self.expect(rule, kind.token(id), false).await;
            }
            self.revoke(kind.revocation(id, self.keep_until)).await;
            let rule = "any identifier up to 16 KiB can be revoked";
            self.expect(rule, kind.token(id), true).await;
        }
        let rule = "an identifier that is empty is not one that is absent";
        self.expect(rule, TokenIdentity::new(), false).await;
    }

    pub(super) async fn scoped(&self, kind: Kind) {
        let id = self.id("scoped");
        let of = |issuer| kind.token(&id).with_issuer(issuer);
        let revocation = kind.revocation(&id, self.keep_until);
        self.revoke(revocation.clone().issuer("https://a.example")).await;
        let rule = "a revocation of one issuer holds for its tokens";
        self.expect(rule, of("https://a.example"), true).await;
        let rule = "a revocation of one issuer leaves others alone";
        self.expect(rule, of("https://a.example/"), false).await;
        self.expect(rule, of("https://b.example"), false).await;
        self.expect(rule, of(""), false).await;
        self.expect(rule, kind.token(&id), false).await;

        let left = self.id("a:b");
        let (short, rest) = (self.id("a"), "b:c");
        let revocation = kind.revocation("c", self.keep_until).issuer(&*left);
        self.revoke(revocation).await;
        let rule = "issuer and identifier are kept apart, whatever characters they hold";
        self.expect(rule, kind.token("c").with_issuer(left.as_str()), true).await;
        self.expect(rule, kind.token(rest).with_issuer(short.as_str()), false).await;
        let joined = format!("{left}:c");
        self.expect(rule, kind.token(&joined), false).await;
        self.expect(rule, kind.token(&joined).with_issuer(""), false).await;
    }

    pub(super) async fn concurrent(&self, kind: Kind) {
        let ids: Vec<_> = (0..64).map(|number| self.id(&number.to_string())).collect();
        join_all(ids.iter().flat_map(|id| {
            // Each is revoked twice at the same time, on top.
            let revocation = || kind.revocation(id, self.keep_until);
            [self.revoke(revocation()), self.revoke(revocation())]
        }))
        .await;
        let rule = "of concurrent revocations every one takes effect";
        let all = ids.iter().map(|id| self.expect(rule, kind.token(id), true));
        join_all(all).await;
    }

    pub(super) async fn epoch_boundary(&self) {
        let id = self.id("epoch");
        let at = |millis| UnixTime::from_duration(Duration::from_millis(millis));
        let issued = |millis| {
            let token = TokenIdentity::new().with_subject(id.as_str());
            token.with_issued_at(at(millis))
        };
        self.revoke(Revocation::subject(&*id, at(100_500), self.keep_until)).await;
        let rule = "an iat before the epoch is revoked, in the same second too";
        for millis in [0, 99_999, 100_000, 100_499] {
            self.expect(rule, issued(millis), true).await;
        }
        let rule = "an iat at the epoch or after it is active";
        for millis in [100_500, 100_501, 101_000, 200_000] {
            self.expect(rule, issued(millis), false).await;
        }
        let rule = "a token of a subject with an epoch is revoked if it has no iat";
        let token = TokenIdentity::new().with_subject(id.as_str());
        self.expect(rule, token.clone(), true).await;
        let nanos = Duration::from_millis(300_000) + Duration::from_nanos(1);
        let epoch = UnixTime::from_duration(nanos);
        self.revoke(Revocation::subject(&*id, epoch, self.keep_until)).await;
        let rule = "an epoch is never rounded down";
        self.expect(rule, issued(300_000), true).await;
        let rule = "an epoch is rounded up by a millisecond at most";
        self.expect(rule, issued(300_002), false).await;
        let rule = "an epoch may lie beyond all tokens";
        self.revoke(Revocation::subject(&*id, UnixTime::MAX, self.keep_until)).await;
        self.expect(rule, issued(4_000_000_000_000), true).await;
    }

    pub(super) async fn epoch_stays(&self) {
        let id = self.id("epoch again");
        let token = TokenIdentity::new().with_subject(id.as_str());
        for (epoch, dead, alive) in [(100, 99, 100), (50, 99, 100), (150, 149, 150)] {
            let epoch = UnixTime::from_secs(epoch);
            self.revoke(Revocation::subject(&*id, epoch, self.keep_until)).await;
            let rule = "the later of two epochs holds";
            let dead = UnixTime::from_secs(dead);
            self.expect(rule, token.clone().with_issued_at(dead), true).await;
            let alive = UnixTime::from_secs(alive);
            self.expect(rule, token.clone().with_issued_at(alive), false).await;
        }
        let epochs = (0..32).map(|number| {
            let epoch = UnixTime::from_secs(1000 + number * 7 % 32);
            self.revoke(Revocation::subject(&*id, epoch, self.keep_until))
        });
        join_all(epochs).await;
        let rule = "of concurrent epochs the latest holds";
        let at = UnixTime::from_secs;
        self.expect(rule, token.clone().with_issued_at(at(1030)), true).await;
        self.expect(rule, token.clone().with_issued_at(at(1031)), false).await;
    }

    pub(super) async fn version_boundary(&self) {
        let id = self.id("version");
        let token = TokenIdentity::new().with_subject(id.as_str());
        self.revoke(Revocation::version(&*id, 5, self.keep_until)).await;
        let rule = "a lower version is revoked, the minimum is not";
        for (version, revoked) in [(0, true), (4, true), (5, false), (u64::MAX, false)] {
            let token = token.clone().with_token_version(version);
            self.expect(rule, token, revoked).await;
        }
        let rule = "a token of a subject with a minimum version is revoked if it has none";
        self.expect(rule, token.clone(), true).await;
        let large = u64::MAX - 1;
        self.revoke(Revocation::version(&*id, large, self.keep_until)).await;
        let rule = "a version is held in 64 bits";
        self.expect(rule, token.clone().with_token_version(large - 1), true).await;
        self.expect(rule, token.clone().with_token_version(large), false).await;
    }

    pub(super) async fn version_stays(&self) {
        let id = self.id("version again");
        let token = TokenIdentity::new().with_subject(id.as_str());
        for minimum in [7, 3] {
            self.revoke(Revocation::version(&*id, minimum, self.keep_until)).await;
        }
        let rule = "the higher of two minimum versions holds";
        self.expect(rule, token.clone().with_token_version(6), true).await;
        self.expect(rule, token.clone().with_token_version(7), false).await;
    }

    pub(super) async fn kinds_are_apart(&self, kinds: &[Kind]) {
        let at = UnixTime::from_secs(5000);
        let rule = "the same text as another kind of identifier is another identifier";
        for kind in kinds {
            let id = self.id(kind.name());
            self.revoke(kind.revocation(&id, self.keep_until)).await;
            let mut others = vec![
                TokenIdentity::new().with_token_id(id.as_str()),
                TokenIdentity::new().with_session_id(id.as_str()),
                TokenIdentity::new()
                    .with_subject(id.as_str())
                    .with_issued_at(at)
                    .with_token_version(50),
            ];
            match kind {
                Kind::Token => drop(others.remove(0)),
                Kind::Session => drop(others.remove(1)),
                // The subject's own token is past either bound.
                Kind::Subject | Kind::Version => {}
            }
            for other in others {
                self.expect(rule, other.with_issuer(id.as_str()), false).await;
            }
        }
    }

    pub(super) async fn required(&self) {
        let required = self.store.required_identifiers();
        if required.is_empty() {
            let rule = "something is required, or nobody notices a token that cannot be revoked";
            self.fail(rule, "nothing");
        }
        if required != self.store.required_identifiers() {
            self.fail("what is required does not change", "two answers");
        }
        let id = self.id("required");
        let mut token = TokenIdentity::new();
        if required.contains(Identifiers::TOKEN_ID) {
            token = token.with_token_id(id.as_str());
        }
        if required.contains(Identifiers::SESSION_ID) {
            token = token.with_session_id(id.as_str());
        }
        if required.contains(Identifiers::SUBJECT) {
            token = token.with_subject(id.as_str());
        }
        if required.contains(Identifiers::ISSUED_AT) {
            token = token.with_issued_at(UnixTime::from_secs(1));
        }
        if required.contains(Identifiers::TOKEN_VERSION) {
            token = token.with_token_version(1);
        }
        let rule = "a token that carries what is required is decided on";
        self.expect(rule, token, false).await;
    }
}
