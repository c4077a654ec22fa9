//! Sessions: what the store does while Redis is well.

use std::collections::HashSet;

use futures_util::future::join_all;
use tower_bearer::issuer::session::{
    Commit, Committed, Ending, IndexKey, NewSession, Page, RefreshRequest, SessionError,
    SessionErrorKind, SessionId, SessionStore, SessionTokens, Sessions, StoredSession,
};
use tower_bearer::issuer::{Issuer, SigningKeys};
use tower_bearer::key::Secret;
use tower_bearer::revocation::Identifiers;
use tower_bearer::testing::session::conformance;

use super::*;

fn patient(server: &RedisServer) -> RedisStore {
    let store = RedisStore::builder(&server.url()).unwrap().timeout(Duration::from_secs(10));
    // Whatever is revoked by a session id must not pass without one.
    let store = store.require(Identifiers::SESSION_ID | Identifiers::SUBJECT_EPOCH);
    store.prefix("con*for[m").build().unwrap()
}

/// Sessions by the system's clock, with this grace in seconds.
pub(crate) fn sessions(store: impl SessionStore + RevocationStore, grace: u64) -> Sessions {
    lasting(store, grace, Duration::from_secs(3600))
}

/// The same in every process.
pub(crate) fn signing_keys() -> SigningKeys {
    SigningKeys::hs256(&Secret::new("a secret of 32 bytes or more, please")).unwrap()
}

fn lasting(store: impl SessionStore + RevocationStore, grace: u64, lifetime: Duration) -> Sessions {
    let issuer = Issuer::builder()
        .keys(signing_keys())
        .issuer("https://id.example.com")
        .audience("api")
        .build()
        .unwrap();
    Sessions::builder(issuer, store)
        .idle_lifetime(lifetime)
        .absolute_lifetime(lifetime)
        .grace(Duration::from_secs(grace))
        .most_sessions(10_000)
        .build()
        .unwrap()
}

pub(crate) async fn begin(tokens: &Sessions, subject: &str) -> SessionTokens {
    tokens.begin(NewSession::new(subject, "web").scope("b a").device("Firefox")).await.unwrap()
}

pub(crate) async fn refresh(tokens: &Sessions, token: &str) -> Result<SessionTokens, SessionError> {
    within(BOUND * 4, tokens.refresh(RefreshRequest::new(token, "web"))).await
}

pub(crate) async fn kind(tokens: &Sessions, token: &str) -> SessionErrorKind {
    refresh(tokens, token).await.unwrap_err().kind()
}

pub(crate) fn text(grant: &SessionTokens) -> &str {
    grant.refresh_token().expose_secret()
}

pub(crate) async fn session_is_revoked(store: &impl RevocationStore, id: &str) -> bool {
    let token = TokenIdentity::new().with_session_id(id).with_issued_at(in_secs(0));
    let token = token.with_issuer("https://id.example.com");
    within(BOUND, store.status(&token)).await.unwrap().is_revoked()
}

pub(crate) fn keys(server: &RedisServer, pattern: &str) -> Vec<String> {
    redis::from_redis_value(server.command(&format!("KEYS {pattern}"))).unwrap()
}

#[tokio::test]
async fn the_store_conforms() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let newer = format!("{}?protocol=resp3", server.url());
    let newer = RedisStore::builder(&newer).unwrap().timeout(Duration::from_secs(10));
    let newer = newer.require(Identifiers::SESSION_ID);
    for store in [patient(&server), newer.build().unwrap()] {
        conformance(|| async { store.clone() }).await;
    }
}

#[tokio::test]
async fn the_replica_conforms() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let replica = Replica::builder(patient(&server)).build().unwrap();
    replica.ready().await;
    conformance(|| async { replica.clone() }).await;
}

