//! Opaque tokens, introspected at their issuer, and signed tokens verified locally, at one service.
//!
//! `cargo run --example introspection --features introspection`

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{Form, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{Request, header};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::ServiceExt;
use tower_bearer::fetch::ReqwestFetch;
use tower_bearer::guard::scope;
use tower_bearer::key::Secret;
use tower_bearer::testing::TestIssuer;
use tower_bearer::verify::introspection::{ClientAuth, Introspection, JwtOrOpaque};
use tower_bearer::{AuthLayer, Claims, RequireLayer, StandardClaims};

/// Stands in for your identity provider. A real one checks our credentials first.
async fn introspect(
    State(calls): State<Arc<AtomicUsize>>,
    Form(form): Form<HashMap<String, String>>,
) -> Json<Value> {
    calls.fetch_add(1, Ordering::SeqCst);
    Json(match form.get("token").map(String::as_str) {
        Some("reference-of-alice") => json!({
            "active": true, "token_type": "Bearer", "aud": "orders-api",
            "sub": "alice", "scope": "orders:read orders:write",
        }),
        // a machine client: nobody's name is on its token
        Some("reference-of-cron") => json!({
            "active": true, "aud": "orders-api", "client_id": "cron", "scope": "orders:read",
        }),
        Some("meant-for-billing") => json!({ "active": true, "aud": "billing-api" }),
        Some("refresh-token-of-alice") => json!({
            "active": true, "token_use": "refresh_token", "aud": "orders-api", "sub": "alice",
        }),
        _ => json!({ "active": false }),
    })
}

async fn me(user: Claims<StandardClaims>) -> String {
    let claims = user.registered();
    format!("hello {}", claims.subject().or(claims.client_id()).unwrap_or("nobody"))
}

async fn order() -> &'static str {
    "order taken"
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let calls = Arc::new(AtomicUsize::new(0));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let endpoint = format!("http://{}/introspect", listener.local_addr()?);
    let provider = Router::new().route("/introspect", post(introspect));
    let provider = provider.with_state(Arc::clone(&calls));
    let provider = tokio::spawn(async move { axum::serve(listener, provider).await });

    let introspection = Introspection::<StandardClaims>::builder(endpoint, ReqwestFetch::new()?)
        .client(ClientAuth::basic("orders-api", Secret::new("from the provider's console")))
        .audience("orders-api")
        .build()?;
    let issuer = TestIssuer::new().issuer("https://id.example.com").audience("orders-api");
    let verifier = issuer.verifier::<StandardClaims>().build()?;
    let app = Router::new()
        .route("/me", get(me))
        .route("/orders", get(order).layer(RequireLayer::new(scope("orders:write"))))
        .layer(AuthLayer::new(JwtOrOpaque::new(verifier, introspection)));

    let jwt = issuer.token().subject("bob").sign();
    let stranger = TestIssuer::new().token().subject("mallory").sign();
    let show = async |what: &str, path: &str, token: &str| {
        let bearer = format!("Bearer {token}");
        let request = Request::get(path).header(header::AUTHORIZATION, bearer);
        let response = app.clone().oneshot(request.body(axum::body::Body::empty())?).await?;
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), 1024).await?;
        let (body, calls) = (String::from_utf8_lossy(&body), calls.load(Ordering::SeqCst));
        println!("{what:<40} {status} {body:<12} ({calls} introspections so far)");
        Ok::<_, Box<dyn std::error::Error>>(())
    };
    show("opaque", "/me", "reference-of-alice").await?;
    show("the same again: remembered", "/orders", "reference-of-alice").await?;
    show("of a machine client", "/me", "reference-of-cron").await?;
    show("without the scope", "/orders", "reference-of-cron").await?;
    show("made up", "/me", "made-up").await?;
    show("for another audience", "/me", "meant-for-billing").await?;
    show("a refresh token", "/me", "refresh-token-of-alice").await?;
    show("signed: verified locally", "/me", &jwt).await?;
    show("signed by a stranger: not introspected", "/me", &stranger).await?;

    provider.abort();
    let _stopped = provider.await;
    show("provider gone, token remembered", "/me", "reference-of-alice").await?;
    show("provider gone, token new", "/me", "not-seen-yet").await?;
    Ok(())
}
