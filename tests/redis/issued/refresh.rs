//! Sessions: what the store does while Redis is well.

use std::collections::HashSet;

use futures_util::future::join_all;
use tower_bearer::issuer::refresh::{
    Grant, MOST_SUCCESSORS, NewSession, RefreshError, RefreshErrorKind, RefreshRequest,
    RefreshStore, RefreshTokens,
};
use tower_bearer::issuer::{Issuer, SigningKeys};
use tower_bearer::key::Secret;
use tower_bearer::testing::refresh::conformance;

use super::*;

fn patient(server: &RedisServer) -> RedisStore {
    let store = RedisStore::builder(&server.url()).unwrap().timeout(Duration::from_secs(10));
    store.prefix("con*for[m").build().unwrap()
}

/// Sessions by the system's clock, with this grace in seconds.
pub(crate) fn sessions<S: RefreshStore>(store: S, grace: u64) -> RefreshTokens<S> {
    lasting(store, grace, Duration::from_secs(3600))
}

/// The same in every process.
pub(crate) fn signing_keys() -> SigningKeys {
    SigningKeys::hs256(&Secret::new("a secret of 32 bytes or more, please")).unwrap()
}

fn lasting<S: RefreshStore>(store: S, grace: u64, lifetime: Duration) -> RefreshTokens<S> {
    let issuer = Issuer::builder()
        .keys(signing_keys())
        .issuer("https://id.example.com")
        .audience("api")
        .build()
        .unwrap();
    RefreshTokens::builder(issuer, store)
        .idle_lifetime(lifetime)
        .absolute_lifetime(lifetime)
        .grace(Duration::from_secs(grace))
        .most_sessions(10_000)
        .build()
        .unwrap()
}

pub(crate) async fn begin<S: RefreshStore>(tokens: &RefreshTokens<S>, subject: &str) -> Grant {
    tokens.begin(NewSession::new(subject, "web").scope("b a").device("Firefox")).await.unwrap()
}

pub(crate) async fn refresh<S: RefreshStore>(
    tokens: &RefreshTokens<S>,
    token: &str,
) -> Result<Grant, RefreshError> {
    within(BOUND * 4, tokens.refresh(RefreshRequest::new(token, "web"))).await
}

pub(crate) async fn kind<S: RefreshStore>(
    tokens: &RefreshTokens<S>,
    token: &str,
) -> RefreshErrorKind {
    refresh(tokens, token).await.unwrap_err().kind()
}

pub(crate) fn text(grant: &Grant) -> &str {
    grant.refresh_token().as_str()
}