#[tokio::test]
async fn it_conforms_on_a_node_of_a_cluster_where_every_step_is_in_one_slot() {
    let Some(server) = RedisServer::start(&["--cluster-enabled", "yes"]) else { return };
    server.command("CLUSTER ADDSLOTSRANGE 0 16383");
    let info = || redis::from_redis_value::<String>(server.command("CLUSTER INFO")).unwrap();
    eventually("the cluster is up", async || info().contains("cluster_state:ok")).await;
    let store = patient(&server);
    conformance(|| async { store.clone() }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_64_refreshes_over_two_connections_one_wins_and_then_the_session_is_dead() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let nodes = [sessions(patient(&server), 0), sessions(patient(&server), 0)];
    for _ in 0..5 {
        let (granted, refused) = race(&nodes).await;
        assert_eq!((granted.len(), refused.len()), (1, 63));
        assert!(refused.iter().all(|kind| *kind == SessionErrorKind::InvalidGrant));
        let winner = &granted[0];
        assert_eq!(kind(&nodes[1], text(winner)).await, SessionErrorKind::InvalidGrant);
        assert!(session_is_revoked(nodes[0].store(), winner.session().id.as_str()).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_grace_of_64_refreshes_some_retry_and_any_token_given_out_counts() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let nodes = [sessions(patient(&server), 30), sessions(patient(&server), 30)];
    let (granted, refused) = race(&nodes).await;
    assert_eq!((granted.len(), refused.len()), (3, 61));
    assert!(refused.iter().all(|kind| *kind == SessionErrorKind::Unavailable));
    assert!(granted.iter().all(|grant| grant.session().generation == 1));
    let any = granted.len() / 2;
    assert_eq!(refresh(&nodes[0], text(&granted[any])).await.unwrap().session().generation, 2);
    assert!(!session_is_revoked(nodes[0].store(), granted[0].session().id.as_str()).await);
}

/// 64 refreshes of one token.
async fn race(nodes: &[Sessions; 2]) -> (Vec<SessionTokens>, Vec<SessionErrorKind>) {
    let first = begin(&nodes[0], "ada").await;
    let tasks = (0..64).map(|number| {
        let (node, token) = (nodes[number % 2].clone(), text(&first).to_owned());
        tokio::spawn(async move { refresh(&node, &token).await })
    });
    let (mut granted, mut refused) = (Vec::new(), Vec::new());
    for answer in join_all(tasks).await {
        match answer.unwrap() {
            Ok(grant) => granted.push(grant),
            Err(error) => refused.push(error.kind()),
        }
    }
    (granted, refused)
}

/// Whether the replica rejects the session by what it knows itself.
fn known_to_be_dead(replica: &impl RevocationStore, id: &str) -> bool {
    let token = TokenIdentity::new().with_session_id(id);
    replica.known(&token).expect("it asks").unwrap().is_revoked()
}

const WAYS: usize = 5;

/// Ends the session of this grant, which is Ada's, in one of the ways there are.
async fn end(way: usize, tokens: &Sessions, grant: &SessionTokens, other: &SessionTokens) {
    let (id, token) = (grant.session().id.as_str(), text(grant));
    match way {
        0 => {
            let token =
                TokenIdentity::new().with_issuer("https://id.example.com").with_session_id(id);
            assert!(tokens.end_verified(&token).await.unwrap().was_live());
        }
        1 => assert!(tokens.end_session("ada", id).await.unwrap().was_live()),
        2 => assert!(tokens.end_by_token(token).await.unwrap().was_live()),
        3 => {
            let ended = tokens.end_all_but("ada", other.session().id.as_str()).await.unwrap();
            assert_eq!(ended.sessions, [grant.session().id.clone()]);
        }
        _ => {
            let next = refresh(tokens, token).await.unwrap();
            assert_eq!(kind(tokens, token).await, SessionErrorKind::InvalidGrant);
            assert_eq!(kind(tokens, text(&next)).await, SessionErrorKind::InvalidGrant);
        }
    }
}

#[tokio::test]
async fn a_session_that_ends_on_one_node_is_rejected_by_the_other_in_time() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let a = sessions(ready(&server).await, 0);
    let b = sessions(ready(&server).await, 0);
    for way in 0..WAYS {
        let (grant, other) = (begin(&b, "ada").await, begin(&b, "bob").await);
        let id = grant.session().id.as_str();
        assert!(!known_to_be_dead(a.store(), id) && !known_to_be_dead(b.store(), id));
        end(way, &a, &grant, &other).await;
        let took = eventually("B knows", async || known_to_be_dead(b.store(), id)).await;
        assert!(took < Duration::from_secs(1), "{took:?}");
        let other = other.session().id.as_str();
        assert!(!a.end_session("ada", other).await.unwrap().is_over());
        for node in [&a, &b] {
            assert!(!known_to_be_dead(node.store(), other), "it did not end");
        }
    }
}

#[test]
fn the_replica_that_a_session_ends_over_waits_for_no_log() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (own, of_the_log) = (runtime(), runtime());
    let store = own.block_on(async {
        let store = store(&server);
        store.ping().await.unwrap();
        store
    });
    let replica = of_the_log.block_on(async {
        let long = Duration::from_secs(3600);
        let replica = Replica::builder(store).max_staleness(long).build().unwrap();
        within(Duration::from_secs(20), replica.ready()).await;
        replica
    });
    // From here on nobody runs what follows the log.
    own.block_on(async {
        let tokens = sessions(replica, 0);
        for way in 0..WAYS {
            let (grant, other) = (begin(&tokens, "ada").await, begin(&tokens, "bob").await);
            end(way, &tokens, &grant, &other).await;
            let dead = |grant: &SessionTokens| {
                known_to_be_dead(tokens.store(), grant.session().id.as_str())
            };
            assert!(dead(&grant) && !dead(&other), "way {way}");
            let id = other.session().id.as_str();
            assert!(!tokens.end_session("ada", id).await.unwrap().is_over());
            assert!(!dead(&other), "it did not end");
        }
    });
}

#[tokio::test]
async fn few_round_trips_and_every_key_expires_and_no_token_is_kept() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let tokens = sessions(store(&server), 10);
    // The scripts are known from now on.
    let first = begin(&tokens, "warm").await;
    let _ = refresh(&tokens, text(&first)).await.unwrap();
    assert!(tokens.end_by_token(text(&first)).await.unwrap().was_live());
    server.command("CONFIG RESETSTAT");

    let mut given = Vec::new();
    let grant = begin(&tokens, "ada").await;
    let next = refresh(&tokens, text(&grant)).await.unwrap();
    let retried = refresh(&tokens, text(&grant)).await.unwrap();
    let last = begin(&tokens, "ada").await;
    assert!(tokens.end_by_token(text(&last)).await.unwrap().was_live());
    given.extend([grant, next, retried, last]);
    let stats: String = redis::from_redis_value(server.command("INFO commandstats")).unwrap();
    // To begin is one step, to refresh or to end is a question and a step; each with its proof.
    assert!(stats.contains("cmdstat_evalsha:calls=5,"), "{stats}");
    // Within the second of its beginning, a grant asks besides whether all ended in that.
    let (_, proofs) = stats.split_once("cmdstat_role:calls=").unwrap();
    let proofs: u32 = proofs.split(',').next().unwrap().parse().unwrap();
    assert!((8..=12).contains(&proofs), "{stats}");
    assert!(!stats.contains("cmdstat_script") && !stats.contains("cmdstat_mget"), "{stats}");

    let found = keys(&server, "*");
    let kinds = ["session:record:", "session:list:", "session:until", "entries", "expiry", "log"];
    for kind in kinds {
        assert!(found.iter().any(|key| key.contains(kind)), "{kind}: {found:?}");
    }
    let mut everything = String::new();
    for key in found {
        assert!(key.starts_with("{tower-bearer}:"), "{key}");
        let redis::Value::Int(left) = server.command(&format!("PTTL {key}")) else { panic!() };
        assert!(left > 0 && left <= 4_700_000, "{key} stays for {left} ms");
        let kind: String = redis::from_redis_value(server.command(&format!("TYPE {key}"))).unwrap();
        let read = match kind.as_str() {
            "hash" => format!("HGETALL {key}"),
            "zset" => format!("ZRANGE {key} 0 -1"),
            "stream" => format!("XRANGE {key} - +"),
            _ => format!("GET {key}"),
        };
        let value: redis::Value = server.command(&read);
        everything += &format!("{key} {value:?}\n");
    }
    assert!(everything.contains("Firefox"), "{everything}");
    for grant in &given {
        let token = text(grant);
        let (stem, secret) = token.split_once('.').unwrap();
        // Whatever could be presented, or be made into something that can.
        for part in [token, secret, &stem[5..], "tbr1_"] {
            assert!(!everything.contains(part), "a token is kept: {part}");
        }
    }
}

