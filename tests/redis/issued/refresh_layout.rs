//! Sessions when Redis holds what it should not, has no room, or goes back to an older state.

use std::error::Error;

use redis::{Value, cmd};
use tower_bearer::issuer::refresh::{RefreshErrorKind, RefreshTokens};
use tower_bearer::revocation::StoreErrorKind;

use super::refresh::{begin, keys, kind, refresh, session_is_revoked, sessions, text};
use super::*;

fn run(server: &RedisServer, command: &redis::Cmd) -> Value {
    let client = redis::Client::open(server.url()).unwrap();
    command.query(&mut client.get_connection().unwrap()).unwrap()
}

fn family(id: impl std::fmt::Display) -> String {
    format!("{{tower-bearer}}:refresh:family:{id}")
}

/// The one key of this kind.
fn only(server: &RedisServer, pattern: &str) -> String {
    let mut found = keys(server, pattern);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

/// That all that can be asked of a session is an error.
async fn expect_errors(tokens: &RefreshTokens<RedisStore>, token: &str, id: &str, what: &str) {
    let unavailable = RefreshErrorKind::Unavailable;
    assert_eq!(kind(tokens, token).await, unavailable, "{what}");
    assert_eq!(tokens.sessions("ada").await.unwrap_err().kind(), unavailable, "{what}");
    let ended = tokens.end_all("ada").await.map(|all| all.sessions);
    assert_eq!(ended.unwrap_err().kind(), unavailable, "{what}");
    assert_eq!(tokens.end_session_of("ada", id).await.unwrap_err().kind(), unavailable, "{what}");
}

#[tokio::test]
async fn a_family_of_another_layout_is_an_error_and_never_accepted() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let tokens = sessions(store(&server), 60);
    let moments = ["created", "used", "idle", "expires", "rotated"];
    let texts = ["subject", "client", "scope", "generation", "predecessor", "current"];
    let moment = ["", "x", "1", "-1", "1e3", "00000000000000000000000000000000000001"];
    let mut cases = Vec::new();
    for field in moments.iter().chain(&texts[..5]) {
        cases.push(vec!["HDEL", field]);
    }
    for field in moments {
        cases.extend(moment.map(|odd| vec!["HSET", field, odd]));
    }
    for odd in ["", "x", "-1", "1.5", "99999999999999999999"] {
        cases.push(vec!["HSET", "generation", odd]);
    }
    for odd in ["", "x", "{}", "{\"a\":1}", "[1]", "[null]", "[[]]", "[\"a\"", "null", "7"] {
        cases.push(vec!["HSET", "scope", odd]);
    }
    for field in ["current", "predecessor"] {
        cases.push(vec!["HSET", field, "x"]);
        cases.push(vec!["HSET", field, "+++++++++++++++++++++++++++++++++++++++++++"]);
    }
    cases.push(vec!["HSET", "current", ""]);
    for case in cases {
        let grant = begin(&tokens, "ada").await;
        let id = grant.session().id.as_str();
        let key = family(id);
        let mut plant = cmd(case[0]);
        run(&server, plant.arg(&key).arg(&case[1..]));
        expect_errors(&tokens, text(&grant), id, &format!("{case:?}")).await;
        // Its owner can still sign in.
        let _ = begin(&tokens, "ada").await;
        run(&server, cmd("FLUSHALL").arg("SYNC"));
    }
    // What only the client can tell, it tells when the token is spent: an error all the same.
    for (field, odd) in [("subject", &b"\xff"[..]), ("client", b"\xff"), ("device", b"\xff")] {
        let grant = begin(&tokens, "ada").await;
        run(&server, cmd("HSET").arg(family(&grant.session().id)).arg(field).arg(odd));
        assert!(refresh(&tokens, text(&grant)).await.is_err(), "{field}");
        let _ = tokens.sessions("ada").await;
        run(&server, cmd("FLUSHALL").arg("SYNC"));
    }
    for plant in [vec!["SET", "x"], vec!["RPUSH", "x"], vec!["HSET", "x", "y"]] {
        let grant = begin(&tokens, "ada").await;
        let id = grant.session().id.as_str();
        server.command(&format!("DEL {}", family(id)));
        run(&server, cmd(plant[0]).arg(family(id)).arg(&plant[1..]));
        expect_errors(&tokens, text(&grant), id, &format!("{plant:?}")).await;
        run(&server, cmd("FLUSHALL").arg("SYNC"));
    }
}

