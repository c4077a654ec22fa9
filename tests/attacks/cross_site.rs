//! Requests that pages of other sites make a browser send, with the user's cookie on them.

use http::{Request, Version};
use tower_bearer::credentials::{AuthorizationHeader, Cookie, CrossSiteProtection, Sources};
use tower_bearer::{Rejection, RejectionKind};

use crate::stack::*;

const HOST: &str = "app.example.com";

fn cookies(stack: Stack) -> Stack {
    stack.source(Sources::new().and(AuthorizationHeader::new()).and(Cookie::named("__Host-token")))
}

struct Victim {
    stack: Stack,
    cookie: String,
}

fn victim() -> Victim {
    let issuer = issuer();
    let cookie = format!("__Host-token={}", issuer.token().subject("alice").sign());
    Victim { stack: cookies(stack(&issuer)), cookie }
}

impl Victim {
    /// What the victim's browser sends: the cookie is always there.
    fn request(&self, method: &str, fields: &[(&str, &str)]) -> Request<String> {
        let mut request =
            Request::builder().method(method).uri("/transfer").header("cookie", &self.cookie);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        request.body(String::new()).unwrap()
    }

    #[track_caller]
    fn is_safe_from(&self, method: &str, fields: &[(&str, &str)]) -> Rejection {
        refuse_request(&self.stack, self.request(method, fields), RejectionKind::CrossSite)
    }

    #[track_caller]
    fn may(&self, method: &str, fields: &[(&str, &str)]) {
        pass_request(&self.stack, self.request(method, fields));
    }
}

#[test]
fn forged_forms_and_scripts() {
    let victim = victim();
    victim.may("POST", &[("host", HOST), ("sec-fetch-site", "same-origin")]);
    victim.may("POST", &[("host", HOST), ("origin", "https://app.example.com")]);
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let forged = [
            ("host", HOST),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
            ("origin", "https://evil.example"),
        ];
        victim.is_safe_from(method, &forged);
        // A browser older than 2023, and any browser over plain HTTP.
        victim.is_safe_from(method, &[("host", HOST), ("origin", "https://evil.example")]);
    }
    // A method that is none does not become a safe one.
    victim.is_safe_from("get", &[("host", HOST), ("sec-fetch-site", "cross-site")]);
}

/// `SameSite=Strict` sees no difference: the cookie is sent.
#[test]
fn another_port_or_subdomain_of_the_same_site() {
    let victim = victim();
    for origin in [
        "https://app.example.com:8443",
        "http://app.example.com",
        "https://blog.example.com",
        "https://example.com",
    ] {
        let fields = [("host", HOST), ("sec-fetch-site", "same-site"), ("origin", origin)];
        let rejection = victim.is_safe_from("POST", &fields);
        assert!(rejection.reason().contains("same-site"), "{rejection}");
    }
    for (host, origin) in [
        (HOST, "https://app.example.com:8443"),
        ("app.example.com:8443", "https://app.example.com"),
        ("localhost:3000", "http://localhost:8080"),
    ] {
        victim.is_safe_from("POST", &[("host", host), ("origin", origin)]);
    }
}

/// Sandboxed frames, `data:` pages, redirects across sites.
#[test]
fn null_origin() {
    let victim = victim();
    victim.is_safe_from("POST", &[("host", HOST), ("origin", "null")]);
    victim.is_safe_from("POST", &[("host", "null"), ("origin", "null")]);
    let redirected = [("host", HOST), ("sec-fetch-site", "cross-site"), ("origin", "null")];
    victim.is_safe_from("POST", &redirected);
}

/// No same-origin policy hides what comes over a WebSocket.
#[test]
fn cross_site_websocket_hijacking() {
    let victim = victim();
    let handshake = |origin: &'static str| {
        [
            ("host", HOST),
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("origin", origin),
        ]
    };
    victim.may("GET", &handshake("https://app.example.com"));
    for origin in ["https://evil.example", "null", "https://app.example.com:8443"] {
        victim.is_safe_from("GET", &handshake(origin));
    }
    let mut disguised = handshake("https://evil.example");
    disguised[2].1 = "h2c, WebSocket";
    victim.is_safe_from("GET", &disguised);
    // RFC 8441, over HTTP/2
    victim.is_safe_from("CONNECT", &[("host", HOST), ("origin", "https://evil.example")]);
}