#[tokio::test]
async fn whatever_text_and_time_comes_back_as_it_was() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let store = store(&server);
    let long = "ü".repeat(500);
    let odd = ["a b", "{a}", "\0", "a\nb\r\n", "\"'\\%s%d", "1", "-", "\u{1F980}é\u{FFFF}", &*long];
    for (round, lifetime) in [(0, 3600), (1, 1 << 33), (2, u64::MAX)] {
        let tokens = lasting(store.clone(), 0, Duration::from_secs(lifetime));
        for text in odd {
            let subject = format!("{round}{text}");
            let new = NewSession::new(&*subject, text).scope("z:{a} !'#$%&()*+,-./ b [] A 0");
            let new = if text == "1" { new } else { new.device(text) };
            let grant = tokens.begin(new).await.unwrap();
            let session = grant.session();
            let listed = tokens.sessions(&subject).await.unwrap();
            assert!(listed.len() == 1 && listed[0] == *session, "{text:?}: {listed:?}");
            if lifetime == u64::MAX {
                assert_eq!(session.expires_at, UnixTime::from_secs(253_402_300_799));
            }
            let token = grant.refresh_token().expose_secret();
            let wrong = tokens.refresh(RefreshRequest::new(token, "other")).await.unwrap_err();
            assert_eq!(wrong.kind(), SessionErrorKind::InvalidGrant);
            let wider = RefreshRequest::new(token, text).scope("b a");
            let wider = tokens.refresh(wider).await.unwrap_err();
            assert_eq!(wider.kind(), SessionErrorKind::InvalidScope);
            let narrower = RefreshRequest::new(token, text).scope("[] z:{a}");
            let next = tokens.refresh(narrower).await.unwrap();
            let mut wanted = session.clone();
            wanted.generation = 1;
            wanted.last_used_at = next.session().last_used_at;
            wanted.idle_until = next.session().idle_until;
            assert_eq!(*next.session(), wanted);
            assert_eq!(tokens.sessions(&subject).await.unwrap(), [wanted]);
        }
    }
    for key in keys(&server, "*:session:*") {
        let redis::Value::Int(left) = server.command(&format!("PTTL {key}")) else { panic!() };
        assert!(left > 0, "{key} stays for ever");
    }
}

