//! The example `login`, over HTTP and in a browser.
mod browser;
mod login_example;
mod shared;

use std::time::{Duration, Instant};

use self::login_example::Example;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;

const ADA: (&str, &str) = ("ada", "analytical-engine");
const BOB: (&str, &str) = ("bob", "lighthouse");

/// Who has signed in: what a browser would keep.
#[derive(Clone)]
struct Visitor {
    /// `__Host-refresh=…`
    cookie: String,
    access: String,
}

fn client() -> Client {
    let client = Client::builder().no_proxy().timeout(Duration::from_secs(20));
    client.user_agent("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0").build().unwrap()
}

fn request(example: &Example, method: Method, path: &str) -> RequestBuilder {
    client().request(method, format!("{}{path}", example.url))
}

async fn post(example: &Example, path: &str, cookie: &str) -> Response {
    request(example, Method::POST, path).header("cookie", cookie).send().await.unwrap()
}

async fn try_login(example: &Example, (user, password): (&str, &str)) -> Response {
    let form = "application/x-www-form-urlencoded";
    let request = request(example, Method::POST, "/login").header("content-type", form);
    request.body(format!("user={user}&password={password}")).send().await.unwrap()
}

async fn login(example: &Example, user: (&str, &str)) -> Visitor {
    Visitor::of(try_login(example, user).await).await
}

async fn refresh(example: &Example, visitor: &Visitor) -> Visitor {
    Visitor::of(post(example, "/refresh", &visitor.cookie).await).await
}

