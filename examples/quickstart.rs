//! An axum service with typed claims, a scope and a role, and tokens to try it with.
//!
//! `cargo run --example quickstart`, then paste the lines it prints into another terminal.

use axum::Router;
use axum::routing::{get, post};
use serde::Deserialize;
use tower_bearer::extract::Granted;
use tower_bearer::guard::{Guard, Policy, role, scope};
use tower_bearer::testing::TestIssuer;
use tower_bearer::{AuthLayer, Claims, RequireLayer};

/// What this service wants to know of a token. Whatever else is in it is left alone.
#[derive(Deserialize)]
struct User {
    sub: String,
    name: Option<String>,
}

/// Who may close the shop, by name, for handler signatures.
struct Manager;

impl Policy for Manager {
    fn guard() -> impl Guard {
        role("manager")
    }
}

async fn me(user: Claims<User>) -> String {
    let name = user.name.as_deref().unwrap_or("stranger");
    format!("hello {name}, you are {}\n", user.sub)
}

async fn order(user: Claims<User>) -> String {
    format!("order taken for {}\n", user.sub)
}

async fn close(manager: Granted<Manager, User>) -> String {
    format!("closed by {}\n", manager.sub)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_env_filter("tower_bearer=debug").init();

    // In your service: `Verifier::<User>::builder().keys(..).issuer(..).audience(..)`. Here a test
    // issuer stands in for whoever signs your tokens, so that there are some to try.
    let issuer = TestIssuer::new().issuer("https://id.example.com").audience("orders-api");
    let verifier = issuer.verifier::<User>().build()?;

    let app = Router::new()
        .route("/me", get(me))
        .route("/orders", post(order).layer(RequireLayer::new(scope("orders:write"))))
        .route("/close", post(close))
        .layer(AuthLayer::new(verifier).realm("orders"));

    let port = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;

    let alice = || {
        let token = issuer.token().subject("alice").claim("name", "Alice");
        token.scope("orders:read orders:write").roles(["clerk"])
    };
    let hour = std::time::Duration::from_secs(3600);
    let say = |what: &str, method: &str, path: &str, token: String| {
        println!("# {what}");
        println!("curl -i -X {method} http://{address}{path} -H 'Authorization: Bearer {token}'\n");
    };
    println!("Serving on http://{address}. The tokens are good for an hour.\n");
    println!("# no token: 401\ncurl -i http://{address}/me\n");
    say("a good token: 200", "GET", "/me", alice().expires_in(hour).sign());
    say("a good token with the scope: 200", "POST", "/orders", alice().expires_in(hour).sign());
    say("expired: 401, and the challenge says so", "GET", "/me", alice().expired().sign());
    let elsewhere = alice().claim("aud", "billing-api").expires_in(hour).sign();
    say("for another audience: 401", "GET", "/me", elsewhere);
    let reader = alice().scope("orders:read").expires_in(hour).sign();
    say("without the scope: 403, and the challenge names it", "POST", "/orders", reader);
    say("without the role: 403", "POST", "/close", alice().expires_in(hour).sign());
    let manager = alice().roles(["manager"]).expires_in(hour).sign();
    say("with the role: 200", "POST", "/close", manager);

    axum::serve(listener, app).await?;
    Ok(())
}
