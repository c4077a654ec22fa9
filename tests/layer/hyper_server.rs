//! Behind plain hyper on loopback: no framework, bodies of several types.
use std::convert::Infallible;
use std::error::Error;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1 as client;
use hyper::server::conn::http1 as server;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tower::{Layer, Service};
use tower_bearer::authenticate::Mode;
use tower_bearer::clock::UnixTime;
use tower_bearer::guard::scope;
use tower_bearer::respond::{Auto, ProblemJson};
use tower_bearer::revocation::{MemoryStore, Revocation, StoreCheck};
use tower_bearer::testing::TestIssuer;
use tower_bearer::{Claims, Principal, RequireLayer};

use tower_bearer_tests::servers::{User, alice, bearer, layer, listen};

/// Serves one connection after another; a client that talks to it.
async fn serve<S, B>(service: S) -> client::SendRequest<Full<Bytes>>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let listener = listen().await;
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service.clone());
            let connection = server::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    });
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) = client::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

struct Answer {
    status: u16,
    challenge: Option<String>,
    length: Option<String>,
    body: Bytes,
}

async fn ask(client: &mut client::SendRequest<Full<Bytes>>, token: Option<&str>) -> Answer {
    let mut request = Request::post("/").header("host", "api.test");
    if let Some(token) = token {
        request = request.header("authorization", token);
    }
    let request = request.body(Full::from("a body")).unwrap();
    client.ready().await.unwrap();
    let response = client.send_request(request).await.unwrap();
    let text =
        |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    Answer {
        status: response.status().as_u16(),
        challenge: text("www-authenticate"),
        length: text("content-length"),
        body: response.into_body().collect().await.unwrap().to_bytes(),
    }
}

async fn greet(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let principal = Principal::from_extensions(request.extensions()).is_some();
    let user = Claims::<User>::from_extensions(request.extensions());
    let user = user.map_or("nobody".to_owned(), |user| user.sub.clone());
    let sent = request.into_body().collect().await.unwrap().to_bytes();
    let text = format!("{user} {principal} {}", String::from_utf8(sent.to_vec()).unwrap());
    Ok(Response::new(Full::from(text)))
}

async fn empty(_: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    Ok(Response::new(Empty::new()))
}

async fn boxed(_: Request<Incoming>) -> Result<Response<BoxBody<Bytes, Infallible>>, Infallible> {
    Ok(Response::new(Full::from("boxed").boxed()))
}

#[tokio::test]
async fn claims_come_from_the_extensions() {
    let issuer = TestIssuer::new();
    let mut client = serve(layer(&issuer).layer(tower::service_fn(greet))).await;
    // One connection: what was rejected leaves it in order.
    for _ in 0..3 {
        let answer = ask(&mut client, Some(&alice(&issuer))).await;
        assert_eq!((answer.status, &*answer.body), (200, &b"alice true a body"[..]));
        let answer = ask(&mut client, None).await;
        assert_eq!((answer.status, &*answer.body), (401, &b""[..]));
        assert_eq!(answer.challenge.as_deref(), Some("Bearer realm=\"api\""));
        assert_eq!(answer.length.as_deref(), Some("0"));
        let late = bearer(&issuer.token().subject("alice").expired().sign());
        let answer = ask(&mut client, Some(&late)).await;
        assert_eq!(answer.status, 401);
        let challenge = r#"Bearer realm="api", error="invalid_token", error_description="The access token expired""#;
        assert_eq!(answer.challenge.as_deref(), Some(challenge));
    }
    let optional = layer(&issuer).mode(Mode::Optional).layer(tower::service_fn(greet));
    let mut client = serve(optional).await;
    let answer = ask(&mut client, None).await;
    assert_eq!((answer.status, &*answer.body), (200, &b"nobody false a body"[..]));
    assert_eq!(ask(&mut client, Some("Bearer")).await.status, 400);
}

#[tokio::test]
async fn whatever_body_the_service_has() {
    let issuer = TestIssuer::new();
    let problems = layer(&issuer).responder(Auto::new(ProblemJson::new()));
    let mut empty = serve(problems.layer(tower::service_fn(empty))).await;
    let mut boxed = serve(problems.layer(tower::service_fn(boxed))).await;
    for (client, body) in [(&mut empty, &b""[..]), (&mut boxed, b"boxed")] {
        let answer = ask(client, Some(&alice(&issuer))).await;
        assert_eq!((answer.status, &*answer.body), (200, body));
        assert_eq!(answer.length, Some(body.len().to_string()));
        let answer = ask(client, None).await;
        assert_eq!(answer.status, 401);
        assert!(answer.body.ends_with(br#""detail":"Authentication is required"}"#));
        assert_eq!(answer.length, Some(answer.body.len().to_string()));
    }
}

#[tokio::test]
async fn guards_and_stores_that_answer_later() {
    let issuer = TestIssuer::new();
    let store = MemoryStore::new();
    let service = layer(&issuer)
        .revocation(StoreCheck::new(store.clone()))
        .layer(RequireLayer::new(scope("a")).layer(tower::service_fn(greet)));
    let mut client = serve(service).await;
    let token = |id: &str, scope: &str| {
        bearer(&issuer.token().subject("alice").token_id(id).scope(scope).sign())
    };
    assert_eq!(ask(&mut client, Some(&token("1", "a b"))).await.status, 200);
    let answer = ask(&mut client, Some(&token("1", "b"))).await;
    assert_eq!(answer.status, 403);
    let challenge = r#"Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a required scope", scope="a""#;
    assert_eq!(answer.challenge.as_deref(), Some(challenge));
    store.revoke_now(&Revocation::token("1", UnixTime::MAX)).unwrap();
    let answer = ask(&mut client, Some(&token("1", "a"))).await;
    assert_eq!(answer.status, 401);
    assert_eq!(ask(&mut client, Some(&token("2", "a"))).await.status, 200);
}
