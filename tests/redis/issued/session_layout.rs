//! Sessions when Redis holds what it should not, has no room, or goes back to an older state.

use std::error::Error;

use redis::{Value, cmd};
use tower_bearer::issuer::session::{Ending, SessionErrorKind, Sessions};
use tower_bearer::revocation::StoreErrorKind;

use super::session::{begin, keys, kind, refresh, session_is_revoked, sessions, text};
use super::*;

fn run(server: &RedisServer, command: &redis::Cmd) -> Value {
    let client = redis::Client::open(server.url()).unwrap();
    command.query(&mut client.get_connection().unwrap()).unwrap()
}

fn record(id: impl std::fmt::Display) -> String {
    format!("{{tower-bearer}}:session:record:{id}")
}

/// The one key of this kind.
fn only(server: &RedisServer, pattern: &str) -> String {
    let mut found = keys(server, pattern);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

/// That all that can be asked of a session is an error.
async fn expect_errors(tokens: &Sessions, token: &str, id: &str, what: &str) {
    let unavailable = SessionErrorKind::Unavailable;
    assert_eq!(kind(tokens, token).await, unavailable, "{what}");
    assert_eq!(tokens.sessions("ada").await.unwrap_err().kind(), unavailable, "{what}");
    let ended = tokens.end_all("ada").await.map(|all| all.sessions);
    assert_eq!(ended.unwrap_err().kind(), unavailable, "{what}");
    assert_eq!(tokens.end_session("ada", id).await.unwrap_err().kind(), unavailable, "{what}");
}

#[tokio::test]
async fn a_record_of_another_format_is_an_error_and_never_accepted() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let tokens = sessions(store(&server), 60);
    let version = "0000000000000001";
    let odd = [
        String::new(),
        "x".into(),
        version.into(),
        format!("{version}1"),
        format!("{version}1{{}}"),
        format!("{version}2{{}}"),
        format!("{version}1null"),
        format!("{version}\u{1F980}"),
    ];
    for odd in &odd {
        let grant = begin(&tokens, "ada").await;
        let id = grant.session().id.as_str();
        run(&server, cmd("SET").arg(record(id)).arg(odd));
        expect_errors(&tokens, text(&grant), id, odd).await;
        // Its owner can still sign in, and its access tokens can be taken back.
        let _ = begin(&tokens, "ada").await;
        let verified =
            TokenIdentity::new().with_issuer("https://id.example.com").with_session_id(id);
        assert!(tokens.end_verified(&verified).await.is_err());
        assert!(tokens.store().status(&verified).await.unwrap().is_revoked());
        run(&server, cmd("FLUSHALL").arg("SYNC"));
    }
    // Each digit of the version, and each byte of the record that is gone or another.
    let grant = begin(&tokens, "ada").await;
    let id = grant.session().id.as_str();
    let kept = bytes(run(&server, cmd("GET").arg(record(id))));
    for length in 0..kept.len() {
        run(&server, cmd("SET").arg(record(id)).arg(&kept[..length]));
        assert_eq!(kind(&tokens, text(&grant)).await, SessionErrorKind::Unavailable, "{length}");
    }
    for at in 0..18 {
        let mut other = kept.clone();
        other[at] = b'+';
        run(&server, cmd("SET").arg(record(id)).arg(other));
        assert_eq!(kind(&tokens, text(&grant)).await, SessionErrorKind::Unavailable, "{at}");
    }
    run(&server, cmd("FLUSHALL").arg("SYNC"));
    for plant in ["RPUSH", "SADD"] {
        let grant = begin(&tokens, "ada").await;
        let id = grant.session().id.as_str();
        server.command(&format!("DEL {}", record(id)));
        run(&server, cmd(plant).arg(record(id)).arg("x"));
        let unavailable = SessionErrorKind::Unavailable;
        assert_eq!(kind(&tokens, text(&grant)).await, unavailable, "{plant}");
        assert_eq!(tokens.end_session("ada", id).await.unwrap_err().kind(), unavailable);
        run(&server, cmd("FLUSHALL").arg("SYNC"));
    }
}

