//! The HTTP side of a node.

use std::io::Write;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::Value;

use super::NodeConfig;
use super::service::{Failure, Service};

/// Serves until the driver is gone.
pub async fn run(config: NodeConfig) -> Result<(), Box<dyn std::error::Error>> {
    let service = Arc::new(Service::start(&config).await?);
    let mut app = Router::new()
        .route("/login", post(login))
        .route("/refresh", post(refresh))
        .route("/end", post(end))
        .route("/list", post(list))
        .route("/health", get(health))
        .route("/clock", post(clock))
        .with_state(Arc::clone(&service));
    for tenant in 0..config.tenants {
        let used = Router::new().route(&format!("/use/{tenant}"), get(async || "yes"));
        app = app.merge(service.protect(used, tenant)?);
    }
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    say(&format!("port {}", listener.local_addr()?.port()));
    // the driver holds the other end of the standard input for as long as it lives
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(0);
    });
    axum::serve(listener, app).await?;
    Ok(())
}

/// One line to the driver, which has left this process when the call returns.
pub(super) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Refused => StatusCode::BAD_REQUEST,
            Self::Unavailable(text) => {
                return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
            }
            Self::Odd(text) => {
                eprintln!("odd: {text}");
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
        .into_response()
    }
}

type Answer = Result<Json<Value>, Failure>;
type Node = State<Arc<Service>>;

#[derive(Deserialize)]
struct Login {
    tenant: u8,
    subject: String,
    version: u64,
}

async fn login(State(service): Node, Json(body): Json<Login>) -> Answer {
    service.login(body.tenant, &body.subject, body.version).await.map(Json)
}

#[derive(Deserialize)]
struct Refresh {
    tenant: u8,
    token: String,
    version: u64,
}

async fn refresh(State(service): Node, Json(body): Json<Refresh>) -> Answer {
    service.refresh(body.tenant, &body.token, body.version).await.map(Json)
}

/// What is given depends on `how`.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(super) struct EndBody {
    pub(super) tenant: u8,
    pub(super) short: bool,
    pub(super) how: String,
    pub(super) token: String,
    pub(super) access: String,
    pub(super) sid: String,
    pub(super) subject: String,
    pub(super) minimum: u64,
    pub(super) keep_until: u64,
}

async fn end(State(service): Node, Json(body): Json<EndBody>) -> Answer {
    service.end(&body).await.map(Json)
}

#[derive(Deserialize)]
struct List {
    tenant: u8,
    subject: String,
}

async fn list(State(service): Node, Json(body): Json<List>) -> Answer {
    service.list(body.tenant, &body.subject).await.map(Json)
}

async fn health(State(service): Node) -> Json<Value> {
    Json(service.health())
}

#[derive(Deserialize)]
struct Clock {
    offset_ms: i64,
}

async fn clock(State(service): Node, Json(body): Json<Clock>) -> &'static str {
    service.move_clock(body.offset_ms);
    "moved"
}
