//! Single-use tokens.

use futures_util::future::join_all;
use tower_bearer::issuer::single_use::{SingleUse, SingleUseErrorKind};
use tower_bearer::store::{Once, OnceId};
use tower_bearer::testing::{FakeClock, once};

use super::*;

const MINUTES: Duration = Duration::from_secs(15 * 60);
const RECORDS: &str = "*:session:record:*";

/// That tokens are redeemed once is in the suite for stores of sessions.
#[tokio::test]
async fn claims_conform() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let newer = format!("{}?protocol=resp3", server.url());
    for url in [server.url(), newer] {
        let store = RedisStore::builder(&url).unwrap().timeout(Duration::from_secs(10));
        let store = store.build().unwrap();
        once::conformance(|| async { store.clone() }).await;
    }
    let replica = Replica::builder(store(&server)).build().unwrap();
    once::conformance(|| async { replica.clone() }).await;
}

/// What is redeemed waits for as many replicas as a session's step does.
#[tokio::test]
async fn where_replicas_have_to_have_it_nothing_is_redeemed_without_them() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let links = SingleUse::new("https://id.test", store(&server));
    let token = links.subject("ada").mint("sign-in", "ada", MINUTES).await.unwrap();
    let durable = RedisStore::builder(&server.url()).unwrap().timeout(TIMEOUT);
    let durable = durable.durable(1, Duration::from_millis(50)).build().unwrap();
    let links = SingleUse::new("https://id.test", durable);
    let answer = links.redeem::<String>("sign-in", token.expose_secret()).await;
    assert_eq!(answer.unwrap_err().kind(), SingleUseErrorKind::Unavailable);
    let minted = links.subject("ada").mint("sign-in", "ada", MINUTES).await;
    assert_eq!(minted.unwrap_err().kind(), SingleUseErrorKind::Unavailable);
    let revoked = links.subject("ada").revoke().await;
    assert_eq!(revoked.unwrap_err().kind(), SingleUseErrorKind::Unavailable);
}

#[tokio::test]
async fn a_demoted_server_refuses_no_token_for_good() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let links = SingleUse::new("https://id.test", store(&server));
    let token = links.mint("sign-in", "ada", MINUTES).await.unwrap();
    server.command("REPLICAOF 127.0.0.1 1");
    // It may lack what the primary has, and then knows of no such token.
    server.command("CONFIG SET replica-read-only no");
    for key in super::session::keys(&server, RECORDS) {
        server.command(&format!("DEL {key}"));
    }
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
    for round in 0..20 {
        let token = match round % 2 {
            0 => nodes[0].mint("sign-in", "ada", MINUTES).await.unwrap(),
            _ => nodes[0].subject("ada").mint("sign-in", "ada", MINUTES).await.unwrap(),
        };
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
        for key in super::session::keys(&server, RECORDS) {
            let redis::Value::Int(left) = server.command(&format!("PTTL {key}")) else { panic!() };
            assert!((950_000..=960_000).contains(&left), "{left}");
            assert!(!key.contains(&one.expose_secret()[5..]), "a token is kept");
        }
        clock.advance(MINUTES - Duration::from_secs(1));
        assert_eq!(links.redeem::<String>("sign-in", one.expose_secret()).await.unwrap(), "ada");
        clock.advance(Duration::from_secs(1));
        let late = links.redeem::<String>("sign-in", two.expose_secret()).await.unwrap_err();
        assert_eq!(late.kind(), SingleUseErrorKind::Rejected);
        // Redis forgets what has expired a minute later, by its own clock.
        assert!(super::session::keys(&server, RECORDS).len() <= 1);
        server.command("FLUSHALL");
        // What is used stays used, whatever Redis thinks of the time.
        let (id, now) = (OnceId::from_hash([7; 32]), clock.now());
        let until = now.saturating_add(Duration::from_secs(10));
        let store = store(&server);
        assert!(store.claim(&id, until, now).await.unwrap());
        assert!(!store.claim(&id, until, now).await.unwrap());
        let redis::Value::Int(left) =
            server.command(&format!("PTTL {}", super::session::keys(&server, "*")[0]))
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
    let version = "0000000000000001";
    let plants = [
        "SET {} x".to_owned(),
        format!("SET {{}} {version}"),
        format!("SET {{}} {version}t1"),
        format!("SET {{}} {version}t1{{}}"),
        format!("SET {{}} {version}g1{{}}"),
        format!("SET {{}} {version}t2{{}}"),
        "SETRANGE {} 16 x1".to_owned(),
        "RPUSH {} x".to_owned(),
    ];
    // Alone, and in a group.
    for plant in plants {
        for alone in [true, false] {
            let token = match alone {
                true => links.mint("sign-in", "ada", MINUTES).await.unwrap(),
                false => links.subject("ada").mint("sign-in", "ada", MINUTES).await.unwrap(),
            };
            for key in super::session::keys(&server, RECORDS) {
                if plant.starts_with("RPUSH") {
                    server.command(&format!("DEL {key}"));
                }
                server.command(&plant.replace("{}", &key));
            }
            let answer = redeem(token.expose_secret()).await;
            assert_eq!(answer, Err(SingleUseErrorKind::Unavailable), "{plant}");
            if !alone {
                let minted = links.subject("ada").mint("sign-in", "ada", MINUTES).await;
                assert_eq!(minted.unwrap_err().kind(), SingleUseErrorKind::Unavailable);
            }
            server.command("FLUSHALL");
        }
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