#[tokio::test]
async fn a_thousand_sessions_of_one_subject_end() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let tokens = sessions(patient(&server), 0);
    let grants = join_all((0..1000).map(|_| begin(&tokens, "ada"))).await;
    let other = begin(&tokens, "bob").await;
    let start = Instant::now();
    let listed = tokens.sessions("ada").await.unwrap();
    let listing = start.elapsed();
    let ids: HashSet<_> = grants.iter().map(|grant| grant.session().id.clone()).collect();
    let found: HashSet<_> = listed.into_iter().map(|session| session.id).collect();
    assert!(ids.len() == 1000 && found == ids);
    let start = Instant::now();
    let ended: HashSet<_> = tokens.end_all("ada").await.unwrap().sessions.into_iter().collect();
    println!("listed 1000 sessions in {listing:?}, ended them in {:?}", start.elapsed());
    assert!(ended == ids);
    for grant in grants.iter().step_by(50) {
        assert_eq!(kind(&tokens, text(grant)).await, SessionErrorKind::InvalidGrant);
        assert!(session_is_revoked(tokens.store(), grant.session().id.as_str()).await);
    }
    assert!(tokens.sessions("ada").await.unwrap().is_empty());
    let lists = keys(&server, "*:session:list:*");
    let lengths = lists.iter().map(|list| server.command(&format!("ZCARD {list}")));
    let lengths: HashSet<_> = lengths.map(|length| format!("{length:?}")).collect();
    let wanted = ["int(1)", "int(256)"].map(str::to_owned);
    assert_eq!(lengths, wanted.into(), "the other's, and of those that ended so many");
    let _ = refresh(&tokens, text(&other)).await.unwrap();
}