async fn refresh_fails(example: &Example, visitor: &Visitor) {
    let response = post(example, "/refresh", &visitor.cookie).await;
    assert_eq!(response.status(), 400);
    assert!(response.headers().get("set-cookie").is_none());
    assert_eq!(response.text().await.unwrap(), r#"{"error":"invalid_grant"}"#);
}

impl Visitor {
    /// From the answer to a login or a refresh.
    async fn of(response: Response) -> Self {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["cache-control"], "no-store");
        let set = response.headers()["set-cookie"].to_str().unwrap().to_owned();
        let (cookie, attributes) = set.split_once("; ").unwrap();
        assert!(cookie.starts_with("__Host-refresh=tbr1_"), "{set}");
        for attribute in ["HttpOnly", "Secure", "SameSite=Strict", "Path=/", "Max-Age=604800"] {
            assert!(attributes.split("; ").any(|one| one == attribute), "{attribute}: {set}");
        }
        let body: Value = response.json().await.unwrap();
        assert!(body.get("refresh_token").is_none());
        let access = body["access_token"].as_str().unwrap().to_owned();
        Self { cookie: cookie.to_owned(), access }
    }

    async fn send(&self, example: &Example, method: Method, path: &str) -> Response {
        request(example, method, path).bearer_auth(&self.access).send().await.unwrap()
    }

    async fn get(&self, example: &Example, path: &str) -> u16 {
        self.send(example, Method::GET, path).await.status().as_u16()
    }

    async fn sessions(&self, example: &Example) -> Vec<Value> {
        self.send(example, Method::GET, "/sessions").await.json().await.unwrap()
    }

    /// The id of this visitor's own session.
    async fn id(&self, example: &Example) -> String {
        let sessions = self.sessions(example).await;
        let mut current = sessions.iter().filter(|session| session["current"] == true);
        let id = current.next().unwrap()["id"].as_str().unwrap().to_owned();
        assert!(current.next().is_none());
        id
    }

    /// How long it takes until the access token is rejected.
    async fn rejected(&self, example: &Example) -> Duration {
        let start = Instant::now();
        while self.get(example, "/me").await != 401 {
            assert!(start.elapsed() < Duration::from_secs(20), "it is still accepted");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        start.elapsed()
    }

    /// That neither token is good for anything.
    async fn is_out(&self, example: &Example) {
        assert_eq!(self.get(example, "/me").await, 401);
        refresh_fails(example, self).await;
    }
}

#[tokio::test]
async fn from_login_to_logout() {
    let example = Example::start(&[]);
    assert_eq!(request(&example, Method::GET, "/me").send().await.unwrap().status(), 401);
    let ada = login(&example, ADA).await;
    let me: Value = ada.send(&example, Method::GET, "/me").await.json().await.unwrap();
    assert_eq!(me["user"], "ada");
    let next = refresh(&example, &ada).await;
    assert_ne!((&next.cookie, &next.access), (&ada.cookie, &ada.access));
    assert_eq!(next.get(&example, "/admin").await, 200);
    assert_eq!(login(&example, BOB).await.get(&example, "/admin").await, 403);

    // the refresh token is no access token, nor the reverse
    let token = next.cookie.split_once('=').unwrap().1.to_owned();
    let mixed = Visitor { cookie: format!("__Host-refresh={}", next.access), access: token };
    mixed.is_out(&example).await;

    let bye = post(&example, "/logout", &next.cookie).await;
    assert_eq!(bye.status(), 204);
    let cleared = bye.headers()["set-cookie"].to_str().unwrap();
    assert!(cleared.starts_with("__Host-refresh=;") && cleared.contains("Max-Age=0"), "{cleared}");
    next.is_out(&example).await;
    assert_eq!(ada.get(&example, "/me").await, 401);
    // once more, and without a cookie, is no error
    assert_eq!(post(&example, "/logout", &next.cookie).await.status(), 204);
    assert_eq!(post(&example, "/logout", "").await.status(), 204);
}

#[tokio::test]
async fn who_was_wrong_is_not_told() {
    let example = Example::start(&[]);
    let mut answers = Vec::new();
    for (user, password) in [("ada", "wrong"), ("eve", "wrong"), ("ada", ""), ("", ""), BOB_AS_ADA]
    {
        let response = try_login(&example, (user, password)).await;
        assert!(response.headers().get("set-cookie").is_none());
        answers.push((response.status().as_u16(), response.text().await.unwrap()));
    }
    answers.dedup();
    assert_eq!(answers, [(400, r#"{"error":"invalid_grant"}"#.to_owned())]);
}

const BOB_AS_ADA: (&str, &str) = (ADA.0, BOB.1);

#[tokio::test]
async fn an_access_token_expires_and_is_renewed() {
    let example = Example::start(&[("ACCESS_SECONDS", "1")]);
    let ada = login(&example, ADA).await;
    assert_eq!(ada.get(&example, "/me").await, 200);
    assert!(ada.rejected(&example).await < Duration::from_secs(5));
    let answer = ada.send(&example, Method::GET, "/me").await;
    let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains("invalid_token") && challenge.contains("expired"), "{challenge}");
    assert_eq!(refresh(&example, &ada).await.get(&example, "/me").await, 200);
}

#[tokio::test]
async fn a_spent_cookie_ends_the_session_for_thief_and_owner() {
    let example = Example::start(&[]);
    let bystander = login(&example, ADA).await;
    let stolen = login(&example, ADA).await;
    let owner = refresh(&example, &refresh(&example, &stolen).await).await;
    assert_eq!(owner.get(&example, "/me").await, 200);
    refresh_fails(&example, &stolen).await;
    owner.is_out(&example).await;
    example.has_logged("STOLEN: a refresh token of ada came twice", 1);
    assert!(!example.log().contains("tbr1_"));
    assert_eq!(refresh(&example, &bystander).await.get(&example, "/me").await, 200);
}

#[tokio::test]
async fn the_demonstration_of_a_theft_is_one() {
    let example = Example::start(&[]);
    let ada = login(&example, ADA).await;
    let owner = Visitor::of(post(&example, "/theft-demo", &ada.cookie).await).await;
    example.has_logged("STOLEN", 1);
    assert!(!example.log().contains("not noticed"));
    owner.is_out(&example).await;
    ada.is_out(&example).await;
}

#[tokio::test]
async fn logout_everywhere_spares_other_users_and_the_next_login() {
    let example = Example::start(&[]);
    let (one, other) = (login(&example, ADA).await, login(&example, ADA).await);
    let bob = login(&example, BOB).await;
    let bye = one.send(&example, Method::POST, "/logout-everywhere").await;
    assert_eq!(bye.status(), 204);
    assert!(bye.headers()["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    // at once, within the second that was revoked
    assert_eq!(login(&example, ADA).await.get(&example, "/me").await, 200);
    one.is_out(&example).await;
    other.is_out(&example).await;
    assert_eq!(bob.get(&example, "/me").await, 200);
    // by the access token alone: the cookie would do for another site's form
    assert_eq!(post(&example, "/logout-everywhere", &bob.cookie).await.status(), 401);
}

#[tokio::test]
async fn sessions_are_listed_and_ended_by_their_owner_only() {
    let example = Example::start(&[]);
    let (here, there) = (login(&example, ADA).await, login(&example, ADA).await);
    let bob = login(&example, BOB).await;
    let listed = here.sessions(&example).await;
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().all(|session| session["device"] == "Firefox on Linux"));
    assert!(listed.iter().all(|session| session["last_used_at"].as_u64() > Some(0)));
    let other = format!("/sessions/{}", there.id(&example).await);

    let end = async |who: &Visitor, path: &str| {
        who.send(&example, Method::DELETE, path).await.status().as_u16()
    };
    assert_eq!(end(&bob, &other).await, 404);
    assert_eq!(end(&bob, "/sessions/junk").await, 400);
    assert_eq!(there.get(&example, "/me").await, 200);
    assert_eq!(end(&here, &other).await, 204);
    there.is_out(&example).await;
    assert_eq!(end(&here, &other).await, 404);
    assert_eq!(here.sessions(&example).await.len(), 1);
    assert_eq!(here.get(&example, "/me").await, 200);
}

#[tokio::test]
async fn other_sites_are_refused_and_spend_nothing() {
    let example = Example::start(&[]);
    let ada = login(&example, ADA).await;
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "http://localhost:1"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        for path in ["/login", "/refresh", "/logout", "/theft-demo"] {
            let form = "application/x-www-form-urlencoded";
            let request = request(&example, Method::POST, path)
                .header("content-type", form)
                .header("cookie", &ada.cookie)
                .header(name, value)
                .body(format!("user={}&password={}", BOB.0, BOB.1));
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), 403, "{path}");
            assert!(response.headers().get("set-cookie").is_none(), "{path}");
        }
    }
    assert_eq!(ada.get(&example, "/me").await, 200);
    assert_eq!(ada.sessions(&example).await.len(), 1);
    assert_eq!(refresh(&example, &ada).await.get(&example, "/me").await, 200);
}

#[tokio::test]
async fn the_page_is_protected_and_the_keys_are_public() {
    let example = Example::start(&[]);
    for (path, kind) in
        [("/", "text/html"), ("/app.js", "text/javascript"), ("/page.css", "text/css")]
    {
        let response = request(&example, Method::GET, path).send().await.unwrap();
        let header = |name: &str| response.headers()[name].to_str().unwrap();
        assert_eq!(response.status(), 200);
        assert!(header("content-type").starts_with(kind));
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("x-content-type-options"), "nosniff");
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }
    let keys = request(&example, Method::GET, "/.well-known/jwks.json").send().await.unwrap();
    assert_eq!(keys.headers()["cache-control"], "public, max-age=300");
    let keys: Value = keys.json().await.unwrap();
    assert_eq!(keys["keys"][0]["alg"], "EdDSA");
    assert!(keys["keys"][0].get("d").is_none());
}

