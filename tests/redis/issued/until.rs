//! For how long Redis keeps what comes alone: until the last session that it may cover is over.

use redis::cmd;
use tower_bearer::issuer::session::NewSession;

use super::session::{begin, sessions};
use super::*;

fn number(server: &RedisServer, command: &redis::Cmd) -> i64 {
    let client = redis::Client::open(server.url()).unwrap();
    command.query(&mut client.get_connection().unwrap()).unwrap()
}

#[tokio::test]
async fn a_step_about_several_sessions_shortens_what_is_known_of_the_last() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let tokens = sessions(store(&server), 60);
    let until = "{tower-bearer}:session:until";
    for _ in 0..8 {
        let _ = begin(&tokens, "ada").await;
    }
    let left = || number(&server, cmd("TTL").arg(until));
    let before = left();
    assert!(before > 0);
    let _ = tokens.begin(NewSession::new("bob", "web")).await.unwrap();
    let _ = tokens.end_all("ada").await.unwrap();
    assert!(left() >= before - 5, "{} after {before}", left());
}

#[tokio::test]
async fn a_revocation_whose_time_has_passed_stays_as_long_as_sessions_and_no_longer() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let store = store(&server);
    let tokens = sessions(store.clone(), 60);
    let grant = begin(&tokens, "ada").await;
    let id = grant.session().id.as_str();
    store.revoke(&Revocation::session(id, UnixTime::from_secs(1))).await.unwrap();
    let mut command = cmd("ZRANGE");
    command.arg("{tower-bearer}:revocation:expiry").arg(-1).arg(-1).arg("WITHSCORES");
    let client = redis::Client::open(server.url()).unwrap();
    let last: Vec<String> = command.query(&mut client.get_connection().unwrap()).unwrap();
    let last: u64 = last[1].parse().unwrap();
    let now = SystemClock.now().as_secs();
    // Sessions live for an hour there.
    assert!((now + 3000..now + 3900).contains(&last), "{last}, and now is {now}");
}