#[tokio::test]
async fn an_index_of_another_layout_is_an_error_before_anything_happens() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let tokens = sessions(store(&server), 60);
    let grant = begin(&tokens, "ada").await;
    let id = grant.session().id.as_str();
    let index = only(&server, "*:refresh:subject:*");
    server.command(&format!("RENAME {index} {index}:aside"));
    server.command(&format!("SET {index} x"));
    expect_errors(&tokens, text(&grant), id, "a text").await;
    let new = tower_bearer::issuer::refresh::NewSession::new("ada", "web");
    assert_eq!(tokens.begin(new).await.unwrap_err().kind(), RefreshErrorKind::Unavailable);
    assert_eq!(keys(&server, "*:refresh:family:*").len(), 1, "a half of a session began");
    server.command(&format!("RENAME {index}:aside {index}"));
    let next = refresh(&tokens, text(&grant)).await.unwrap();
    assert_eq!(next.session().generation, 1, "a refusal spent the token");
    server.command(&format!("ZADD {index} 99999999999 no-id-of-a-session"));
    let unavailable = RefreshErrorKind::Unavailable;
    assert_eq!(tokens.sessions("ada").await.unwrap_err().kind(), unavailable);
    assert_eq!(tokens.end_all("ada").await.unwrap_err().kind(), unavailable);
    let next = refresh(&tokens, text(&next)).await.unwrap();
    assert!(tokens.end_by_token(text(&next)).await.unwrap());
}

#[tokio::test]
async fn a_session_that_could_not_be_revoked_can_only_end() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let tokens = sessions(store(&server), 0);
    for (key, plant) in [("log", "SET"), ("log", "RPUSH")] {
        for reuse in [true, false] {
            run(&server, cmd("FLUSHALL").arg("SYNC"));
            let first = begin(&tokens, "ada").await;
            let next = refresh(&tokens, text(&first)).await.unwrap();
            let id = next.session().id.as_str();
            let key = format!("{{tower-bearer}}:revocation:{key}");
            server.command(&format!("{plant} {key} x"));
            let unavailable = RefreshErrorKind::Unavailable;
            if reuse {
                assert_eq!(kind(&tokens, text(&first)).await, unavailable);
            } else {
                assert_eq!(tokens.end_session_of("ada", id).await.unwrap_err().kind(), unavailable);
            }
            assert_eq!(kind(&tokens, text(&next)).await, unavailable, "it is to end");
            assert!(tokens.sessions("ada").await.unwrap().is_empty());
            server.command(&format!("DEL {key}"));
            assert_eq!(kind(&tokens, text(&next)).await, RefreshErrorKind::InvalidGrant);
            assert!(session_is_revoked(tokens.store(), id).await);
            assert!(keys(&server, "*:refresh:*").is_empty());
        }
    }
}

#[tokio::test]
async fn a_revocation_of_another_layout_lets_no_session_go_on() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let tokens = sessions(store(&server), 0);
    for plant in ["SET", "RPUSH"] {
        let other = begin(&tokens, "bob").await;
        tokens.end_by_token(text(&other)).await.unwrap();
        let entry = only(&server, "*:revocation:entries");
        server.command(&format!("DEL {entry}"));
        let grant = begin(&tokens, "ada").await;
        // Which entry is this session's, its end tells; then as if it had not ended.
        let key = family(&grant.session().id);
        let kept = run(&server, cmd("DUMP").arg(&key));
        tokens.end_by_token(text(&grant)).await.unwrap();
        let entry = only(&server, "*:revocation:entries");
        server.command(&format!("DEL {entry}"));
        server.command(&format!("{plant} {entry} x"));
        run(&server, cmd("RESTORE").arg(&key).arg(100_000).arg(bytes(kept)));
        assert!(refresh(&tokens, text(&grant)).await.is_err());
        server.command(&format!("DEL {entry} {key}"));
    }
}

