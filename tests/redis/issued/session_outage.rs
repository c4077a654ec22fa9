//! Sessions while Redis is frozen, slow, cut off, full or gone.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tower_bearer::issuer::session::{NewSession, RefreshRequest, SessionErrorKind, Sessions};

use super::session::{begin, keys, kind, refresh, session_is_revoked, sessions, text};
use super::*;

/// What is known to have ended: ids and a token of each.
#[derive(Default)]
struct Known {
    ended: Mutex<Vec<(String, String)>>,
    refreshed: Mutex<usize>,
    failed: Mutex<usize>,
}

impl Known {
    fn sample(&self, number: usize) -> Option<(String, String)> {
        let ended = self.ended.lock().unwrap();
        ended.get(number.wrapping_mul(7919) % ended.len().max(1)).cloned()
    }

    /// Whether it failed in the one way that an outage may make it fail.
    fn failed<T>(&self, kind: Option<SessionErrorKind>, answer: Option<T>) -> Option<T> {
        if let Some(kind) = kind {
            assert_eq!(kind, SessionErrorKind::Unavailable);
            *self.failed.lock().unwrap() += 1;
        }
        answer
    }
}

/// Signs in, refreshes and signs out, over and over.
async fn user(tokens: Sessions, subject: String, known: Arc<Known>, stop: Arc<AtomicBool>) {
    let mut count = 0;
    while !stop.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(2)).await;
        let new = NewSession::new(&*subject, "web");
        let begun = within(BOUND, tokens.begin(new)).await;
        let error = begun.as_ref().err().map(|error| error.kind());
        let Some(mut grant) = known.failed(error, begun.ok()) else { continue };
        let id = grant.session().id.to_string();
        for _ in 0..3 {
            let request = RefreshRequest::new(text(&grant), "web");
            match within(BOUND, tokens.refresh(request)).await {
                Ok(next) => {
                    *known.refreshed.lock().unwrap() += 1;
                    grant = next;
                }
                // An answer that was lost makes the next attempt a reuse, and Redis may forget.
                Err(error) if error.kind() == SessionErrorKind::InvalidGrant => break,
                Err(error) => {
                    known.failed(Some(error.kind()), None::<()>);
                }
            }
        }
        let verified =
            TokenIdentity::new().with_issuer("https://id.example.com").with_session_id(&*id);
        let ended = within(BOUND, tokens.end_verified(&verified)).await;
        let error = ended.as_ref().err().map(|error| error.kind());
        if known.failed(error, ended.ok()).is_some() {
            known.ended.lock().unwrap().push((id, text(&grant).to_owned()));
        }
        count += 1;
        if let Some((id, token)) = known.sample(count) {
            let identity =
                TokenIdentity::new().with_issuer("https://id.example.com").with_session_id(&*id);
            let status = within(BOUND, tokens.store().status(&identity)).await;
            assert!(status.map_or(true, |status| status.is_revoked()), "{id} lives again");
            let again = within(BOUND, tokens.refresh(RefreshRequest::new(&token, "web"))).await;
            assert!(again.is_err(), "a token of an ended session is accepted");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_becomes_of_redis_no_call_hangs_and_no_ended_session_comes_back() {
    let options = ["--maxmemory-policy", "noeviction"];
    let Some(mut server) = RedisServer::start(&options) else { return };
    let replica = ready(&server).await;
    let tokens = sessions(replica.clone(), 0);
    let known = Arc::new(Known::default());
    let stop = Arc::new(AtomicBool::new(false));
    let users = (0..8).map(|number| {
        let (tokens, known, stop) = (tokens.clone(), Arc::clone(&known), Arc::clone(&stop));
        tokio::spawn(user(tokens, format!("user {}", number % 3), known, stop))
    });
    let users: Vec<_> = users.collect();
    let pause = |millis| tokio::time::sleep(Duration::from_millis(millis));
    pause(300).await;
    server.freeze();
    pause(800).await;
    server.thaw();
    pause(300).await;
    server.command("CLIENT PAUSE 700 ALL");
    pause(1000).await;
    server.command("CONFIG SET maxmemory 1000000");
    pause(300).await;
    server.command("CONFIG SET maxmemory 0");
    pause(200).await;
    server.command("CLIENT KILL TYPE normal");
    pause(300).await;
    server.kill();
    pause(500).await;
    server.restart();
    pause(1000).await;
    stop.store(true, Ordering::Relaxed);
    for user in users {
        user.await.unwrap();
    }
    current(&replica).await;
    // It goes on by itself.
    let grant = begin(&tokens, "ada").await;
    let grant = refresh(&tokens, text(&grant)).await.unwrap();
    assert!(tokens.end_by_token(text(&grant)).await.unwrap().was_live());

    let ended = known.ended.lock().unwrap().clone();
    let other = ready(&server).await;
    for (id, token) in &ended {
        assert!(session_is_revoked(&replica, id).await);
        eventually("other nodes know", async || session_is_revoked(&other, id).await).await;
        assert_eq!(kind(&tokens, token).await, SessionErrorKind::InvalidGrant);
    }
    let (refreshed, failed) = (*known.refreshed.lock().unwrap(), *known.failed.lock().unwrap());
    println!("{} sessions ended, {refreshed} refreshes, {failed} failures", ended.len());
    assert!(ended.len() > 50 && refreshed > 100 && failed > 10);
}

#[tokio::test]
async fn each_step_ends_in_time_without_redis_and_works_again_afterwards() {
    let Some(mut server) = RedisServer::start(&[]) else { return };
    let tokens = sessions(store(&server), 60);
    let grant = begin(&tokens, "ada").await;
    for way in ["frozen", "paused", "dead"] {
        match way {
            "frozen" => server.freeze(),
            "paused" => drop(server.command("CLIENT PAUSE 4500 ALL")),
            _ => server.kill(),
        }
        let unavailable = SessionErrorKind::Unavailable;
        let id = grant.session().id.as_str();
        let new = NewSession::new("ada", "web");
        let error = within(BOUND, tokens.begin(new)).await.unwrap_err();
        assert_eq!(error.kind(), unavailable, "{way}");
        assert_eq!(kind(&tokens, text(&grant)).await, unavailable, "{way}");
        for _ in 0..3 {
            let error = within(BOUND, tokens.sessions("ada")).await.unwrap_err();
            assert_eq!(error.kind(), unavailable, "{way}");
            let error = within(BOUND, tokens.end_session("bob", id)).await.unwrap_err();
            assert_eq!(error.kind(), unavailable, "{way}");
            let error = within(BOUND, tokens.end_all_but("bob", id)).await.unwrap_err();
            assert_eq!(error.kind(), unavailable, "{way}");
        }
        match way {
            "frozen" => server.thaw(),
            "paused" => {}
            _ => server.restart(),
        }
        eventually("it is back", async || tokens.sessions("ada").await.is_ok()).await;
        let again = kind(&tokens, "x").await;
        assert_eq!(again, SessionErrorKind::InvalidGrant);
        if way == "dead" {
            // Redis has forgotten: the user signs in again.
            assert_eq!(kind(&tokens, text(&grant)).await, SessionErrorKind::InvalidGrant);
            let _ = begin(&tokens, "ada").await;
        } else {
            // Whether or not the token was spent while nobody was told: grace lets it through.
            let _ = refresh(&tokens, text(&grant)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_failover_that_forgets_a_refresh_lets_one_of_two_go_on_and_notices_the_other() {
    let Some(first) = RedisServer::start(&["--repl-diskless-sync-delay", "0"]) else { return };
    let Some(second) = RedisServer::start(&[]) else { return };
    let port = first.url().trim_end_matches('/').rsplit(':').next().unwrap().to_owned();
    second.command(&format!("REPLICAOF 127.0.0.1 {port}"));
    let tokens = sessions(store(&first), 0);
    let early = begin(&tokens, "ada").await;
    let grant = refresh(&tokens, text(&early)).await.unwrap();
    let (ended, left) = (begin(&tokens, "bob").await, begin(&tokens, "bob").await);
    assert!(tokens.end_by_token(text(&ended)).await.unwrap().was_live());
    eventually("all of it was replicated", async || {
        let known = |server: &RedisServer| server.command("DBSIZE");
        known(&first) == known(&second) && !keys(&second, "*:log").is_empty()
    })
    .await;
    // From here on it is the second that counts, and what comes now is lost.
    second.command("REPLICAOF NO ONE");
    let lost = refresh(&tokens, text(&grant)).await.unwrap();
    let tokens = sessions(store(&second), 0);
    for key in keys(&second, "*") {
        let redis::Value::Int(left) = second.command(&format!("PTTL {key}")) else { panic!() };
        assert!(left > 0, "{key} stays for ever");
    }
    assert!(session_is_revoked(tokens.store(), ended.session().id.as_str()).await);
    assert_eq!(kind(&tokens, text(&ended)).await, SessionErrorKind::InvalidGrant);
    let _ = refresh(&tokens, text(&left)).await.unwrap();
    // Whoever has the spent token goes on with it, until the other comes.
    let again = refresh(&tokens, text(&grant)).await.unwrap();
    assert_eq!(again.session().generation, 2);
    assert_eq!(kind(&tokens, text(&lost)).await, SessionErrorKind::InvalidGrant);
    assert_eq!(kind(&tokens, text(&again)).await, SessionErrorKind::InvalidGrant);
    assert!(session_is_revoked(tokens.store(), early.session().id.as_str()).await);
}
