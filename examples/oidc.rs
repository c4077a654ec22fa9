//! Keys of an OpenID Connect provider: discovered, kept fresh, and the state of it all.
//!
//! `cargo run --example oidc --features oidc` starts a small provider of its own to try.
//! `cargo run --example oidc --features oidc -- https://id.example.com orders-api` asks yours;
//! the second argument is the audience. `ISSUER` and `AUDIENCE` do the same.

use std::time::Duration;

use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::json;
use tokio::net::TcpListener;
use tower_bearer::claims::StandardClaims;
use tower_bearer::key::Algorithm;
use tower_bearer::key::remote::RemoteKeys;
use tower_bearer::testing::TestIssuer;
use tower_bearer::{AuthLayer, Claims, Verifier};

async fn me(user: Claims<StandardClaims>) -> String {
    format!("hello {}\n", user.registered().subject().unwrap_or("nobody"))
}

/// For the orchestrator: no traffic before there are keys.
async fn ready(State(keys): State<RemoteKeys>) -> StatusCode {
    match keys.ready().await {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// For dashboards.
async fn status(State(keys): State<RemoteKeys>) -> impl IntoResponse {
    let status = keys.status();
    Json(json!({
        "usable": status.usable,
        "issuer": status.issuer,
        "source": status.source,
        "age_seconds": status.age.map(|age| age.as_secs()),
        "next_refresh_seconds": status.next_refresh.map(|next| next.as_secs()),
        "keys": status.key_ids,
        "skipped": status.skipped,
        "refreshes": status.refreshes,
        "failures": status.failures,
        "last_error": status.last_error.map(|error| error.to_string()),
    }))
}

/// A provider on loopback: metadata and keys. Real ones also log people in.
async fn provider() -> Result<(String, TestIssuer), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let issuer = format!("http://{}", listener.local_addr()?);
    let test = TestIssuer::with_algorithm(Algorithm::ES256)?.issuer(&issuer).audience("orders-api");
    let metadata = json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/jwks.json") });
    let jwks = test.jwks();
    let app = Router::new()
        .route("/.well-known/openid-configuration", get(async || Json(metadata)))
        .route("/jwks.json", get(async || ([("cache-control", "max-age=300")], Json(jwks))));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok((issuer, test))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_env_filter("tower_bearer=debug").init();

    let argument =
        |position, name| std::env::args().nth(position).or_else(|| std::env::var(name).ok());
    let audience = argument(2, "AUDIENCE").unwrap_or_else(|| "orders-api".to_owned());
    let (issuer, own) = match argument(1, "ISSUER") {
        Some(issuer) => (issuer, None),
        None => {
            let (issuer, own) = provider().await?;
            let token = own.token().subject("alice").expires_in(Duration::from_secs(3600)).sign();
            (issuer, Some(token))
        }
    };

    // These lines are all it takes.
    let keys = RemoteKeys::discover(&issuer).eager().await?;
    let verifier = Verifier::<StandardClaims>::builder()
        .keys(keys.clone())
        .issuer(&issuer)
        .audience(audience)
        .build()?;

    let app = Router::new()
        .route("/me", get(me))
        .layer(AuthLayer::new(verifier))
        .route("/ready", get(ready))
        .route("/status", get(status))
        .with_state(keys);

    let port = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;
    println!("Serving on http://{address} for tokens of {issuer}.\n");
    println!("# the keys and how they are\ncurl http://{address}/status\n");
    let token = own.unwrap_or_else(|| "TOKEN".to_owned());
    println!("# a token\ncurl -i http://{address}/me -H 'Authorization: Bearer {token}'\n");
    axum::serve(listener, app).await?;
    Ok(())
}
