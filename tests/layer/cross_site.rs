//! Tokens in cookies, behind `axum::serve` on loopback: what a browser sends from the service's own
//! pages, and what it sends from those of other sites. HTTP/1.1 and HTTP/2.
use std::future::IntoFuture;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::any;
use reqwest::{Client, Method, RequestBuilder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower_bearer::authenticate::Mode;
use tower_bearer::credentials::{AuthorizationHeader, Cookie, CrossSiteProtection, Sources};
use tower_bearer::respond::{Auto, ProblemJson};
use tower_bearer::testing::TestIssuer;
use tower_bearer::{Claims, Rejection, RejectionKind};

use tower_bearer_tests::servers::{User, alice, layer, listen};

struct Site {
    issuer: TestIssuer,
    /// `127.0.0.1:port`
    host: String,
    seen: Arc<Mutex<Vec<Option<RejectionKind>>>>,
}

async fn whoever(user: Result<Claims<User>, Rejection>) -> String {
    user.map_or_else(|rejection| format!("{:?}", rejection.kind()), |user| user.sub.clone())
}

async fn site(mode: Mode, cookie: Cookie) -> Site {
    let issuer = TestIssuer::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let observed = Arc::clone(&seen);
    let layer = layer(&issuer)
        .source(Sources::new().and(AuthorizationHeader::new()).and(cookie))
        .mode(mode)
        .responder(Auto::new(ProblemJson::new().type_base("https://docs.test/")))
        .observer(move |event| observed.lock().unwrap().push(event.kind));
    let app = Router::new().route("/", any(whoever)).layer(layer);
    let listener = listen().await;
    let host = listener.local_addr().unwrap().to_string();
    tokio::spawn(axum::serve(listener, app).into_future());
    Site { issuer, host, seen }
}

fn clients() -> [Client; 2] {
    [
        Client::builder().no_proxy().http1_only().build().unwrap(),
        Client::builder().no_proxy().http2_prior_knowledge().build().unwrap(),
    ]
}

impl Site {
    fn cookie(&self) -> String {
        format!("theme=dark; __Host-token={}", self.issuer.token().subject("alice").sign())
    }

    /// With the cookie, and these fields.
    fn request(&self, client: &Client, method: Method, fields: &[(&str, &str)]) -> RequestBuilder {
        let mut request = client
            .request(method, format!("http://{}/", self.host))
            .header("cookie", self.cookie());
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        request
    }

    fn own(&self) -> String {
        format!("http://{}", self.host)
    }
}

async fn ask(request: RequestBuilder) -> (u16, String) {
    let response = request.send().await.unwrap();
    assert!(response.headers().get("www-authenticate").is_none());
    (response.status().as_u16(), response.text().await.unwrap())
}

fn hello() -> (u16, String) {
    (200, "alice".to_owned())
}

fn forbidden() -> (u16, String) {
    let body = r#"{"type":"https://docs.test/cross_site","title":"Forbidden","status":403,"detail":"The request came from another site"}"#;
    (403, body.to_owned())
}

const OTHERS: [&[(&str, &str)]; 6] = [
    &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")],
    &[("sec-fetch-site", "same-site"), ("origin", "http://127.0.0.1:1")],
    &[("sec-fetch-site", "cross-site")],
    &[("origin", "https://evil.test")],
    &[("origin", "http://127.0.0.1:1")],
    &[("origin", "null")],
];

#[tokio::test]
async fn the_sites_own_pages_get_through_and_others_do_not() {
    let site = site(Mode::Required, Cookie::named("__Host-token")).await;
    let own = site.own();
    for client in clients() {
        for fields in [
            &[][..],
            &[("sec-fetch-site", "same-origin"), ("origin", &*own)],
            &[("sec-fetch-site", "none")],
            &[("origin", &*own)],
        ] {
            assert_eq!(ask(site.request(&client, Method::POST, fields)).await, hello());
        }
        for fields in OTHERS {
            site.seen.lock().unwrap().clear();
            let answer = ask(site.request(&client, Method::POST, fields)).await;
            assert_eq!(answer, forbidden(), "{fields:?}");
            assert_eq!(*site.seen.lock().unwrap(), [Some(RejectionKind::CrossSite)]);
            // What it asks for, and cannot read.
            assert_eq!(ask(site.request(&client, Method::GET, fields)).await, hello());
        }
        // The same, with the token where no other site can put it.
        let url = site.own();
        for fields in OTHERS {
            let mut request = client.post(&url).header("authorization", alice(&site.issuer));
            for (name, value) in fields {
                request = request.header(*name, *value);
            }
            assert_eq!(ask(request).await, hello());
        }
    }
}

#[tokio::test]
async fn trusted_origins_get_through() {
    let trusted = CrossSiteProtection::new()
        .trusted_origin("https://app.test")
        .and_then(|protection| protection.trusted_origin("http://localhost:5173"))
        .unwrap();
    let cookie = Cookie::named("__Host-token").cross_site_protection(trusted);
    let site = site(Mode::Required, cookie).await;
    for client in clients() {
        for site_value in ["cross-site", "same-site"] {
            for origin in ["https://app.test", "http://localhost:5173"] {
                let fields = [("sec-fetch-site", site_value), ("origin", origin)];
                assert_eq!(ask(site.request(&client, Method::POST, &fields)).await, hello());
            }
        }
        for fields in OTHERS {
            assert_eq!(ask(site.request(&client, Method::POST, fields)).await, forbidden());
        }
    }
}

#[tokio::test]
async fn optional_mode_rejects_and_inspect_mode_tells() {
    let optional = site(Mode::Optional, Cookie::named("__Host-token")).await;
    let inspect = site(Mode::Inspect, Cookie::named("__Host-token")).await;
    for client in clients() {
        for fields in OTHERS {
            let answer = ask(optional.request(&client, Method::POST, fields)).await;
            assert_eq!(answer, forbidden());
            let answer = ask(inspect.request(&client, Method::POST, fields)).await;
            assert_eq!(answer, (200, "CrossSite".to_owned()));
            // No cookie, nothing to protect.
            let mut anonymous = client.post(optional.own()).header("cookie", "theme=dark");
            for (name, value) in fields {
                anonymous = anonymous.header(*name, *value);
            }
            assert_eq!(ask(anonymous).await, (200, "MissingToken".to_owned()));
        }
    }
}

#[tokio::test]
async fn without_the_protection_anyone_gets_through() {
    let bare = Cookie::named("__Host-token").dangerous().accept_requests_of_other_sites();
    let site = site(Mode::Required, bare).await;
    for fields in OTHERS {
        assert_eq!(ask(site.request(&clients()[0], Method::POST, fields)).await, hello());
    }
}

/// What no client library would send: the bytes are written here.
#[tokio::test]
async fn odd_requests_on_the_wire() {
    let site = site(Mode::Required, Cookie::named("__Host-token")).await;
    let status = async |head: String| {
        let mut stream = TcpStream::connect(&site.host).await.unwrap();
        let request = format!(
            "{head}Cookie: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            site.cookie()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.split(' ').nth(1).unwrap().parse::<u16>().unwrap()
    };
    let (host, own) = (&site.host, site.own());
    assert_eq!(status(format!("POST / HTTP/1.1\r\nHost: {host}\r\nOrigin: {own}\r\n")).await, 200);
    assert_eq!(status(format!("POST {own}/ HTTP/1.1\r\nHost: x\r\nOrigin: {own}\r\n")).await, 200);
    for head in [
        format!("POST / HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\nOrigin: {own}\r\n"),
        format!(
            "POST / HTTP/1.1\r\nHost: {host}\r\nHost: evil.test\r\nOrigin: http://evil.test\r\n"
        ),
        format!("POST / HTTP/1.1\r\nHost: {host}\r\nOrigin: {own}\r\nOrigin: http://evil.test\r\n"),
        format!("POST {own}/ HTTP/1.1\r\nHost: evil.test\r\nOrigin: http://evil.test\r\n"),
        format!("POST / HTTP/1.0\r\nOrigin: {own}\r\n"),
        format!("POST / HTTP/1.1\r\nHost: {host}\r\nOrigin:\r\n"),
        format!(
            "GET / HTTP/1.1\r\nHost: {host}\r\nUpgrade: WebSocket\r\nOrigin: http://evil.test\r\n"
        ),
        format!(
            "POST / HTTP/1.1\r\nHost: {host}\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site\r\n"
        ),
    ] {
        assert_eq!(status(head.clone()).await, 403, "{head}");
    }
}
