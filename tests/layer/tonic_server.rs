//! Behind tonic's server on loopback: its generated client, gRPC-Web, and the bytes on the wire.
use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Body;
use hyper_util::rt::{TokioExecutor, TokioIo};
use reqwest::Client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Channel, Server};
use tonic::{Code, Request, Status};
use tonic_web::{GrpcWebClientLayer, GrpcWebLayer};
use tower::ServiceBuilder;
use tower_bearer::authenticate::Mode;
use tower_bearer::clock::UnixTime;
use tower_bearer::guard::{claims, role, scope};
use tower_bearer::revocation::{
    Identifiers, MemoryStore, Revocation, RevocationStatus, StoreError, check_async_fn,
};
use tower_bearer::testing::TestIssuer;
use tower_bearer::{Principal, RequireLayer, StandardClaims};

#[allow(missing_docs, clippy::all, clippy::pedantic, unreachable_pub, dead_code)]
use super::greeter::HelloRequest;
use super::greeter::greeter_client::GreeterClient;
use super::greeter::greeter_server::GreeterServer;
use super::greeter_server::{Service, serve};
use tower_bearer_tests::servers::{alice, bearer, layer, listen};

const INVALID: &str = "The access token is invalid";
const EXPIRED: &str = "The access token expired";
const MISSING: &str = "Authentication is required";
const ILL_FORMED: &str = "The request carries ill-formed or repeated credentials";
const LACKING: &str = "The access token lacks a required scope";
const UNAVAILABLE: &str = "Authentication is temporarily unavailable";

async fn connect(address: SocketAddr) -> GreeterClient<Channel> {
    GreeterClient::connect(format!("http://{address}")).await.unwrap()
}

fn hello(authorization: &str) -> Request<HelloRequest> {
    let mut request = Request::new(HelloRequest { greeting: "hi".into() });
    if !authorization.is_empty() {
        request.metadata_mut().insert("authorization", authorization.parse().unwrap());
    }
    request
}

#[track_caller]
fn assert_status<T>(answer: Result<tonic::Response<T>, Status>, code: Code, message: &str) {
    let Err(status) = answer else { panic!("OK instead of {code:?}") };
    assert_eq!((status.code(), status.message()), (code, message));
}

#[tokio::test]
async fn the_generated_client_sees_each_status() {
    let issuer = TestIssuer::new();
    let store = MemoryStore::builder().require(Identifiers::NONE).build();
    store.revoke_now(&Revocation::token("gone", UnixTime::MAX)).unwrap();
    let mut client = connect(serve(layer(&issuer).revocation(store)).await).await;
    let token = || issuer.token().subject("alice");

    let reply = client.hello(hello(&alice(&issuer))).await.unwrap();
    assert_eq!(reply.into_inner().text, "hi, alice");
    for (authorization, message) in [
        (String::new(), MISSING),
        ("Basic YTpi".into(), MISSING),
        ("Bearer".into(), ILL_FORMED),
        ("Bearer a b".into(), ILL_FORMED),
        (bearer("a.b.c"), INVALID),
        (bearer(&token().expired().sign()), EXPIRED),
        (bearer(&token().token_id("gone").sign()), INVALID),
        (bearer(&token().claim("aud", "other").sign()), INVALID),
        (alice(&TestIssuer::new()), INVALID),
    ] {
        let answer = client.hello(hello(&authorization)).await;
        assert_status(answer, Code::Unauthenticated, message);
    }
    let mut twice = hello(&alice(&issuer));
    twice.metadata_mut().append("authorization", alice(&issuer).parse().unwrap());
    assert_status(client.hello(twice).await, Code::Unauthenticated, ILL_FORMED);

    assert_status(client.shout(hello(&alice(&issuer))).await, Code::PermissionDenied, LACKING);
    let loud = bearer(&token().scope("greet:loudly").sign());
    assert_eq!(client.shout(hello(&loud)).await.unwrap().into_inner().text, "HI, ALICE");
}

