//! An introspection endpoint that answers as the test says, and notes what it was asked.

use std::collections::HashMap;
use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Form, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower_bearer::fetch::{Fetch, FetchError, FetchErrorKind, FetchLimits};
use tower_bearer::step::BoxFuture;

/// What the endpoint does next.
#[derive(Debug, Clone)]
pub(crate) enum Does {
    Answer(Value),
    Text(StatusCode, String),
    WithRetryAfter(&'static str),
    Redirect(String),
    /// After this long.
    Slow(Duration, Value),
    /// Once the gate has a permit for it.
    Gated(Arc<Semaphore>, Value),
    Hang,
    HangInBody,
    Truncate,
    Huge,
}

/// What the endpoint was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) headers: HeaderMap,
    pub(crate) form: HashMap<String, String>,
}

pub(crate) struct Endpoint {
    pub(crate) url: String,
    does: Mutex<Does>,
    asked: Mutex<Vec<Asked>>,
    now: AtomicUsize,
    most: AtomicUsize,
    /// Its issuer's metadata, and how often they were asked for.
    metadata: Mutex<(Value, usize)>,
}

struct Here<'a>(&'a Endpoint);

impl Drop for Here<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Endpoint {
    pub(crate) async fn start(does: Does) -> Arc<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let endpoint = Arc::new(Self {
            url: format!("http://{}/introspect", listener.local_addr().unwrap()),
            does: Mutex::new(does),
            asked: Mutex::default(),
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            metadata: Mutex::default(),
        });
        let app = Router::new()
            .route("/introspect", post(introspect))
            .route("/.well-known/oauth-authorization-server", get(metadata))
            .route("/elsewhere", post(elsewhere).get(elsewhere))
            .with_state(Arc::clone(&endpoint));
        tokio::spawn(async move { axum::serve(listener, app).await });
        endpoint
    }

    pub(crate) fn does(&self, does: Does) {
        *self.does.lock().unwrap() = does;
    }

    pub(crate) fn calls(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// Waits until it was asked this many times.
    pub(crate) async fn asked(&self, times: usize) {
        while self.calls() < times {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    pub(crate) fn last(&self) -> Asked {
        self.asked.lock().unwrap().last().unwrap().clone()
    }

    /// What the issuer's metadata say from now on; how often they were asked for so far.
    pub(crate) fn metadata(&self, metadata: Value) -> usize {
        let mut now = self.metadata.lock().unwrap();
        now.0 = metadata;
        now.1
    }

    /// The most calls that were under way at once.
    pub(crate) fn most_at_once(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

async fn metadata(State(endpoint): State<Arc<Endpoint>>) -> Response {
    let mut metadata = endpoint.metadata.lock().unwrap();
    metadata.1 += 1;
    axum::Json(metadata.0.clone()).into_response()
}

/// Where a redirect leads, if somebody follows it.
async fn elsewhere() -> Response {
    axum::Json(json!({ "active": true, "aud": "orders-api" })).into_response()
}

async fn introspect(
    State(endpoint): State<Arc<Endpoint>>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    endpoint.asked.lock().unwrap().push(Asked { headers, form });
    let now = endpoint.now.fetch_add(1, Ordering::SeqCst) + 1;
    endpoint.most.fetch_max(now, Ordering::SeqCst);
    let _here = Here(&endpoint);
    let does = endpoint.does.lock().unwrap().clone();
    let part = Ok::<_, std::io::Error>(Bytes::from_static(b"{\"active\":true,"));
    match does {
        Does::Answer(json) => axum::Json(json).into_response(),
        Does::Text(status, text) => (status, text).into_response(),
        Does::WithRetryAfter(value) => {
            (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, value)]).into_response()
        }
        Does::Redirect(to) => {
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)]).into_response()
        }
        Does::Slow(by, json) => {
            tokio::time::sleep(by).await;
            axum::Json(json).into_response()
        }
        Does::Gated(gate, json) => {
            gate.acquire().await.unwrap().forget();
            axum::Json(json).into_response()
        }
        Does::Hang => pending().await,
        Does::HangInBody => {
            let rest = tokio_stream::pending();
            let stream = tokio_stream::StreamExt::chain(tokio_stream::once(part), rest);
            Body::from_stream(stream).into_response()
        }
        Does::Truncate => {
            let cut = Err(std::io::Error::other("cut off"));
            Body::from_stream(tokio_stream::iter([part, cut])).into_response()
        }
        Does::Huge => {
            let json = format!(r#"{{"active":true,"fill":"{}"}}"#, "x".repeat(10 << 20));
            json.into_response()
        }
    }
}

/// The HTTP client of these tests.
#[derive(Clone)]
pub(crate) struct Http(reqwest::Client);

impl Http {
    pub(crate) fn new() -> Self {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        Self(client.build().unwrap())
    }
}

fn failed(error: reqwest::Error) -> FetchError {
    FetchError::new(FetchErrorKind::Transport).with_source(error.without_url())
}

impl Fetch for Http {
    fn fetch(
        &self,
        request: http::Request<Bytes>,
        limits: FetchLimits,
    ) -> BoxFuture<'static, Result<http::Response<Bytes>, FetchError>> {
        let client = self.0.clone();
        Box::pin(async move {
            let mut request = reqwest::Request::try_from(request).map_err(failed)?;
            *request.timeout_mut() = Some(limits.timeout);
            let mut response = client.execute(request).await.map_err(failed)?;
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(failed)? {
                if body.len() + chunk.len() > limits.max_body {
                    return Err(FetchErrorKind::TooLarge.into());
                }
                body.extend_from_slice(&chunk);
            }
            let mut whole = http::Response::new(Bytes::from(body));
            *whole.status_mut() = response.status();
            *whole.headers_mut() = response.headers().clone();
            Ok(whole)
        })
    }
}
