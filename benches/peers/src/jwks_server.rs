//! An identity provider's key endpoint on loopback, for peers that take keys from nowhere else.

use axum::routing::get;
use axum::{Json, Router};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// Serves these keys for as long as the runtime lives. Peers fetch them once, before anything is
/// measured.
pub(crate) fn start(runtime: &Runtime, jwks: &Value) -> String {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port on loopback");
    let address = listener.local_addr().expect("a bound listener's address");
    let jwks = jwks.clone();
    let router = Router::new().route("/jwks.json", get(|| async move { Json(jwks) }));
    runtime.spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/jwks.json")
}
