use http::Request;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

fn protection() -> CrossSiteProtection {
    CrossSiteProtection::new().trusted_origin("https://app.example.com").unwrap()
}

/// A request with these fields, as method, target and `name: value`.
fn check(method: &str, target: &str, fields: &[&str]) -> Result<(), Rejection> {
    let mut request = Request::builder().method(method).uri(target);
    for field in fields {
        let (name, value) = field.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    let request = request.body(()).unwrap();
    protection().check(&RequestHead::from(&request))
}

#[track_caller]
fn pass(method: &str, target: &str, fields: &[&str]) {
    let outcome = check(method, target, fields);
    assert!(outcome.is_ok(), "{method} {target} {fields:?}: {outcome:?}");
}

#[track_caller]
fn refuse(method: &str, target: &str, fields: &[&str], header: &str) {
    let rejection = check(method, target, fields).unwrap_err();
    assert_eq!(rejection.kind(), RejectionKind::CrossSite);
    assert!(rejection.reason().contains(header), "{fields:?}: {rejection}");
}

const HOSTED: &str = "host: example.com";

#[test]
fn safe_methods_pass_but_not_a_websocket_handshake() {
    let foreign = ["sec-fetch-site: cross-site", "origin: https://evil.test", HOSTED];
    for method in ["GET", "HEAD", "OPTIONS"] {
        pass(method, "/", &foreign);
        pass(method, "/", &[&foreign[..], &["upgrade: h2c"]].concat());
    }
    for method in ["POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "get", "QUERY", "PROPFIND"]
    {
        refuse(method, "/", &foreign, "Sec-Fetch-Site");
    }
    for upgrade in
        ["websocket", "WebSocket", "websocket/13", "h2c, websocket", "h2c,WEBSOCKET", " websocket"]
    {
        let upgrade = format!("upgrade: {upgrade}");
        refuse("GET", "/", &[&foreign[..], &[&upgrade]].concat(), "Sec-Fetch-Site");
        refuse("GET", "/", &[&foreign[1..], &[&upgrade]].concat(), "Origin");
        pass("GET", "/", &["origin: https://example.com", HOSTED, &upgrade]);
    }
    let two = [&foreign[..], &["upgrade: h2c", "upgrade: websocket"]].concat();
    refuse("GET", "/", &two, "Sec-Fetch-Site");
}

/// A proxy asks with GET, whatever it was asked.
#[test]
fn behind_a_proxy_that_asks_the_method_is_the_one_it_tells() {
    let field = http::HeaderName::from_static("x-forwarded-method");
    let protection = CrossSiteProtection::new().forwarded_method(field);
    let ask = |fields: &[(&str, &str)]| {
        let mut request = Request::get("/").header("host", "example.com");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        protection.check(&RequestHead::from(&request.body(()).unwrap()))
    };
    let method = |value| ("x-forwarded-method", value);
    let foreign = ("sec-fetch-site", "cross-site");
    for safe in ["GET", "HEAD", "OPTIONS"] {
        assert!(ask(&[foreign, method(safe)]).is_ok());
        assert!(ask(&[foreign, method(safe), method(safe)]).is_err());
    }
    for odd in ["POST", "DELETE", "get", "GET, POST", ""] {
        assert!(ask(&[foreign, method(odd)]).is_err(), "{odd}");
        assert!(ask(&[("sec-fetch-site", "same-origin"), method(odd)]).is_ok(), "{odd}");
    }
    assert!(ask(&[foreign]).is_err(), "the proxy does not say");
}

#[test]
fn sec_fetch_site_decides_where_it_is_sent() {
    let at = |value: &str| format!("sec-fetch-site: {value}");
    for own in ["same-origin", "none"] {
        pass("POST", "/", &[&at(own)]);
        // A proxy may have rewritten Host, and a Referrer-Policy makes Origin null.
        for origin in ["https://public.test", "null"] {
            pass("POST", "/", &[&at(own), &format!("origin: {origin}"), HOSTED]);
        }
    }
    for foreign in
        ["cross-site", "same-site", "", "null", "Same-Origin", "same-origin, none", "sameorigin"]
    {
        refuse("POST", "/", &[&at(foreign)], "Sec-Fetch-Site");
        refuse("POST", "/", &[&at(foreign), HOSTED], "Sec-Fetch-Site");
        // Not even if the rest looks well.
        let own = [&*at(foreign), "origin: https://example.com", HOSTED];
        refuse("POST", "/", &own, "Sec-Fetch-Site");
        pass("POST", "/", &[&at(foreign), "origin: https://app.example.com", HOSTED]);
        for near in ["http://app.example.com", "https://app.example.com:444", "null"] {
            let near = format!("origin: {near}");
            refuse("POST", "/", &[&at(foreign), &near, HOSTED], "Sec-Fetch-Site");
        }
    }
}

#[test]
fn without_it_the_origin_is_compared_with_the_host() {
    pass("POST", "/", &[]);
    pass("POST", "/", &[HOSTED]);
    pass("POST", "/", &["origin: https://app.example.com"]);
    for (origin, host) in [
        ("https://example.com", "example.com"),
        ("http://example.com", "example.com"),
        ("https://example.com", "example.com:443"),
        ("http://example.com", "example.com:80"),
        ("https://example.com:443", "example.com"),
        ("https://example.com", "EXAMPLE.com"),
        ("https://example.com:8443", "example.com:8443"),
        ("http://localhost:3000", "localhost:3000"),
        ("http://127.0.0.1:3000", "127.0.0.1:3000"),
        ("http://[::1]:3000", "[::1]:3000"),
        ("https://[2001:db8::a]", "[2001:DB8::A]:443"),
        ("https://app.example.com", "internal:8080"),
    ] {
        pass("POST", "/", &[&format!("origin: {origin}"), &format!("host: {host}")]);
    }
    for (origin, host) in [
        ("null", "example.com"),
        ("null", "null"),
        ("", "example.com"),
        ("", ""),
        ("https://", ""),
        ("https://evil.test", "example.com"),
        ("https://example.com.evil.test", "example.com"),
        ("https://evilexample.com", "example.com"),
        ("https://www.example.com", "example.com"),
        ("https://example.com", "www.example.com"),
        ("https://example.com.", "example.com"),
        ("https://example.com:8443", "example.com"),
        ("https://example.com", "example.com:8443"),
        ("http://localhost:3000", "localhost:3001"),
        ("http://localhost:3000", "127.0.0.1:3000"),
        ("https://example.com", "example.com:80"),
        ("http://example.com", "example.com:443"),
        ("http://example.com:443", "example.com"),
        ("http://[::1]:3000", "[::2]:3000"),
        ("http://[::1]", "::1"),
        ("http://[::1", "[::1"),
        ("https://example.com:", "example.com"),
        ("https://example.com", "example.com:"),
        ("https://example.com", "example.com:x"),
        ("https://example.com", "example.com:99999"),
        ("https://example.com", "user@example.com"),
        ("https://user@example.com", "user@example.com"),
        ("https://example.com", "example.com, example.com"),
        ("https://example.com, https://evil.test", "example.com"),
        ("https://example.com https://evil.test", "example.com"),
        ("https://example.com/", "example.com"),
        ("https://example.com/", "example.com/"),
        ("https:example.com", "example.com"),
        ("//example.com", "example.com"),
        ("example.com", "example.com"),
        ("HTTPS://example.com", "example.com"),
        ("ftp://example.com", "example.com"),
        ("chrome-extension://example.com", "example.com"),
    ] {
        let fields = [&*format!("origin: {origin}"), &format!("host: {host}")];
        refuse("POST", "/", &fields, "Origin");
    }
    refuse("POST", "/", &["origin: https://example.com"], "Origin");
}

#[test]
fn rfc9113_s8_3_1_the_authority_comes_before_host() {
    let own = "origin: https://example.com";
    pass("POST", "https://example.com/", &[own]);
    pass("POST", "https://example.com:443/", &[own]);
    pass("POST", "https://example.com/", &[own, "host: internal"]);
    // behind a proxy that ends TLS
    pass("POST", "http://example.com/", &[own]);
    refuse("POST", "https://internal/", &[own, HOSTED], "Origin");
    refuse("POST", "https://example.com:8443/", &[own], "Origin");
    refuse("POST", "https://user@example.com/", &[own], "Origin");
    // RFC 8441: a WebSocket over HTTP/2
    refuse("CONNECT", "https://example.com/", &["origin: https://evil.test"], "Origin");
    pass("CONNECT", "https://example.com/", &[own]);
}

#[test]
fn a_page_without_tls_is_another_origin_where_the_request_tells() {
    let plain = "origin: http://example.com";
    pass("POST", "http://example.com/", &[plain]);
    pass("POST", "/", &[plain, HOSTED]);
    refuse("POST", "https://example.com/", &[plain], "Origin");
    refuse("POST", "https://example.com:80/", &[plain], "Origin");
}

#[test]
fn repeated_headers_are_rejected_even_if_equal() {
    for (first, second, name) in [
        ("sec-fetch-site: same-origin", "sec-fetch-site: same-origin", "Sec-Fetch-Site"),
        ("sec-fetch-site: same-origin", "sec-fetch-site: cross-site", "Sec-Fetch-Site"),
        ("sec-fetch-site: none", "sec-fetch-site: ", "Sec-Fetch-Site"),
        ("origin: https://example.com", "origin: https://example.com", "Origin"),
        ("origin: https://app.example.com", "origin: https://evil.test", "Origin"),
        ("origin: https://app.example.com", "origin: https://app.example.com", "Origin"),
    ] {
        refuse("POST", "/", &[first, second, HOSTED], name);
        refuse("POST", "/", &[second, first, HOSTED], name);
        pass("GET", "/", &[first, second, HOSTED]);
    }
    let own = "origin: https://example.com";
    for second in [HOSTED, "host: evil.test"] {
        refuse("POST", "/", &[own, HOSTED, second], "Host");
        refuse("POST", "/", &[own, second, HOSTED], "Host");
        refuse("POST", "https://example.com/", &[own, HOSTED, second], "Host");
    }
}

#[test]
fn bytes_that_are_no_text_are_rejected() {
    for name in ["origin", "sec-fetch-site"] {
        let value = http::HeaderValue::from_bytes(b"https://\xe4").unwrap();
        let request = Request::post("/").header("host", "a").header(name, value).body(()).unwrap();
        assert!(protection().check(&RequestHead::from(&request)).is_err());
    }
}

/// The rules once more, over the parts that the fields were put together from.
fn allowed(
    method: &str,
    site: Option<&str>,
    origin: Option<(&str, &str, Option<u16>)>,
    host: (&str, Option<u16>),
) -> bool {
    if method == "GET" || matches!(site, Some("same-origin" | "none")) {
        return true;
    }
    match origin {
        Some(("https", "app.example.com", None)) => true,
        None => site.is_none(),
        Some((scheme, name, port)) => {
            let usual = if scheme == "https" { 443 } else { 80 };
            let port = port.unwrap_or(usual);
            site.is_none() && (name, port) == (host.0, host.1.unwrap_or(usual))
        }
    }
}

proptest! {
    #[test]
    fn agrees_with_the_rules_over_the_parts(
        method in select(vec!["GET", "POST", "DELETE"]),
        site in select(vec![None, Some("same-origin"), Some("none"), Some("same-site"), Some("x")]),
        origin in proptest::option::of((
            select(vec!["http", "https"]),
            select(vec!["app.example.com", "example.com", "[::1]"]),
            select(vec![None, Some(80), Some(443), Some(3000)]),
        )),
        name in select(vec!["app.example.com", "example.com", "[::1]"]),
        port in select(vec![None, Some(80), Some(443), Some(3000)]),
    ) {
        let with_port = |name: &str, port: Option<u16>| match port {
            None => name.to_owned(),
            Some(port) => format!("{name}:{port}"),
        };
        let mut fields = vec![format!("host: {}", with_port(name, port))];
        fields.extend(site.map(|site| format!("sec-fetch-site: {site}")));
        fields.extend(origin.map(|(scheme, name, port)| {
            format!("origin: {scheme}://{}", with_port(name, port))
        }));
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let expected = allowed(method, site, origin, (name, port));
        prop_assert_eq!(check(method, "/", &fields).is_ok(), expected, "{:?}", fields);
    }

    #[test]
    fn any_bytes_are_decided_on_without_a_panic(
        origin in "[a-z:/.@\\[\\]0-9 ,*\u{80}-\u{ff}]{0,16}",
        host in "[a-z:/.@\\[\\]0-9 ,*\u{80}-\u{ff}]{0,16}",
    ) {
        let bytes = |text: &str| http::HeaderValue::from_bytes(text.as_bytes()).unwrap();
        let request = Request::post("/")
            .header("origin", bytes(&origin))
            .header("host", bytes(&host))
            .body(())
            .unwrap();
        if protection().check(&RequestHead::from(&request)).is_ok() {
            let (_, place) = origin.split_once("://").expect("an origin");
            let name = |text: &str| text.trim_end_matches(|c: char| c == ':' || c.is_ascii_digit()).to_owned();
            prop_assert!(origin.starts_with("http") && name(place) == name(&host), "{} {}", origin, host);
        }
    }
}