/// Whoever reads the first and whoever reads the last must not differ.
#[test]
fn doubled_headers() {
    let victim = victim();
    let (own, evil) = ("https://app.example.com", "https://evil.example");
    for fields in [
        [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site"), ("host", HOST)],
        [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-origin"), ("host", HOST)],
        [("origin", own), ("origin", evil), ("host", HOST)],
        [("origin", evil), ("origin", own), ("host", HOST)],
        [("origin", evil), ("host", HOST), ("host", "evil.example")],
        [("origin", own), ("host", HOST), ("host", "evil.example")],
    ] {
        let rejection = victim.is_safe_from("POST", &fields);
        assert!(rejection.reason().contains("twice"), "{rejection}");
    }
    let listed = "https://app.example.com, https://evil.example";
    victim.is_safe_from("POST", &[("host", HOST), ("origin", listed)]);
}

#[test]
fn http2_authority_and_a_host_beside_it() {
    let victim = victim();
    let request = |authority: &str, host: Option<&str>, origin: &str| {
        let mut request = Request::post(format!("https://{authority}/transfer"))
            .version(Version::HTTP_2)
            .header("cookie", &victim.cookie)
            .header("origin", origin);
        if let Some(host) = host {
            request = request.header("host", host);
        }
        request.body(String::new()).unwrap()
    };
    let (own, evil) = ("https://app.example.com", "https://evil.example");
    pass_request(&victim.stack, request(HOST, None, own));
    for forged in [
        request(HOST, None, evil),
        request(HOST, Some("evil.example"), evil),
        request("app.example.com:8443", None, own),
        request(HOST, None, "http://app.example.com"),
    ] {
        refuse_request(&victim.stack, forged, RejectionKind::CrossSite);
    }
}

/// Only what came in the cookie is protected; the rest needs it not.
#[test]
fn requests_without_the_cookie_are_as_they_were() {
    let issuer = issuer();
    let stack = cookies(stack(&issuer));
    let good = issuer.token().sign();
    let foreign = |fields: &[(&str, &str)]| {
        let mut request =
            Request::post("/").header("host", HOST).header("sec-fetch-site", "cross-site");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        request.header("origin", "https://evil.example").body(String::new()).unwrap()
    };
    pass_request(&stack, foreign(&[("authorization", &format!("Bearer {good}"))]));
    for none in ["", "__Host-token=", "other=x"] {
        refuse_request(&stack, foreign(&[("cookie", none)]), RejectionKind::MissingToken);
    }
    // A bad token in it is not looked at further: the other site learns nothing about it.
    let forged = foreign(&[("cookie", "__Host-token=a.b.c")]);
    refuse_request(&stack, forged, RejectionKind::CrossSite);
}

#[test]
fn origins_that_look_like_a_trusted_one() {
    let issuer = issuer();
    let trusted = CrossSiteProtection::new().trusted_origin("https://shop.example").unwrap();
    let source = Cookie::named("__Host-token").cross_site_protection(trusted);
    let cookie = format!("__Host-token={}", issuer.token().sign());
    let victim = Victim { stack: stack(&issuer).source(source), cookie };
    let fields = |origin: &'static str| {
        [("host", HOST), ("sec-fetch-site", "cross-site"), ("origin", origin)]
    };
    victim.may("POST", &fields("https://shop.example"));
    for near in [
        "https://shop.example.evil.example",
        "https://evil-shop.example",
        "https://www.shop.example",
        "https://shop.example:8443",
        "http://shop.example",
        "https://SHOP.example",
        "https://shop.example/",
        "https://shop.example https://evil.example",
        "https://shop.exampl",
        "",
    ] {
        victim.is_safe_from("POST", &fields(near));
    }
}
