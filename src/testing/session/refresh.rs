//! Refresh tokens over the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::case::Case;
use crate::clock::UnixTime;
use crate::issuer::session::{
    BoundKey, Commit, Committed, IndexKey, NewSession, Page, RefreshRequest, SessionErrorKind,
    SessionId, SessionStore, StoredSession,
};
use crate::revocation::{
    Identifiers, Revocation, RevocationStatus, RevocationStore, TokenIdentity,
};
use crate::store::StoreError;
use crate::testing::unique;

pub(super) async fn refreshes<S: SessionStore + RevocationStore>(case: &Case<S>) {
    let world = case.world();
    let key = BoundKey::jkt(&"k".repeat(43));
    let mut new = NewSession::new("ada \"{é}\"\n\0\u{1F980}", "web")
        .scope("b a")
        .device("Firefox 'on' Linux\n")
        .acr("2")
        .amr(["pwd", "otp"])
        .version(u64::MAX);
    if let Some(key) = key.clone() {
        new = new.bound_to(key);
    }
    let first = case.ok("a session begins", world.sessions.begin(new).await);
    let subject = first.session().subject.as_str();
    let listed = case.ok("sessions are listed", world.sessions.sessions(subject).await);
    case.expect("sessions are listed as they began", listed == [first.session().clone()]);
    let refresh = async |token: &str, client: &str, scope: &str, key: Option<&BoundKey>| {
        let mut request = RefreshRequest::new(token, client).scope(scope);
        if let Some(key) = key {
            request = request.proven_key(key);
        }
        world.sessions.refresh(request).await.map_err(|error| error.kind())
    };
    let (key, token) = (key.as_ref(), first.refresh_token().expose_secret());
    let grant = SessionErrorKind::InvalidGrant;
    let wrong = [
        ("another client's", refresh(token, "other", "", key).await, grant),
        ("one without proof of its key", refresh(token, "web", "", None).await, grant),
        ("a wider one", refresh(token, "web", "c", key).await, SessionErrorKind::InvalidScope),
        ("one that never was", refresh("tbr1_", "web", "", key).await, grant),
    ];
    for (what, answer, wanted) in wrong {
        let rule = format!("a token is refused and nothing has changed: {what}");
        case.expect(&rule, answer.err() == Some(wanted));
    }
    world.pass(10);
    let second = case.ok("a token is refreshed", refresh(token, "web", "a", key).await);
    let mut wanted = first.session().clone();
    wanted.generation = 1;
    wanted.last_used_at = case.at(10);
    wanted.idle_until = case.at(10_010);
    case.expect("a refreshed session says so", *second.session() == wanted);
    let listed = case.ok("sessions are listed", world.sessions.sessions(subject).await);
    case.expect("and is listed so", listed == [wanted]);
    case.expect("each is told", world.told("begun") == 1 && world.told("refreshed") == 1);
    case.expect("each is told", world.told("wrong_client") == 1 && world.told("wrong_key") == 1);

    let retried = case.ok("a lost answer is retried", refresh(token, "web", "", key).await);
    case.expect("a retry is of the same generation", retried.session().generation == 1);
    let text = retried.refresh_token().expose_secret();
    let third = case.ok("either may be used", refresh(text, "web", "", key).await);
    let left = second.refresh_token().expose_secret();
    let rule = "a token that was left behind is a spent one";
    case.expect(rule, refresh(left, "web", "", key).await.err() == Some(grant));
    let last = third.refresh_token().expose_secret();
    case.expect(rule, refresh(last, "web", "", key).await.err() == Some(grant));

    let other = case.begin(&world, "bob").await;
    world.pass(10_000);
    case.refused("a session that has idled is over", &world, &other).await;
    case.expect_listed("a session that has idled is not listed", &world, "bob", &[]).await;
}