fn bytes(value: Value) -> Vec<u8> {
    let Value::BulkString(bytes) = value else { panic!("{value:?}") };
    bytes
}

#[tokio::test]
async fn a_redis_that_went_back_notices_a_spent_token_and_keeps_an_ended_session_dead() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let tokens = sessions(store(&server), 0);
    let first = begin(&tokens, "ada").await;
    let key = family(&first.session().id);
    let back = |kept: &Value| {
        let mut restore = cmd("RESTORE");
        restore.arg(&key).arg(100_000).arg(bytes(kept.clone())).arg("REPLACE");
        run(&server, &restore);
    };
    let before = run(&server, cmd("DUMP").arg(&key));
    let next = refresh(&tokens, text(&first)).await.unwrap();
    back(&before);
    // The thief has the spent token, and it counts again. Not for both.
    let stolen = refresh(&tokens, text(&first)).await.unwrap();
    assert_eq!(kind(&tokens, text(&next)).await, RefreshErrorKind::InvalidGrant);
    assert_eq!(kind(&tokens, text(&stolen)).await, RefreshErrorKind::InvalidGrant);
    let id = first.session().id.as_str();
    assert!(session_is_revoked(tokens.store(), id).await);
    // Now the end is forgotten too, and the revocation is not: a replica wrote it back.
    back(&before);
    assert_eq!(kind(&tokens, text(&first)).await, RefreshErrorKind::InvalidGrant);
    assert!(keys(&server, "*:refresh:*").is_empty());
}

#[tokio::test]
async fn a_full_redis_begins_and_refreshes_nothing_and_still_ends_sessions() {
    let Some(server) = RedisServer::start(&["--maxmemory-policy", "noeviction"]) else { return };
    let tokens = sessions(store(&server), 0);
    let one = begin(&tokens, "ada").await;
    let two = begin(&tokens, "ada").await;
    let spent = begin(&tokens, "bob").await;
    let stolen = refresh(&tokens, text(&spent)).await.unwrap();
    let (three, four) = (begin(&tokens, "eve").await, begin(&tokens, "eve").await);
    server.command("CONFIG SET maxmemory 1000000");
    let full = |error: tower_bearer::issuer::refresh::RefreshError| {
        assert_eq!(error.kind(), RefreshErrorKind::Unavailable);
        let source = error.source().unwrap().downcast_ref::<StoreError>().unwrap();
        assert_eq!(source.kind(), StoreErrorKind::Full);
    };
    let before = keys(&server, "*");
    let new = tower_bearer::issuer::refresh::NewSession::new("ada", "web");
    full(tokens.begin(new).await.unwrap_err());
    for _ in 0..3 {
        full(refresh(&tokens, text(&one)).await.unwrap_err());
    }
    assert_eq!(keys(&server, "*").len(), before.len());
    assert_eq!(tokens.sessions("ada").await.unwrap().len(), 2);
    // Logout, reuse and logout everywhere need room for the revocation, and free more.
    assert!(tokens.end_by_token(text(&two)).await.unwrap());
    assert_eq!(kind(&tokens, text(&spent)).await, RefreshErrorKind::InvalidGrant);
    let except = four.session().id.as_str();
    assert_eq!(tokens.end_all_but("eve", except).await.unwrap(), [three.session().id.clone()]);
    for dead in [&two, &spent, &three] {
        assert!(session_is_revoked(tokens.store(), dead.session().id.as_str()).await);
    }
    assert_eq!(kind(&tokens, text(&stolen)).await, RefreshErrorKind::InvalidGrant);
    server.command("CONFIG SET maxmemory 0");
    let next = refresh(&tokens, text(&one)).await.unwrap();
    assert_eq!(next.session().generation, 1, "what was refused had spent nothing");
    let _ = refresh(&tokens, text(&four)).await.unwrap();
}