#[tokio::test]
async fn streams_pass_and_are_rejected_before_the_first_message() {
    let issuer = TestIssuer::new();
    let mut client = connect(serve(layer(&issuer)).await).await;
    let mut stream = client.repeat(hello(&alice(&issuer))).await.unwrap().into_inner();
    let mut count = 0;
    while let Some(reply) = stream.next().await {
        assert_eq!(reply.unwrap().text, "hi, alice");
        count += 1;
    }
    assert_eq!(count, 3);
    assert!(stream.trailers().await.unwrap().is_some());
    assert_status(client.repeat(hello("")).await, Code::Unauthenticated, MISSING);
    let late = bearer(&issuer.token().subject("alice").expired().sign());
    assert_status(client.repeat(hello(&late)).await, Code::Unauthenticated, EXPIRED);
}

#[tokio::test]
async fn an_outage_is_unavailable() {
    let issuer = TestIssuer::new();
    let down = check_async_fn(|_| async { Err(StoreError::unavailable("refused")) })
        .requiring(Identifiers::NONE);
    let mut client = connect(serve(layer(&issuer).revocation(down)).await).await;
    let answer = client.hello(hello(&alice(&issuer))).await;
    assert_status(answer, Code::Unavailable, UNAVAILABLE);
    let late = bearer(&issuer.token().subject("alice").expired().sign());
    assert_status(client.hello(hello(&late)).await, Code::Unauthenticated, EXPIRED);
}

/// Serves the greeter behind these two layers, the first outside.
macro_rules! serve_within {
    ($outer:expr, $inner:expr) => {{
        let listener = listen().await;
        let address = listener.local_addr().unwrap();
        let server = Server::builder()
            .accept_http1(true)
            .layer($outer)
            .layer($inner)
            .add_service(GreeterServer::new(Service))
            .serve_with_incoming(TcpListenerStream::new(listener));
        tokio::spawn(server);
        address
    }};
}

