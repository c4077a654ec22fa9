//! Tokens that are bound to their sender's key: a stolen one is of no use.
//!
//! `cargo run --example dpop --features dpop`, then paste the lines it prints into another terminal.

use axum::Router;
use axum::extract::{Query, State};
use axum::routing::{get, post};
use serde::Deserialize;
use tower_bearer::bound::Dpop;
use tower_bearer::guard::bound;
use tower_bearer::testing::{DpopClient, TestIssuer};
use tower_bearer::{AuthLayer, Claims, RequireLayer, StandardClaims};

async fn me(user: Claims<StandardClaims>) -> String {
    let how = user.binding().as_str();
    format!("hello {}, by {how}\n", user.sub.as_deref().unwrap_or_default())
}

async fn pay(user: Claims<StandardClaims>) -> String {
    format!("paid by {}\n", user.sub.as_deref().unwrap_or_default())
}

/// What the client and the thief hold. In real life each has a key that never leaves its machine; here
/// the service makes their proofs, since curl cannot.
#[derive(Clone)]
struct Keys {
    url: String,
    client: DpopClient,
    thief: DpopClient,
}

#[derive(Deserialize)]
struct Wanted {
    method: String,
    path: String,
    token: String,
    by: Option<String>,
}

/// A fresh proof for one request.
async fn proof(State(keys): State<Keys>, Query(wanted): Query<Wanted>) -> String {
    let by = if wanted.by.as_deref() == Some("thief") { &keys.thief } else { &keys.client };
    let url = format!("{}{}", keys.url, wanted.path);
    by.proof(&wanted.method, &url).token(&wanted.token).sign()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_env_filter("tower_bearer=debug").init();
    let port = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let url = format!("http://{}", listener.local_addr()?);

    // A test issuer stands in for whoever signs your tokens; see `guide::bound_tokens` for one that
    // binds them to the key that a client proves.
    let issuer = TestIssuer::new().issuer("https://id.example.com").audience("orders-api");
    let keys = Keys { url: url.clone(), client: DpopClient::new(), thief: DpopClient::new() };
    let alice = || issuer.token().subject("alice").expires_in(std::time::Duration::from_secs(3600));
    let token = alice().claim("cnf", keys.client.confirmation()).sign();
    let plain = alice().sign();

    let app = Router::new()
        .route("/me", get(me))
        .route("/pay", post(pay).layer(RequireLayer::new(bound())))
        // This line, with the public URL of the service, is all that it takes.
        .layer(AuthLayer::new(issuer.verifier::<StandardClaims>().build()?).dpop(Dpop::new(&url)?))
        .route("/demo/proof", get(proof).with_state(keys));

    let fresh = |method: &str, path: &str, by: &str| {
        format!("$(curl -s \"{url}/demo/proof?method={method}&path={path}&token=$token{by}\")")
    };
    let say = |what: &str, method: &str, path: &str, scheme: &str, proof: &str| {
        println!("# {what}");
        println!(
            "curl -i -X {method} {url}{path} -H \"Authorization: {scheme} $token\" -H \"DPoP: {proof}\"\n"
        );
    };
    println!("Serving on {url}. The tokens are good for an hour, a proof for one request.\n");
    println!("# no token: 401, and the challenges offer Bearer and DPoP\ncurl -i {url}/me\n");
    println!("## alice's token, bound to her key\ntoken={token}\n");
    say("with a proof by her key: 200", "GET", "/me", "DPoP", &fresh("GET", "/me", ""));
    say("and for another route: 200", "POST", "/pay", "DPoP", &fresh("POST", "/pay", ""));
    println!("## one proof\nproof={}\n", fresh("GET", "/me", ""));
    say("used for the first time: 200", "GET", "/me", "DPoP", "$proof");
    say("used once more: 401", "GET", "/me", "DPoP", "$proof");
    println!("# stolen, and sent as a bearer token: 401");
    println!("curl -i {url}/me -H \"Authorization: Bearer $token\"\n");
    let thief = fresh("GET", "/me", "&by=thief");
    say("stolen, with a proof by the thief's key: 401", "GET", "/me", "DPoP", &thief);
    let elsewhere = fresh("GET", "/me", "");
    say("with a proof for another request: 401", "POST", "/pay", "DPoP", &elsewhere);
    println!("## a bearer token of alice's\ntoken={plain}\n");
    println!("# accepted where that is good enough: 200");
    println!("curl -i {url}/me -H \"Authorization: Bearer $token\"\n");
    println!("# and not where it is not: 403");
    println!("curl -i -X POST {url}/pay -H \"Authorization: Bearer $token\"\n");

    axum::serve(listener, app).await?;
    Ok(())
}
