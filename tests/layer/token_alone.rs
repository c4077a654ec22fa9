//! Tokens that come without a request's head: in the first message of a WebSocket, and in those of a
//! queue. One [`Authenticator`] serves them and the layer.
use std::future::IntoFuture;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::response::Response;
use axum::routing::{any, get};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite;
use tower_bearer::authenticate::DynAuthenticator;
use tower_bearer::clock::UnixTime;
use tower_bearer::guard::scope;
use tower_bearer::revocation::{MemoryStore, Revocation};
use tower_bearer::testing::TestIssuer;
use tower_bearer::{AuthLayer, Authenticator, Claims, RejectionKind};
use tower_bearer_tests::servers::{User, bearer, listen, verifier};

type Auth = DynAuthenticator<User>;

/// The socket opens without a token; its first message has to be one.
async fn socket(State(auth): State<Auth>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(|mut socket| async move {
        match first_message(&auth, &mut socket).await {
            Ok(user) => {
                let hello = Message::text(format!("hello {}", user.sub));
                let _ = socket.send(hello).await;
            }
            Err(kind) => {
                let reason = kind.description().into();
                let close = CloseFrame { code: close_code::POLICY, reason };
                let _ = socket.send(Message::Close(Some(close))).await;
            }
        }
    })
}

async fn first_message(auth: &Auth, socket: &mut WebSocket) -> Result<Claims<User>, RejectionKind> {
    let first = tokio::time::timeout(Duration::from_secs(5), socket.recv()).await;
    let Ok(Some(Ok(Message::Text(token)))) = first else {
        return Err(RejectionKind::MissingToken);
    };
    auth.claims(token.as_str()).await.map_err(|rejection| rejection.kind())
}

struct Service {
    issuer: TestIssuer,
    store: MemoryStore,
    auth: Auth,
    seen: Arc<Mutex<Vec<Option<RejectionKind>>>>,
    address: SocketAddr,
}

async fn serve() -> Service {
    let issuer = TestIssuer::new();
    let store = MemoryStore::new();
    let seen = Arc::<Mutex<Vec<_>>>::default();
    let told = Arc::clone(&seen);
    let auth = Authenticator::new(verifier(&issuer))
        .revocation(store.clone())
        .observer(move |event| told.lock().unwrap().push(event.kind))
        .boxed();
    let app = Router::new()
        .route("/me", get(|user: Claims<User>| async move { user.sub.clone() }))
        .layer(AuthLayer::new(auth.clone()).realm("orders"))
        .route("/socket", any(socket))
        .with_state(auth.clone());
    let listener = listen().await;
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, app).into_future());
    Service { issuer, store, auth, seen, address }
}

impl Service {
    /// What the socket answers to its first message: a text, or why it closes.
    async fn first(&self, message: &str) -> Result<String, (u16, String)> {
        let url = format!("ws://{}/socket", self.address);
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        socket.send(tungstenite::Message::text(message)).await.unwrap();
        match socket.next().await.unwrap().unwrap() {
            tungstenite::Message::Text(text) => Ok(text.to_string()),
            tungstenite::Message::Close(Some(frame)) => {
                Err((frame.code.into(), frame.reason.to_string()))
            }
            other => panic!("{other:?}"),
        }
    }

    /// What the layer answers to the same token.
    async fn status(&self, token: &str) -> u16 {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.get(format!("http://{}/me", self.address));
        request.header("authorization", bearer(token)).send().await.unwrap().status().as_u16()
    }
}

#[tokio::test]
async fn the_first_message_of_a_websocket_has_the_rules_of_the_layer() {
    let service = serve().await;
    let token = |id: &str| service.issuer.token().subject("alice").token_id(id);
    let good = token("1").sign();
    assert_eq!(service.first(&good).await, Ok("hello alice".to_owned()));
    assert_eq!(service.status(&good).await, 200);
    service.store.revoke_now(&Revocation::token("2", UnixTime::MAX)).unwrap();

    let invalid = "The access token is invalid";
    for (token, kind, text) in [
        (token("2").sign(), RejectionKind::Revoked, invalid),
        (token("1").expired().sign(), RejectionKind::Expired, "The access token expired"),
        (token("1").without("jti").sign(), RejectionKind::MissingIdentifier, invalid),
        (token("1").claim("aud", "others").sign(), RejectionKind::WrongAudience, invalid),
        (TestIssuer::new().token().sign(), RejectionKind::InvalidSignature, invalid),
    ] {
        service.seen.lock().unwrap().clear();
        assert_eq!(service.first(&token).await, Err((1008, text.to_owned())), "{kind:?}");
        assert_eq!(service.status(&token).await, 401, "{kind:?}");
        assert_eq!(*service.seen.lock().unwrap(), [Some(kind), Some(kind)], "both are observed");
    }
    for odd in ["", "hello", "a b c", &format!("Bearer {good}")] {
        assert_eq!(service.first(odd).await.unwrap_err().0, 1008, "{odd}");
    }

    // Taken back, the next message is refused.
    service.store.revoke_now(&Revocation::token("1", UnixTime::MAX)).unwrap();
    assert_eq!(service.first(&good).await, Err((1008, invalid.to_owned())));
}

/// A worker that takes one JSON object a line, with a token beside the job, and answers each.
async fn worker(auth: Auth, queue: TcpListener) {
    let (stream, _) = queue.accept().await.unwrap();
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let message: Value = serde_json::from_str(&line).unwrap();
        let judged = match auth.claims(message["token"].as_str().unwrap_or_default()).await {
            Ok(user) => user.require(scope("orders:write")).map(|()| user),
            Err(rejection) => Err(rejection),
        };
        let answer = match judged {
            Ok(user) => format!("{} by {}\n", message["job"], user.sub),
            Err(rejection) => format!("refused: {}\n", rejection.kind().as_str()),
        };
        write.write_all(answer.as_bytes()).await.unwrap();
    }
}

#[tokio::test]
async fn messages_of_a_queue_are_judged_one_by_one() {
    let service = serve().await;
    let queue = listen().await;
    let address = queue.local_addr().unwrap();
    tokio::spawn(worker(service.auth.clone(), queue));
    let (read, mut write) = TcpStream::connect(address).await.unwrap().into_split();
    let mut answers = BufReader::new(read).lines();
    let mut ask = async |message: Value| {
        write.write_all(format!("{message}\n").as_bytes()).await.unwrap();
        answers.next_line().await.unwrap().unwrap()
    };
    let token = || service.issuer.token().subject("alice").token_id("1").scope("orders:write");
    let good = token().sign();
    assert_eq!(ask(json!({"token": good, "job": 1})).await, "1 by alice");
    for (token, answer) in [
        (json!(token().scope("orders:read").sign()), "refused: insufficient_scope"),
        (json!(token().expired().sign()), "refused: expired"),
        (json!(null), "refused: invalid_request"),
        (json!("no.such.token"), "refused: malformed_token"),
    ] {
        assert_eq!(ask(json!({"token": token, "job": 2})).await, answer);
    }
    service.store.revoke_now(&Revocation::token("1", UnixTime::MAX)).unwrap();
    assert_eq!(ask(json!({"token": good, "job": 3})).await, "refused: revoked");
}