#[test]
fn wrong_settings_are_explained() {
    let redis = ("STORE", "redis://user:secret@127.0.0.1:1/");
    for (settings, hint) in [
        (&[redis][..], "openssl genpkey -algorithm ed25519 -out signing.pem"),
        (&[redis, ("SIGNING_KEY_FILE", "/nowhere.pem")], "/nowhere.pem cannot be read"),
        (&[("SIGNING_KEY_FILE", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))], "PEM"),
        (&[("PORT", "http")], "PORT is not a number"),
        (&[("ACCESS_SECONDS", "0")], "between a second and a day"),
    ] {
        let said = Example::refuses(settings);
        assert!(said.contains(hint) && !said.contains("secret"), "{said}");
    }
    let key = shared::signing_key();
    let key = ("SIGNING_KEY_FILE", key.path());
    let postgres = "postgres://user:secret@127.0.0.1:1/none";
    for (url, hint) in [
        (redis.1, "Redis cannot be used; is it running"),
        (postgres, "Postgres cannot be used; is it running"),
        ("secret", "the store is none of"),
        ("sqlite:/nowhere/secret.db", "cannot be kept in"),
    ] {
        let said = Example::refuses(&[key, ("STORE", url)]);
        let tells = url.starts_with("sqlite:") || !said.contains("secret");
        assert!(said.contains(hint) && tells, "{said}");
    }
}

/// By default, with nothing installed.
#[tokio::test]
async fn sessions_in_a_file_outlive_a_restart() {
    let folder = std::env::temp_dir().join(format!("tower-bearer-login-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let store = format!("sqlite:{}", folder.join("login.db").display());
    let settings = [("STORE", &*store)];
    let example = Example::start(&settings);
    let (ada, bob) = (login(&example, ADA).await, login(&example, BOB).await);
    assert_eq!(post(&example, "/logout", &bob.cookie).await.status(), 204);
    drop(example);

    let example = Example::start(&settings);
    refresh_fails(&example, &bob).await;
    let ada = refresh(&example, &ada).await;
    assert_eq!(ada.get(&example, "/me").await, 200);
    assert_eq!(ada.sessions(&example).await.len(), 1);
    drop(example);
    std::fs::remove_dir_all(&folder).unwrap();
}
