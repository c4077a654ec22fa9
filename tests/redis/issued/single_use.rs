//! Single-use tokens.

use futures_util::future::join_all;
use tower_bearer::issuer::single_use::{SingleUse, SingleUseErrorKind};
use tower_bearer::store::{Once, OnceId};
use tower_bearer::testing::single_use::conformance;
use tower_bearer::testing::{FakeClock, once};

use super::*;

const MINUTES: Duration = Duration::from_secs(15 * 60);

#[tokio::test]
async fn they_conform() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let newer = format!("{}?protocol=resp3", server.url());
    for url in [server.url(), newer] {
        let store = RedisStore::builder(&url).unwrap().timeout(Duration::from_secs(10));
        let store = store.build().unwrap();
        conformance(|| async { store.clone() }).await;
        once::conformance(|| async { store.clone() }).await;
    }
    let store = store(&server);
    let replica = Replica::builder(store).build().unwrap();
    conformance(|| async { replica.clone() }).await;
    once::conformance(|| async { replica.clone() }).await;
}

#[tokio::test]
async fn a_demoted_server_refuses_no_token_for_good() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let links = SingleUse::new("https://id.test", store(&server));
    let token = links.mint("sign-in", "ada", MINUTES).await.unwrap();
    server.command("REPLICAOF 127.0.0.1 1");
    // It may lack what the primary has, and then knows of no such token.
    server.command("CONFIG SET replica-read-only no");
    let key = super::refresh::keys(&server, "*:single-use:token:*").remove(0);
    server.command(&format!("DEL {key}"));
    server.command("CONFIG SET replica-read-only yes");
    let error = links.redeem::<String>("sign-in", token.expose_secret()).await.unwrap_err();
    assert_eq!(error.kind(), SingleUseErrorKind::Unavailable);
    let code = links.group("ada").redeem_code::<String>("sign-in", "000000").await;
    assert_eq!(code.unwrap_err().kind(), SingleUseErrorKind::Unavailable);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_nodes_one_redeems() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let nodes = [
        SingleUse::new("https://id.test", store(&server)),
        SingleUse::new("https://id.test", store(&server)),
    ];
    for _ in 0..20 {
        let token = nodes[0].mint("sign-in", "ada", MINUTES).await.unwrap();
        let tasks = (0..8).map(|number| {
            let (node, token) = (nodes[number % 2].clone(), token.clone());
            tokio::spawn(
                async move { node.redeem::<String>("sign-in", token.expose_secret()).await },
            )
        });
        let answers = join_all(tasks).await;
        let won = answers.into_iter().filter(|answer| answer.as_ref().unwrap().is_ok());
        assert_eq!(won.count(), 1);
    }
}

#[tokio::test]
async fn the_clock_of_the_caller_decides_and_not_that_of_redis() {
    let Some(server) = RedisServer::start(&[]) else { return };
    // Years behind Redis, and years ahead.
    for start in [1_000_000_000, 3_000_000_000] {
        let clock = FakeClock::at(UnixTime::from_secs(start));
        let links = SingleUse::new("https://id.test", store(&server)).clock(clock.clone());
        let (one, two) = (
            links.mint("sign-in", "ada", MINUTES).await.unwrap(),
            links.mint("sign-in", "ada", MINUTES).await.unwrap(),
        );
        for key in super::refresh::keys(&server, "*") {
            let redis::Value::Int(left) = server.command(&format!("PTTL {key}")) else { panic!() };
            assert!((950_000..=960_000).contains(&left), "{left}");
            assert!(!key.contains(&one.expose_secret()[5..]), "a token is kept");
        }
        clock.advance(MINUTES - Duration::from_secs(1));
        assert_eq!(links.redeem::<String>("sign-in", one.expose_secret()).await.unwrap(), "ada");
        clock.advance(Duration::from_secs(1));
        let late = links.redeem::<String>("sign-in", two.expose_secret()).await.unwrap_err();
        assert_eq!(late.kind(), SingleUseErrorKind::Rejected);
        assert!(super::refresh::keys(&server, "*").is_empty());
        // What is used stays used, whatever Redis thinks of the time.
        let (id, now) = (OnceId::from_hash([7; 32]), clock.now());
        let until = now.saturating_add(Duration::from_secs(10));
        let store = store(&server);
        assert!(store.claim(&id, until, now).await.unwrap());
        assert!(!store.claim(&id, until, now).await.unwrap());
        let redis::Value::Int(left) =
            server.command(&format!("PTTL {}", super::refresh::keys(&server, "*")[0]))
        else {
            panic!()
        };
        assert!((60_000..=70_000).contains(&left), "{left}");
        server.command("FLUSHALL");
    }
}

#[tokio::test]
async fn without_redis_or_with_something_else_in_it_nothing_is_redeemed() {
    let Some(mut server) = RedisServer::start(&["--maxmemory-policy", "noeviction"]) else {
        return;
    };
    let links = SingleUse::new("https://id.test", store(&server));
    let redeem = async |token: &str| {
        within(BOUND, links.redeem::<String>("sign-in", token)).await.map_err(|error| error.kind())
    };
    let plants = [
        ("token", "SET {} x"),
        ("token", "SETRANGE {} 3 *"),
        ("token", "RPUSH {} x"),
        ("group", "SET {} x"),
        ("group", "HSET {} {field} x"),
        ("group", "HSET {} {field} 00000000001700000000"),
    ];
    for (kind, plant) in plants {
        let token = links.mint("sign-in", "ada", MINUTES).await.unwrap();
        let key = super::refresh::keys(&server, &format!("*:single-use:{kind}:*")).remove(0);
        if plant.starts_with("RPUSH") {
            server.command(&format!("DEL {key}"));
        }
        // alone in its group, the token's id is the group's, and the only field
        let field = key.rsplit(':').next().unwrap().to_owned();
        server.command(&plant.replace("{}", &key).replace("{field}", &field));
        let answer = redeem(token.expose_secret()).await;
        assert_eq!(answer, Err(SingleUseErrorKind::Unavailable), "{plant}");
        server.command("FLUSHALL");
    }
    let token = links.mint("sign-in", "ada", MINUTES).await.unwrap();
    let kept = links.mint("sign-in", "ada", MINUTES).await.unwrap();
    server.command("CONFIG SET maxmemory 1000000");
    let error = links.mint("sign-in", "ada", MINUTES).await.unwrap_err();
    assert_eq!(error.kind(), SingleUseErrorKind::Unavailable);
    assert_eq!(redeem(token.expose_secret()).await, Ok("ada".to_owned()), "taking needs no memory");
    server.command("CONFIG SET maxmemory 0");
    server.freeze();
    assert_eq!(redeem(kept.expose_secret()).await, Err(SingleUseErrorKind::Unavailable));
    server.thaw();
    let unknown = links.mint("sign-in", "ada", MINUTES);
    let unknown = within(BOUND, unknown).await.unwrap();
    server.kill();
    assert_eq!(redeem(unknown.expose_secret()).await, Err(SingleUseErrorKind::Unavailable));
    server.restart();
    eventually("it is forgotten", async || {
        redeem(unknown.expose_secret()).await == Err(SingleUseErrorKind::Rejected)
    })
    .await;
}