pub(super) async fn theft<S: SessionStore + RevocationStore>(case: &Case<S>) {
    for lost in 0..5 {
        // Of the steps that the store takes the answer of this one is lost.
        let lossy = Lossy { store: Arc::clone(&case.store), countdown: AtomicU64::new(u64::MAX) };
        let lossy = Arc::new(lossy);
        let issuer = unique("https://id.test/");
        let never = std::time::Duration::ZERO;
        let world = case.world_over(Arc::clone(&lossy), &issuer, |builder| builder.grace(never));
        let first = case.begin(&world, "ada").await;
        let id = first.session().id.as_str();
        let second = case.refresh("a token is refreshed", &world, &first).await;
        lossy.countdown.store(lost, Ordering::Relaxed);
        let rule = "a spent token is refused";
        let answer = world.refresh(&first).await.err().map(|error| error.kind());
        let unavailable = Some(SessionErrorKind::Unavailable);
        let wanted = if lost == 0 { unavailable } else { Some(SessionErrorKind::InvalidGrant) };
        case.expect(rule, answer == wanted);
        let rule = "theft is told, whatever answer is lost, if not at once then later";
        case.expect(rule, world.told("reused") == usize::from(lost > 0));
        lossy.countdown.store(u64::MAX, Ordering::Relaxed);
        let later = case.world_of(&issuer, |builder| builder.grace(never));
        let told = case.ok(rule, later.sessions.tell_pending().await);
        case.expect(rule, told == later.told("reused") && told == usize::from(lost == 0));
        let again = case.ok(rule, later.sessions.tell_pending().await);
        case.expect("what was told is not told for ever", again == 0);
        let rule = "the session is over for thief and victim, and its access tokens are dead";
        case.refused(rule, &world, &second).await;
        case.refused(rule, &world, &first).await;
        case.expect(rule, case.is_revoked(id).await);
        case.expect("and nobody is told again", world.told("reused") + told <= 1);
        case.expect_listed(rule, &world, "ada", &[]).await;
    }
    let world = case.world();
    let first = case.begin(&world, "ada").await;
    let second = case.refresh("a token is refreshed", &world, &first).await;
    let third = case.refresh("a token is refreshed", &world, &second).await;
    let ended = world.sessions.end_session("ada", third.session().id.as_str()).await;
    case.expect("a session ends", case.ok("a session ends", ended).was_live());
    world.pass(9_000);
    case.refused("after logout its own client is refused", &world, &third).await;
    case.expect("which is no theft", world.told("reused") == 0);
    case.refused("after logout a spent token is refused", &world, &first).await;
    case.expect("which is theft", world.told("reused") == 1);
}

pub(super) async fn issuers<S: SessionStore + RevocationStore>(case: &Case<S>) {
    let (a, b) = (case.world(), case.world());
    let (ours, theirs) = (case.begin(&a, "42").await, case.begin(&b, "42").await);
    let rule = "another issuer does not know the session";
    case.refused(rule, &b, &ours).await;
    case.expect_listed(rule, &b, "42", &[&theirs]).await;
    let id = ours.session().id.as_str();
    let unknown = |ending: crate::issuer::session::Ending| !ending.is_over();
    let ending = b.sessions.end_session("42", id).await;
    case.expect(rule, unknown(case.ok(rule, ending)));
    let ending = b.sessions.end_by_token(ours.refresh_token().expose_secret()).await;
    case.expect(rule, unknown(case.ok(rule, ending)));
    let kept = case.ok(rule, b.sessions.reauthenticated("42", id, None, &[]).await);
    case.expect(rule, kept.is_none());
    b.pass(1);
    let ended = case.ok("all sessions end", b.sessions.end_all("42").await);
    case.expect("of this issuer", ended.sessions == [theirs.session().id.clone()]);
    case.expect("nobody was told of theft", a.told("reused") + b.told("reused") == 0);
    case.expect("of another issuer none is revoked", !case.is_revoked(id).await);
    case.expect_listed("of another issuer none ends", &a, "42", &[&ours]).await;
    let _ = case.refresh("of another issuer none ends", &a, &ours).await;
}

/// Takes a step and says that it failed.
struct Lossy<S> {
    store: Arc<S>,
    countdown: AtomicU64,
}

impl<S: SessionStore + RevocationStore> SessionStore for Lossy<S> {
    async fn load(
        &self,
        id: &SessionId,
        now: UnixTime,
    ) -> Result<Option<StoredSession>, StoreError> {
        self.store.load(id, now).await
    }

    async fn commit(&self, step: &Commit) -> Result<Committed, StoreError> {
        let committed = self.store.commit(step).await?;
        match self.countdown.fetch_sub(1, Ordering::Relaxed) {
            0 => Err(StoreError::unavailable("the answer was lost")),
            _ => Ok(committed),
        }
    }

    async fn list(
        &self,
        index: &IndexKey,
        after: Option<&SessionId>,
        now: UnixTime,
    ) -> Result<Page, StoreError> {
        self.store.list(index, after, now).await
    }
}

impl<S: SessionStore + RevocationStore> RevocationStore for Lossy<S> {
    fn required_identifiers(&self) -> Identifiers {
        self.store.required_identifiers()
    }

    async fn status(&self, token: &TokenIdentity<'_>) -> Result<RevocationStatus, StoreError> {
        self.store.status(token).await
    }

    async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        self.store.revoke(revocation).await
    }
}