pub(crate) async fn session_is_revoked(store: &impl RevocationStore, id: &str) -> bool {
    let token = TokenIdentity::new().with_session_id(id).with_issued_at(in_secs(0));
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
        assert!(refused.iter().all(|kind| *kind == RefreshErrorKind::InvalidGrant));
        let winner = &granted[0];
        assert_eq!(kind(&nodes[1], text(winner)).await, RefreshErrorKind::InvalidGrant);
        assert!(session_is_revoked(nodes[0].store(), winner.session().id.as_str()).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_grace_of_64_refreshes_some_retry_and_any_token_given_out_counts() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let nodes = [sessions(patient(&server), 30), sessions(patient(&server), 30)];
    let (granted, refused) = race(&nodes).await;
    assert_eq!((granted.len(), refused.len()), (MOST_SUCCESSORS, 64 - MOST_SUCCESSORS));
    assert!(refused.iter().all(|kind| *kind == RefreshErrorKind::Unavailable));
    assert!(granted.iter().all(|grant| grant.session().generation == 1));
    let any = granted.len() / 2;
    assert_eq!(refresh(&nodes[0], text(&granted[any])).await.unwrap().session().generation, 2);
    assert!(!session_is_revoked(nodes[0].store(), granted[0].session().id.as_str()).await);
}

/// 64 refreshes of one token.
async fn race(nodes: &[RefreshTokens<RedisStore>; 2]) -> (Vec<Grant>, Vec<RefreshErrorKind>) {
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
fn known_to_be_dead(replica: &Replica, id: &str) -> bool {
    let known = replica.known(&TokenIdentity::new().with_session_id(id));
    known.expect("it asks").unwrap().is_revoked()
}

const WAYS: usize = 5;

/// Ends the session of this grant, which is Ada's, in one of the ways there are.
async fn end(way: usize, tokens: &RefreshTokens<Replica>, grant: &Grant, other: &Grant) {
    let (id, token) = (grant.session().id.as_str(), text(grant));
    match way {
        0 => assert!(tokens.end_session(id).await.unwrap()),
        1 => assert!(tokens.end_session_of("ada", id).await.unwrap()),
        2 => assert!(tokens.end_by_token(token).await.unwrap()),
        3 => {
            let ended = tokens.end_all_but("ada", other.session().id.as_str()).await.unwrap();
            assert_eq!(ended, [grant.session().id.clone()]);
        }
        _ => {
            let next = refresh(tokens, token).await.unwrap();
            assert_eq!(kind(tokens, token).await, RefreshErrorKind::InvalidGrant);
            assert_eq!(kind(tokens, text(&next)).await, RefreshErrorKind::InvalidGrant);
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
        assert!(!a.end_session_of("ada", other).await.unwrap());
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
            let dead =
                |grant: &Grant| known_to_be_dead(tokens.store(), grant.session().id.as_str());
            assert!(dead(&grant) && !dead(&other), "way {way}");
            let id = other.session().id.as_str();
            assert!(!tokens.end_session_of("ada", id).await.unwrap());
            assert!(!dead(&other), "it did not end");
        }
    });
}

#[tokio::test]
async fn every_step_is_one_round_trip_and_every_key_expires_and_no_token_is_kept() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let tokens = sessions(store(&server), 10);
    // The scripts are known from now on.
    let first = begin(&tokens, "warm").await;
    let _ = refresh(&tokens, text(&first)).await.unwrap();
    tokens.end_by_token(text(&first)).await.unwrap();
    server.command("CONFIG RESETSTAT");

    let mut given = Vec::new();
    let grant = begin(&tokens, "ada").await;
    let next = refresh(&tokens, text(&grant)).await.unwrap();
    let retried = refresh(&tokens, text(&grant)).await.unwrap();
    let last = begin(&tokens, "ada").await;
    assert!(tokens.end_by_token(text(&last)).await.unwrap());
    given.extend([grant, next, retried, last]);
    let stats: String = redis::from_redis_value(server.command("INFO commandstats")).unwrap();
    // Each step is one; beginnings count the subject's sessions before, the second time in two,
    // as there is one whose id has to be learned first.
    assert!(stats.contains("cmdstat_evalsha:calls=8,"), "{stats}");
    assert!(!stats.contains("cmdstat_script"), "{stats}");

    let found = keys(&server, "*");
    let kinds = ["refresh:family:", "refresh:subject:", "revocation:entries", "expiry", "log"];
    for kind in kinds {
        assert!(found.iter().any(|key| key.contains(kind)), "{kind}: {found:?}");
    }
    let mut everything = String::new();
    for key in found {
        assert!(key.starts_with("{tower-bearer}:"), "{key}");
        let redis::Value::Int(left) = server.command(&format!("PTTL {key}")) else { panic!() };
        assert!(left > 0 && left <= 4_600_000, "{key} stays for {left} ms");
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
        for part in [token, secret, &stem[13..], "tbr1_"] {
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
                assert_eq!(session.expires_at, UnixTime::MAX);
            }
            let token = grant.refresh_token().as_str();
            let wrong = tokens.refresh(RefreshRequest::new(token, "other")).await.unwrap_err();
            assert_eq!(wrong.kind(), RefreshErrorKind::InvalidGrant);
            let wider = RefreshRequest::new(token, text).scope("b a");
            let wider = tokens.refresh(wider).await.unwrap_err();
            assert_eq!(wider.kind(), RefreshErrorKind::InvalidScope);
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
    for key in keys(&server, "*:refresh:*") {
        let redis::Value::Int(left) = server.command(&format!("PTTL {key}")) else { panic!() };
        assert!(left > 0, "{key} stays for ever");
    }
}

#[tokio::test]
async fn a_thousand_sessions_of_one_subject_end_in_one_step() {
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
        assert_eq!(kind(&tokens, text(grant)).await, RefreshErrorKind::InvalidGrant);
        assert!(session_is_revoked(tokens.store(), grant.session().id.as_str()).await);
    }
    assert!(tokens.sessions("ada").await.unwrap().is_empty());
    assert_eq!(keys(&server, "*:refresh:*").len(), 2, "nothing is left but the other's");
    let _ = refresh(&tokens, text(&other)).await.unwrap();
}