#[tokio::test]
async fn guards_around_the_server() {
    let issuer = TestIssuer::new();
    let address = serve_within!(layer(&issuer), RequireLayer::new(scope("greet")));
    let mut client = connect(address).await;
    let answer = client.hello(hello(&alice(&issuer))).await;
    let Err(status) = answer else { panic!() };
    assert_eq!((status.code(), status.message()), (Code::PermissionDenied, LACKING));
    let challenge = status.metadata().get("www-authenticate").unwrap().to_str().unwrap();
    assert!(challenge.ends_with(r#"scope="greet""#), "{challenge}");
    assert_status(client.hello(hello("")).await, Code::Unauthenticated, MISSING);
    let greet = bearer(&issuer.token().subject("alice").scope("greet").sign());
    assert_eq!(client.hello(hello(&greet)).await.unwrap().into_inner().text, "hi, alice");

    let address = serve_within!(layer(&issuer), RequireLayer::new(role("greeter")));
    let answer = connect(address).await.hello(hello(&alice(&issuer))).await;
    assert_status(answer, Code::PermissionDenied, "Access is denied");
}

#[tokio::test]
async fn misconfiguration_is_internal() {
    let issuer = TestIssuer::new();
    let other = claims(|claims: &StandardClaims| claims.sub.is_some());
    let address = serve_within!(layer(&issuer), RequireLayer::new(other));
    let answer = connect(address).await.hello(hello(&alice(&issuer))).await;
    assert_status(answer, Code::Internal, "Internal server error");
    // No AuthLayer at all: the guard answers for itself, in gRPC.
    let none = tower::layer::util::Identity::new();
    let address = serve_within!(none, RequireLayer::new(scope("greet")));
    let answer = connect(address).await.hello(hello(&alice(&issuer))).await;
    assert_status(answer, Code::Internal, "Internal server error");
}

#[tokio::test]
async fn anonymous_requests_reach_the_handler_where_the_mode_says_so() {
    let issuer = TestIssuer::new();
    let mut client = connect(serve(layer(&issuer).mode(Mode::Optional)).await).await;
    assert_status(client.hello(hello("")).await, Code::Internal, "no claims");
    assert_status(client.shout(hello("")).await, Code::Unauthenticated, "no principal");
    let late = bearer(&issuer.token().subject("alice").expired().sign());
    assert_status(client.hello(hello(&late)).await, Code::Unauthenticated, EXPIRED);
    assert!(client.hello(hello(&alice(&issuer))).await.is_ok());
}

#[tokio::test]
async fn interceptors_on_both_sides() {
    #[allow(clippy::result_large_err, reason = "tonic's signature")]
    fn ban(request: Request<()>) -> Result<Request<()>, Status> {
        let principal = Principal::from_extensions(request.extensions())
            .ok_or_else(|| Status::internal("the layer comes first"))?;
        match principal.registered().subject() {
            Some("bob") => Err(Status::permission_denied("bob is banned")),
            _ => Ok(request),
        }
    }
    let issuer = TestIssuer::new();
    let listener = listen().await;
    let address = listener.local_addr().unwrap();
    let server = Server::builder()
        .layer(layer(&issuer))
        .add_service(GreeterServer::with_interceptor(Service, ban))
        .serve_with_incoming(TcpListenerStream::new(listener));
    tokio::spawn(server);
    let channel = Channel::from_shared(format!("http://{address}")).unwrap();
    let channel = channel.connect().await.unwrap();
    let ask = async |authorization: String| {
        let add = move |mut request: Request<()>| {
            request.metadata_mut().insert("authorization", authorization.parse().unwrap());
            Ok(request)
        };
        GreeterClient::with_interceptor(channel.clone(), add).hello(hello("")).await
    };
    assert_eq!(ask(alice(&issuer)).await.unwrap().into_inner().text, "hi, alice");
    let bob = bearer(&issuer.token().subject("bob").sign());
    assert_status(ask(bob).await, Code::PermissionDenied, "bob is banned");
    assert_status(ask(bearer("a.b.c")).await, Code::Unauthenticated, INVALID);
}

#[tokio::test]
async fn deadlines_hold_for_authentication_too() {
    let issuer = TestIssuer::new();
    // A store that never answers, and one that answers at its leisure.
    let stuck = check_async_fn(|_| std::future::pending()).requiring(Identifiers::NONE);
    let slow = check_async_fn(|_| async {
        tokio::task::yield_now().await;
        Ok(RevocationStatus::Active)
    })
    .requiring(Identifiers::NONE);
    let mut client = connect(serve(layer(&issuer).revocation(stuck)).await).await;
    let mut request = hello(&alice(&issuer));
    request.set_timeout(Duration::from_millis(50));
    let status = client.hello(request).await.unwrap_err();
    assert!(matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled), "{status}");

    let mut client = connect(serve(layer(&issuer).revocation(slow)).await).await;
    let mut request = hello(&alice(&issuer));
    request.set_timeout(Duration::from_secs(60));
    assert!(client.hello(request).await.is_ok());
    let mut request = hello("");
    request.set_timeout(Duration::from_secs(60));
    assert_status(client.hello(request).await, Code::Unauthenticated, MISSING);
}

/// `HelloRequest { greeting: "hi" }` as one uncompressed gRPC message.
const MESSAGE: &[u8] = b"\0\0\0\0\x04\x0a\x02hi";

#[tokio::test]
async fn trailers_only_header_fields() {
    let issuer = TestIssuer::new();
    let address =
        serve_within!(layer(&issuer).realm("greetings"), RequireLayer::new(scope("greet")));
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    let late = bearer(&issuer.token().subject("alice").expired().sign());
    for (authorization, content_type, status, message, challenge) in [
        ("", "application/grpc", "16", MISSING, r#"Bearer realm="greetings""#),
        (
            &*late,
            "application/grpc+proto",
            "16",
            EXPIRED,
            r#"Bearer realm="greetings", error="invalid_token", error_description="The access token expired""#,
        ),
        (
            &*alice(&issuer),
            "application/grpc",
            "7",
            LACKING,
            r#"Bearer realm="greetings", error="insufficient_scope", error_description="The access token lacks a required scope", scope="greet""#,
        ),
    ] {
        let mut request = http::Request::post(format!("http://{address}/greeter.Greeter/Hello"))
            .header("content-type", content_type)
            .header("te", "trailers");
        if !authorization.is_empty() {
            request = request.header("authorization", authorization);
        }
        let request = request.body(Full::<Bytes>::from(MESSAGE)).unwrap();
        let response = client.send_request(request).await.unwrap();
        assert_eq!(response.status(), 200);
        let headers = response.headers().clone();
        assert_eq!(headers["content-type"], content_type);
        assert_eq!(headers["grpc-status"], status);
        // Of what the message may hold, only `%` and what is not printable ASCII is encoded.
        assert_eq!(headers["grpc-message"], message);
        assert_eq!(headers["www-authenticate"], challenge);
        assert!(response.body().is_end_stream());
        let body = response.into_body().collect().await.unwrap();
        assert!(body.trailers().is_none() && body.to_bytes().is_empty());
    }
}

/// A frame of HTTP/2 (RFC 9113 §4.1).
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, stream], payload].concat()
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// Type and flags of each frame that answers a call without a token.
async fn frames_of_a_rejection(address: SocketAddr) -> Vec<(u8, u8)> {
    // HPACK without Huffman (RFC 7541 §6): POST, http, then literals.
    let literal = |name: &[u8], value: &str| {
        [name, &[u8::try_from(value.len()).unwrap()], value.as_bytes()].concat()
    };
    let block = [
        vec![0x83, 0x86],
        literal(&[0x04], "/greeter.Greeter/Hello"),
        literal(&[0x01], "localhost"),
        literal(&[0x0f, 0x10], "application/grpc"),
        literal(b"\x00\x02te", "trailers"),
    ]
    .concat();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let sent = [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        frame(SETTINGS, 0, 0, &[]),
        frame(HEADERS, END_HEADERS, 1, &block),
        frame(DATA, END_STREAM, 1, MESSAGE),
    ];
    stream.write_all(&sent.concat()).await.unwrap();
    let mut seen = Vec::new();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        stream.read_exact(&mut payload).await.unwrap();
        match (head[3], head[4], head[8]) {
            (SETTINGS, 0, _) => {
                stream.write_all(&frame(SETTINGS, ACK, 0, &[])).await.unwrap();
            }
            // All that was to be said about the call was said before this.
            (PING, ACK, _) if payload == *b"and then" => return seen,
            (kind, flags, 1) => {
                seen.push((kind, flags));
                stream.write_all(&frame(PING, 0, 0, b"and then")).await.unwrap();
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn trailers_only_is_one_headers_frame_that_ends_the_stream() {
    let issuer = TestIssuer::new();
    let address = serve(layer(&issuer)).await;
    assert_eq!(frames_of_a_rejection(address).await, [(HEADERS, END_STREAM | END_HEADERS)]);
}

/// The frames of a gRPC-Web body: flag and payload.
fn web_frames(mut body: &[u8]) -> Vec<(u8, String)> {
    let mut frames = Vec::new();
    while let [flag, a, b, c, d, rest @ ..] = body {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let (payload, after) = rest.split_at(length);
        frames.push((*flag, String::from_utf8(payload.to_vec()).unwrap()));
        body = after;
    }
    assert!(body.is_empty(), "{body:?}");
    frames
}

#[tokio::test]
async fn grpc_web_clients_read_the_status_in_the_body() {
    let issuer = TestIssuer::new();
    let address = serve_within!(layer(&issuer), GrpcWebLayer::new());
    let url = format!("http://{address}/greeter.Greeter/Hello");
    let http1 = Client::builder().no_proxy().http1_only().build().unwrap();
    let http2 = Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
    let late = bearer(&issuer.token().subject("alice").expired().sign());
    for client in [http1, http2] {
        for content_type in [
            "application/grpc-web",
            "application/grpc-web+proto",
            "application/grpc-web-text",
            "application/grpc-web-text+proto",
        ] {
            let text = content_type.contains("text");
            let sent = if text { STANDARD.encode(MESSAGE).into() } else { MESSAGE.to_vec() };
            let ask = async |authorization: &str| {
                let request = client.post(&url).header("content-type", content_type);
                let request = request.header("authorization", authorization).body(sent.clone());
                let response = request.send().await.unwrap();
                assert_eq!(response.status(), 200);
                let headers = response.headers().clone();
                let body = response.bytes().await.unwrap();
                let body = if text { Bytes::from(STANDARD.decode(body).unwrap()) } else { body };
                (headers, web_frames(&body))
            };
            let (headers, frames) = ask(&late).await;
            assert_eq!(headers["content-type"], content_type);
            assert!(!headers.contains_key("grpc-status"), "in one place alone");
            assert!(headers["www-authenticate"].to_str().unwrap().starts_with("Bearer realm="));
            let [(0x80, trailers)] = &*frames else { panic!("{frames:?}") };
            let mut lines: Vec<_> = trailers.split_terminator("\r\n").collect();
            lines.sort_unstable();
            assert_eq!(lines, ["grpc-message:The access token expired", "grpc-status:16"]);
            assert!(trailers.ends_with("\r\n"));
        }
        // What passes is for the layers within: here tonic-web.
        let request = client.post(&url).header("content-type", "application/grpc-web+proto");
        let request = request.header("authorization", alice(&issuer)).body(MESSAGE);
        let frames = web_frames(&request.send().await.unwrap().bytes().await.unwrap());
        assert_eq!(frames[0], (0, "\n\u{9}hi, alice".to_owned()));
        assert!(frames[1].0 == 0x80 && frames[1].1.contains("grpc-status:0"), "{frames:?}");
    }
}

#[tokio::test]
async fn tonic_webs_client_reads_every_status_with_the_layer_on_either_side() {
    let issuer = TestIssuer::new();
    let outside = serve_within!(layer(&issuer), GrpcWebLayer::new());
    let inside = serve_within!(GrpcWebLayer::new(), layer(&issuer));
    for address in [outside, inside] {
        let http = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http();
        let web = ServiceBuilder::new().layer(GrpcWebClientLayer::new()).service(http);
        let origin = format!("http://{address}").parse().unwrap();
        let mut client = GreeterClient::with_origin(web, origin);
        let reply = client.hello(hello(&alice(&issuer))).await.unwrap();
        assert_eq!(reply.into_inner().text, "hi, alice");
        assert_status(client.hello(hello("")).await, Code::Unauthenticated, MISSING);
        let late = bearer(&issuer.token().subject("alice").expired().sign());
        assert_status(client.hello(hello(&late)).await, Code::Unauthenticated, EXPIRED);
        assert_status(client.shout(hello(&alice(&issuer))).await, Code::PermissionDenied, LACKING);
        // In gRPC-Web the status of a stream may come in its body.
        let status = match client.repeat(hello("")).await {
            Ok(stream) => stream.into_inner().message().await.unwrap_err(),
            Err(status) => status,
        };
        assert_eq!((status.code(), status.message()), (Code::Unauthenticated, MISSING));
    }
}

#[tokio::test]
async fn what_is_no_grpc_is_answered_as_plain_http() {
    let issuer = TestIssuer::new();
    let address = serve(layer(&issuer)).await;
    let client = Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
    let request = client.post(format!("http://{address}/greeter.Greeter/Hello"));
    let response = request.header("content-type", "application/json").send().await.unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(response.headers()["www-authenticate"], "Bearer realm=\"api\"");
    assert!(!response.headers().contains_key("grpc-status"));
}

/// tonic's services look at the path alone. What only looks like a preflight must not reach them.
#[tokio::test]
async fn a_call_disguised_as_a_preflight_reaches_no_method() {
    let issuer = TestIssuer::new();
    for (what, layer) in [
        ("by default", layer(&issuer)),
        ("with preflights let through", layer(&issuer).let_preflights_pass()),
    ] {
        let address = serve(layer).await;
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
                .await
                .unwrap();
        tokio::spawn(connection);
        // A HelloRequest whose greeting is empty.
        let message = Bytes::from_static(&[0, 0, 0, 0, 0]);
        for content_type in [None, Some("application/grpc")] {
            let mut request = hyper::Request::builder()
                .method("OPTIONS")
                .uri(format!("http://{address}/greeter.Greeter/Hello"))
                .header("origin", "x")
                .header("access-control-request-method", "x");
            if let Some(content_type) = content_type {
                request = request.header("content-type", content_type);
            }
            let request = request.body(Full::new(message.clone())).unwrap();
            let response = sender.send_request(request).await.unwrap();
            assert_eq!(response.status(), 401, "{what}, {content_type:?}");
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(body, Bytes::new(), "{what}, {content_type:?}");
        }
    }
}

/// Health and reflection beside what is protected, and scopes by the method's path.
#[tokio::test]
async fn public_services_stand_beside_and_scopes_go_by_the_path() {
    use tonic::service::LayerExt;

    let issuer = TestIssuer::new();
    let by_path = RequireLayer::by(|head| match head.uri().path() {
        "/greeter.Greeter/Hello" => scope("greet"),
        "/greeter.Greeter/Shout" => scope("greet greet:loudly"),
        _ => scope("greet:all"),
    });
    let protected = ServiceBuilder::new().layer(layer(&issuer)).layer(by_path).into_inner();
    let listener = listen().await;
    let address = listener.local_addr().unwrap();
    let server = Server::builder()
        .add_service(protected.named_layer(GreeterServer::new(Service)))
        .add_service(Health)
        .serve_with_incoming(TcpListenerStream::new(listener));
    tokio::spawn(server);
    let mut client = connect(address).await;
    let token = |scopes: &str| bearer(&issuer.token().subject("alice").scope(scopes).sign());

    assert!(client.hello(hello(&token("greet"))).await.is_ok());
    assert_status(client.hello(hello("")).await, Code::Unauthenticated, MISSING);
    let denied = client.shout(hello(&token("greet"))).await.unwrap_err();
    assert_eq!((denied.code(), denied.message()), (Code::PermissionDenied, LACKING));
    let challenge = denied.metadata().get("www-authenticate").unwrap().to_str().unwrap();
    assert!(challenge.ends_with(r#"scope="greet greet:loudly""#), "{challenge}");
    assert!(client.shout(hello(&token("greet greet:loudly"))).await.is_ok());
    let answer = client.repeat(hello(&token("greet greet:loudly"))).await;
    assert_status(answer, Code::PermissionDenied, LACKING);

    let http = Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
    let health = http.post(format!("http://{address}/test.Health/Check"));
    let answer = health.header("content-type", "application/grpc").send().await.unwrap();
    assert_eq!(answer.headers()["grpc-status"], "0", "no token is needed");
}

/// Stands for tonic's own health service: it serves whoever asks.
#[derive(Clone)]
struct Health;

impl tonic::server::NamedService for Health {
    const NAME: &'static str = "test.Health";
}

impl tower::Service<http::Request<tonic::body::Body>> for Health {
    type Response = http::Response<tonic::body::Body>;
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Request<tonic::body::Body>) -> Self::Future {
        std::future::ready(Ok(Status::new(Code::Ok, "").into_http()))
    }
}

/// What a method denies by itself is seen by the observer and has the layer's realm.
#[cfg(feature = "tonic")]
#[tokio::test]
async fn a_status_of_a_rejection_is_seen_and_challenged_like_any_other() {
    use std::sync::{Arc, Mutex};
    use tower_bearer::RejectionKind;
    use tower_bearer::authenticate::Decision;

    let issuer = TestIssuer::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&seen);
    let layer = layer(&issuer).realm("greetings").observer(move |event| {
        assert_eq!(event.realm, Some("greetings"));
        told.lock().unwrap().push((event.outcome, event.kind));
    });
    let mut client = connect(serve(layer).await).await;
    let denied = client.shout(hello(&alice(&issuer))).await.unwrap_err();
    assert_eq!((denied.code(), denied.message()), (Code::PermissionDenied, LACKING));
    assert_eq!(
        denied.metadata().get("www-authenticate").unwrap(),
        "Bearer realm=\"greetings\", error=\"insufficient_scope\", \
         error_description=\"The access token lacks a required scope\", scope=\"greet:loudly\""
    );
    assert_eq!(
        *seen.lock().unwrap(),
        [(Decision::Accepted, None), (Decision::Denied, Some(RejectionKind::InsufficientScope)),]
    );
}