#[tokio::test]
async fn a_list_of_another_layout_is_an_error_before_anything_happens() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let tokens = sessions(store(&server), 60);
    let grant = begin(&tokens, "ada").await;
    let id = grant.session().id.as_str();
    let list = only(&server, "*:session:list:*");
    server.command(&format!("RENAME {list} {list}:aside"));
    server.command(&format!("SET {list} x"));
    expect_errors(&tokens, text(&grant), id, "a text").await;
    let new = tower_bearer::issuer::session::NewSession::new("ada", "web");
    assert_eq!(tokens.begin(new).await.unwrap_err().kind(), SessionErrorKind::Unavailable);
    assert_eq!(keys(&server, "*:session:record:*").len(), 1, "a half of a session began");
    server.command(&format!("RENAME {list}:aside {list}"));
    // (the epoch of `end_all` was put before the list was seen, so it is over)
    assert_eq!(kind(&tokens, text(&grant)).await, SessionErrorKind::InvalidGrant);
    run(&server, cmd("FLUSHALL").arg("SYNC"));
    let grant = begin(&tokens, "bob").await;
    let list = only(&server, "*:session:list:*");
    server.command(&format!("ZADD {list} 99999999999 no-id-of-a-session"));
    let unavailable = SessionErrorKind::Unavailable;
    assert_eq!(tokens.sessions("bob").await.unwrap_err().kind(), unavailable);
    let next = refresh(&tokens, text(&grant)).await.unwrap();
    assert!(tokens.end_by_token(text(&next)).await.unwrap().was_live());
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
            let unavailable = SessionErrorKind::Unavailable;
            if reuse {
                assert_eq!(kind(&tokens, text(&first)).await, unavailable);
            } else {
                assert_eq!(tokens.end_session("ada", id).await.unwrap_err().kind(), unavailable);
            }
            // It has ended, and theft is only told of when its access tokens are dead.
            let wanted = if reuse { unavailable } else { SessionErrorKind::InvalidGrant };
            assert_eq!(kind(&tokens, text(&next)).await, wanted, "it is to end");
            assert!(tokens.sessions("ada").await.unwrap().is_empty());
            server.command(&format!("DEL {key}"));
            if !reuse {
                let again = tokens.end_session("ada", id).await.unwrap();
                assert!(again.is_over() && !again.was_live());
            }
            assert_eq!(kind(&tokens, text(&next)).await, SessionErrorKind::InvalidGrant);
            assert!(session_is_revoked(tokens.store(), id).await);
        }
    }
}

#[tokio::test]
async fn a_revocation_of_another_layout_lets_no_session_go_on() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let tokens = sessions(store(&server), 0);
    for plant in ["SET", "RPUSH"] {
        let other = begin(&tokens, "bob").await;
        assert!(tokens.end_by_token(text(&other)).await.unwrap().was_live());
        let entry = only(&server, "*:revocation:entries");
        server.command(&format!("DEL {entry}"));
        let grant = begin(&tokens, "ada").await;
        // Which entry is this session's, its end tells; then as if it had not ended.
        let key = record(&grant.session().id);
        let kept = run(&server, cmd("DUMP").arg(&key));
        assert!(tokens.end_by_token(text(&grant)).await.unwrap().was_live());
        let entry = only(&server, "*:revocation:entries");
        server.command(&format!("DEL {entry}"));
        server.command(&format!("{plant} {entry} x"));
        run(&server, cmd("RESTORE").arg(&key).arg(100_000).arg(bytes(kept)).arg("REPLACE"));
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
    let key = record(&first.session().id);
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
    assert_eq!(kind(&tokens, text(&next)).await, SessionErrorKind::InvalidGrant);
    assert_eq!(kind(&tokens, text(&stolen)).await, SessionErrorKind::InvalidGrant);
    let id = first.session().id.as_str();
    assert!(session_is_revoked(tokens.store(), id).await);
    // Now the end is forgotten too, and the revocation is not: a replica wrote it back.
    back(&before);
    assert_eq!(kind(&tokens, text(&first)).await, SessionErrorKind::InvalidGrant);
    assert!(tokens.sessions("ada").await.unwrap().is_empty());
    assert_eq!(tokens.end_by_token(text(&first)).await.unwrap(), Ending::Before);
}

#[tokio::test]
async fn a_full_redis_begins_nothing_and_still_refreshes_and_ends_sessions() {
    let Some(server) = RedisServer::start(&["--maxmemory-policy", "noeviction"]) else { return };
    let tokens = sessions(store(&server), 0);
    let one = begin(&tokens, "ada").await;
    let two = begin(&tokens, "ada").await;
    let spent = begin(&tokens, "bob").await;
    let stolen = refresh(&tokens, text(&spent)).await.unwrap();
    let (three, four) = (begin(&tokens, "eve").await, begin(&tokens, "eve").await);
    server.command("CONFIG SET maxmemory 1000000");
    let full = |error: tower_bearer::issuer::session::SessionError| {
        assert_eq!(error.kind(), SessionErrorKind::Unavailable);
        let source = error.source().unwrap().downcast_ref::<StoreError>().unwrap();
        assert_eq!(source.kind(), StoreErrorKind::Full);
    };
    let before = keys(&server, "*");
    let new = tower_bearer::issuer::session::NewSession::new("ada", "web");
    full(tokens.begin(new).await.unwrap_err());
    let one = refresh(&tokens, text(&one)).await.unwrap();
    assert_eq!(keys(&server, "*").len(), before.len());
    assert_eq!(tokens.sessions("ada").await.unwrap().len(), 2);
    // What replaces a record has the room that it had.
    assert!(tokens.end_by_token(text(&two)).await.unwrap().was_live());
    assert_eq!(kind(&tokens, text(&spent)).await, SessionErrorKind::InvalidGrant);
    let except = four.session().id.as_str();
    // There is no room for the epoch, and what can end does.
    full(tokens.end_all_but("eve", except).await.map(drop).unwrap_err());
    for dead in [&two, &spent, &three] {
        assert!(session_is_revoked(tokens.store(), dead.session().id.as_str()).await);
    }
    assert_eq!(kind(&tokens, text(&stolen)).await, SessionErrorKind::InvalidGrant);
    server.command("CONFIG SET maxmemory 0");
    let next = refresh(&tokens, text(&one)).await.unwrap();
    assert_eq!(next.session().generation, 2);
    let _ = refresh(&tokens, text(&four)).await.unwrap();
}