/// Those that begin together do not see each other; the next one does.
#[tokio::test]
async fn the_next_login_ends_what_logins_at_once_were_too_many() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let issuer = Issuer::builder().keys(signing_keys()).issuer("https://id.example.com");
    let issuer = issuer.audience("api").build().unwrap();
    let tokens = RefreshTokens::builder(issuer, patient(&server)).most_sessions(2).build().unwrap();
    let grants = join_all((0..8).map(|_| begin(&tokens, "ada"))).await;
    let other = begin(&tokens, "bob").await;
    let last = begin(&tokens, "ada").await;
    let left = tokens.sessions("ada").await.unwrap();
    assert!(left.len() == 2 && left.iter().any(|session| session.id == last.session().id));
    let mut dead = 0;
    for grant in &grants {
        let id = grant.session().id.as_str();
        dead += u32::from(session_is_revoked(tokens.store(), id).await);
    }
    assert_eq!(dead, 7, "what ended is revoked, and nothing else");
    assert!(!session_is_revoked(tokens.store(), other.session().id.as_str()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_end_while_others_begin() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let tokens = sessions(patient(&server), 0);
    let busy = (0..8).map(|_| {
        let tokens = tokens.clone();
        tokio::spawn(async move {
            for _ in 0..40 {
                let _ = begin(&tokens, "ada").await;
            }
        })
    });
    let busy: Vec<_> = busy.collect();
    let mut ended = HashSet::new();
    while !busy.iter().all(|task| task.is_finished()) {
        for id in tokens.end_all("ada").await.unwrap().sessions {
            assert!(ended.insert(id), "a session ended twice");
        }
    }
    join_all(busy).await;
    ended.extend(tokens.end_all("ada").await.unwrap().sessions);
    assert_eq!(ended.len(), 320);
    assert!(tokens.sessions("ada").await.unwrap().is_empty());
}

#[tokio::test]
async fn an_index_forgets_what_is_gone_and_keeps_subjects_apart() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let tokens = sessions(store(&server), 0);
    let one = begin(&tokens, "ada").await;
    let index = keys(&server, "*:refresh:subject:*").remove(0);
    let stale = |letter: &str| format!("{}{}", one.session().id.partition(), letter.repeat(22));
    // One whose time has passed, and one whose family is gone before its time.
    server.command(&format!("ZADD {index} 1000 {} 99999999999 {}", stale("a"), stale("b")));
    assert_eq!(tokens.sessions("ada").await.unwrap().len(), 1);
    let two = begin(&tokens, "ada").await;
    let left: Vec<String> =
        redis::from_redis_value(server.command(&format!("ZRANGE {index} 0 -1"))).unwrap();
    assert!(!left.contains(&stale("a")) && left.len() == 3, "{left:?}");

    // Another subject of the same partition, as one in 2^48 is.
    let family = format!("{{tower-bearer}}:refresh:family:{}", two.session().id);
    server.command(&format!("HSET {family} subject someone"));
    let listed = tokens.sessions("ada").await.unwrap();
    assert_eq!(listed, [one.session().clone()]);
    let id = two.session().id.as_str();
    assert!(!tokens.end_session_of("ada", id).await.unwrap());
    assert_eq!(tokens.end_all("ada").await.unwrap().sessions, [one.session().id.clone()]);
    assert!(!session_is_revoked(tokens.store(), id).await);
}