#[tokio::test]
async fn of_logins_at_once_none_is_too_many() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let issuer = Issuer::builder().keys(signing_keys()).issuer("https://id.example.com");
    let issuer = issuer.audience("api").build().unwrap();
    let tokens = Sessions::builder(issuer, patient(&server)).most_sessions(2).build().unwrap();
    let grants = join_all((0..8).map(|_| begin(&tokens, "ada"))).await;
    let other = begin(&tokens, "bob").await;
    let left = tokens.sessions("ada").await.unwrap();
    assert_eq!(left.len(), 2, "{left:?}");
    for grant in &grants {
        let id = &grant.session().id;
        let live = left.iter().any(|session| session.id == *id);
        assert_eq!(session_is_revoked(tokens.store(), id.as_str()).await, !live);
    }
    assert!(!session_is_revoked(tokens.store(), other.session().id.as_str()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_end_while_others_begin() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let tokens = sessions(patient(&server), 0);
    let busy = (0..8).map(|_| {
        let tokens = tokens.clone();
        tokio::spawn(async move {
            let mut begun = 0;
            for _ in 0..40 {
                match tokens.begin(NewSession::new("ada", "web")).await {
                    Ok(_) => begun += 1,
                    // Who signed in before all ended, and came after.
                    Err(error) => assert_eq!(error.kind(), SessionErrorKind::InvalidGrant),
                }
            }
            begun
        })
    });
    let busy: Vec<_> = busy.collect();
    let mut ended = HashSet::new();
    while !busy.iter().all(|task| task.is_finished()) {
        for id in tokens.end_all("ada").await.unwrap().sessions {
            assert!(ended.insert(id), "a session ended twice");
        }
    }
    let begun: usize = join_all(busy).await.into_iter().map(Result::unwrap).sum();
    ended.extend(tokens.end_all("ada").await.unwrap().sessions);
    assert!(ended.len() == begun && begun > 20, "{begun}");
    assert!(tokens.sessions("ada").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_list_forgets_what_is_gone() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let tokens = sessions(store(&server), 0);
    let one = begin(&tokens, "ada").await;
    let list = keys(&server, "*:session:list:*").remove(0);
    let (passed, early) = ("a".repeat(22), "b".repeat(22));
    // One whose time has passed, and one whose record is gone before its time.
    server.command(&format!("ZADD {list} 1000 {passed} 99999999999 {early}"));
    assert_eq!(tokens.sessions("ada").await.unwrap(), [one.session().clone()]);
    let _ = begin(&tokens, "ada").await;
    let left: Vec<String> =
        redis::from_redis_value(server.command(&format!("ZRANGE {list} 0 -1"))).unwrap();
    assert!(!left.contains(&passed) && left.len() == 3, "{left:?}");
    assert_eq!(tokens.end_all("ada").await.unwrap().sessions.len(), 2);
}

/// What a Redis says that is no master is no answer: it may lag behind.
#[tokio::test]
async fn a_redis_that_is_no_master_refuses_nobody_for_good() {
    let Some(master) = RedisServer::start(&[]) else { return };
    let Some(copy) = RedisServer::start(&[]) else { return };
    let tokens = sessions(store(&copy), 0);
    let (one, two) = (begin(&tokens, "ada").await, begin(&tokens, "ada").await);
    let next = refresh(&tokens, text(&one)).await.unwrap();
    // It has lost everything, since it is a copy of an empty one now.
    let port = master.url().trim_end_matches('/').rsplit(':').next().unwrap().to_owned();
    copy.command(&format!("REPLICAOF 127.0.0.1 {port}"));
    eventually("it is a copy", async || keys(&copy, "*").is_empty()).await;
    let unavailable = SessionErrorKind::Unavailable;
    for token in [text(&one), text(&next), text(&two)] {
        assert_eq!(kind(&tokens, token).await, unavailable, "a definite refusal");
        assert_eq!(tokens.end_by_token(token).await.unwrap_err().kind(), unavailable);
    }
    assert_eq!(tokens.sessions("ada").await.unwrap_err().kind(), unavailable);
    assert_eq!(tokens.end_all("ada").await.unwrap_err().kind(), unavailable);
    let id = two.session().id.as_str();
    assert_eq!(tokens.end_session("ada", id).await.unwrap_err().kind(), unavailable);
    let verified = TokenIdentity::new().with_issuer("https://id.example.com").with_session_id(id);
    assert_eq!(tokens.end_verified(&verified).await.unwrap_err().kind(), unavailable);
    let new = NewSession::new("ada", "web");
    assert_eq!(tokens.begin(new).await.unwrap_err().kind(), unavailable);
}

#[tokio::test]
async fn what_redis_has_lost_stays_dead_on_the_node_that_ended_it() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let tokens = sessions(ready(&server).await, 0);
    let (one, two) = (begin(&tokens, "ada").await, begin(&tokens, "bob").await);
    // What Redis goes back to: the same keys under other names until then.
    let before = keys(&server, "*");
    for key in &before {
        server.command(&format!("COPY {key} old:{key}"));
    }
    let _ = tokens.end_all("ada").await.unwrap();
    assert_eq!(tokens.end_session("bob", two.session().id.as_str()).await.unwrap(), Ending::Ended);
    for key in &before {
        server.command(&format!("COPY old:{key} {key} REPLACE"));
    }
    for grant in [&one, &two] {
        assert_eq!(kind(&tokens, text(grant)).await, SessionErrorKind::InvalidGrant);
    }
}

/// Demotes Redis between what a step was decided by and the step.
struct Demoted(RedisStore, RedisServer);

impl SessionStore for Demoted {
    async fn load(
        &self,
        id: &SessionId,
        now: UnixTime,
    ) -> Result<Option<StoredSession>, StoreError> {
        self.0.load(id, now).await
    }

    async fn commit(&self, step: &Commit) -> Result<Committed, StoreError> {
        self.1.command("REPLICAOF 127.0.0.1 1");
        SessionStore::commit(&self.0, step).await
    }

    async fn list(
        &self,
        index: &IndexKey,
        after: Option<&SessionId>,
        now: UnixTime,
    ) -> Result<Page, StoreError> {
        self.0.list(index, after, now).await
    }
}

impl RevocationStore for Demoted {
    fn required_identifiers(&self) -> Identifiers {
        self.0.required_identifiers()
    }

    async fn status(&self, token: &TokenIdentity<'_>) -> Result<RevocationStatus, StoreError> {
        self.0.status(token).await
    }

    async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        self.0.revoke(revocation).await
    }
}

/// A step that finds nothing to be written would pass on any server.
#[tokio::test]
async fn a_step_that_writes_nothing_is_no_answer_of_a_redis_that_is_no_master() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let redis = store(&server);
    let tokens = sessions(redis.clone(), 0);
    let (one, two) = (begin(&tokens, "ada").await, begin(&tokens, "bob").await);
    let revocation = Revocation::session(one.session().id.as_str(), in_secs(600));
    redis.revoke(&revocation).await.unwrap();
    let demoted = sessions(Demoted(redis.clone(), server), 0);
    // It is revoked, says the copy that may lag behind.
    assert_eq!(kind(&demoted, text(&one)).await, SessionErrorKind::Unavailable);
    assert_eq!(kind(&demoted, text(&two)).await, SessionErrorKind::Unavailable);
    let again = redis.revoke(&revocation).await;
    assert!(again.is_err(), "it is in force here alone");
}
