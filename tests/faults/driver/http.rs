//! Calls to nodes: each goes into the history with what came of it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use super::nodes::Nodes;
use super::world::Shared;
use crate::history::{AccessIx, At, Call, End, Op, Outcome, RefreshIx, SessionIx};

/// Longer than a node takes at most.
const PATIENCE: Duration = Duration::from_millis(3_000);

#[derive(Clone)]
pub struct Caller {
    pub shared: Shared,
    pub nodes: Arc<Nodes>,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// An answer before it is read.
enum Raw {
    Answer(StatusCode, Bytes),
    NotSent,
    Lost,
}

impl Caller {
    pub fn new(shared: Shared, nodes: Arc<Nodes>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_secs(1)));
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Self { shared, nodes, client }
    }

    pub async fn call(&self, node: u8, call: Call) -> Outcome {
        self.call_within(node, call, PATIENCE).await
    }

    /// Hangs up after so long.
    pub async fn call_within(&self, node: u8, call: Call, patience: Duration) -> Outcome {
        let life = self.nodes.life(node);
        let request = self.request(node, &call);
        let start = self.shared.now();
        let raw = match request {
            Some(request) => {
                let answer = tokio::time::timeout(patience, self.send(request)).await;
                answer.unwrap_or(Raw::Lost)
            }
            None => Raw::NotSent,
        };
        let end = self.shared.now();
        let life = (self.nodes.life(node) == life).then_some(life);
        self.take(Op { node, life, call, start, end, outcome: Outcome::Unknown }, raw)
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Raw {
        let response = match self.client.request(request).await {
            Ok(response) => response,
            Err(error) if error.is_connect() => return Raw::NotSent,
            Err(_) => return Raw::Lost,
        };
        let status = response.status();
        match response.into_body().collect().await {
            Ok(body) => Raw::Answer(status, body.to_bytes()),
            Err(_) => Raw::Lost,
        }
    }

    fn request(&self, node: u8, call: &Call) -> Option<Request<Full<Bytes>>> {
        let port = self.nodes.port(node)?;
        let world = self.shared.world();
        let refresh = |ix: RefreshIx| world.refresh_texts[ix as usize].as_str();
        let sid = |ix: SessionIx| world.sids[ix as usize].as_str();
        let access = |ix: AccessIx| world.access_texts[ix as usize].as_str();
        let subject = |subject: u32| format!("user-{subject}");
        let (method, path, bearer, body) = match *call {
            Call::Login { tenant, subject: number, version } => {
                let body =
                    json!({"tenant": tenant, "subject": subject(number), "version": version});
                (Method::POST, "/login".into(), None, body)
            }
            Call::Refresh { tenant, token } => {
                let session = world.history.refresh(token).session;
                let version = world.history.session(session).version;
                let body = json!({"tenant": tenant, "token": refresh(token), "version": version});
                (Method::POST, "/refresh".into(), None, body)
            }
            Call::Use { token } => {
                let session = world.history.access(token).session;
                let tenant = world.history.session(session).tenant;
                (Method::GET, format!("/use/{tenant}"), Some(access(token)), Value::Null)
            }
            Call::List { tenant, subject: number } => {
                let body = json!({"tenant": tenant, "subject": subject(number)});
                (Method::POST, "/list".into(), None, body)
            }
            Call::Health => (Method::GET, "/health".into(), None, Value::Null),
            Call::End { tenant, end, short } => {
                let of = |ix: SessionIx| subject(world.history.session(ix).subject);
                let longest = |ix: SessionIx| {
                    let own = world.sides[ix as usize].accesses.iter();
                    own.map(|ix| world.history.access(*ix).expires).max().unwrap_or_default()
                };
                let mut body = match end {
                    End::ByToken(ix) => json!({"how": "token", "token": refresh(ix)}),
                    End::BySid(ix) => {
                        json!({"how": "sid", "sid": sid(ix), "keep_until": longest(ix)})
                    }
                    End::OfSubject(ix) => {
                        json!({"how": "of_subject", "sid": sid(ix), "subject": of(ix)})
                    }
                    End::All { subject: number, .. } => {
                        json!({"how": "all", "subject": subject(number)})
                    }
                    End::AllBut(ix) => json!({"how": "all_but", "sid": sid(ix), "subject": of(ix)}),
                    End::RevokeToken(ix) => {
                        json!({"how": "revoke_token", "access": access(ix)})
                    }
                    End::RevokeSession(ix) => {
                        json!({"how": "revoke_session", "sid": sid(ix), "keep_until": longest(ix)})
                    }
                    End::RevokeSubject { subject: number, .. } => {
                        json!({"how": "revoke_subject", "subject": subject(number)})
                    }
                    End::RevokeVersion { subject: number, minimum, .. } => {
                        json!({"how": "revoke_version", "subject": subject(number), "minimum": minimum})
                    }
                };
                body["tenant"] = tenant.into();
                body["short"] = short.into();
                (Method::POST, "/end".into(), None, body)
            }
        };
        let mut request = Request::builder().method(method);
        if let Some(token) = bearer {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = if body.is_null() { String::new() } else { body.to_string() };
        request
            .uri(format!("http://127.0.0.1:{port}{path}"))
            .header("content-type", "application/json")
            .body(Full::new(body.into()))
            .ok()
    }

    /// Reads the answer and puts all of it into the history.
    fn take(&self, mut op: Op, raw: Raw) -> Outcome {
        let mut world = self.shared.world();
        op.outcome = match raw {
            Raw::NotSent => Outcome::NotSent,
            Raw::Lost => Outcome::Unknown,
            Raw::Answer(StatusCode::OK, body) => read(&mut world, &op.call, &body),
            Raw::Answer(StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED, _) => Outcome::Refused,
            Raw::Answer(StatusCode::SERVICE_UNAVAILABLE, body) => {
                let text = String::from_utf8_lossy(&body).into_owned();
                if !text.is_empty() {
                    world.excuses.insert(op.node, text);
                }
                Outcome::Unavailable
            }
            Raw::Answer(status, _) => Outcome::Odd(status.as_u16()),
        };
        let outcome = op.outcome.clone();
        world.record(op);
        outcome
    }

    /// What a node says of itself, for the reader.
    pub async fn words(&self, node: u8) -> String {
        let Some(request) = self.request(node, &Call::Health) else { return "it is down".into() };
        let health = match tokio::time::timeout(PATIENCE, self.send(request)).await {
            Ok(Raw::Answer(_, body)) => String::from_utf8_lossy(&body).into_owned(),
            _ => "no answer".into(),
        };
        let world = self.shared.world();
        let excuse = world.excuses.get(&node).map(String::as_str).unwrap_or_default();
        format!("{health}; the last 503 said: {excuse}")
    }

    /// Moves a node's clock.
    pub async fn set_clock(&self, node: u8, offset_ms: i64) -> bool {
        let Some(port) = self.nodes.port(node) else { return false };
        let body = Full::new(Bytes::from(json!({ "offset_ms": offset_ms }).to_string()));
        let request = Request::post(format!("http://127.0.0.1:{port}/clock"))
            .header("content-type", "application/json")
            .body(body);
        let Ok(request) = request else { return false };
        let sent = tokio::time::timeout(PATIENCE, self.send(request)).await;
        matches!(sent, Ok(Raw::Answer(StatusCode::OK, _)))
    }

    pub fn now(&self) -> At {
        self.shared.now()
    }
}

fn read(world: &mut super::world::World, call: &Call, body: &[u8]) -> Outcome {
    let odd = Outcome::Odd(200);
    match *call {
        Call::Use { .. } => Outcome::Accepted,
        Call::Login { tenant, subject, version } => {
            let Ok(granted) = serde_json::from_slice(body) else { return odd };
            let taken = world.take_grant(granted, Some((tenant, subject, version)), None);
            taken.map_or(odd, |(session, access, refresh)| Outcome::Granted {
                session,
                access,
                refresh,
            })
        }
        Call::Refresh { token, .. } => {
            let Ok(granted) = serde_json::from_slice(body) else { return odd };
            let taken = world.take_grant(granted, None, Some(token));
            taken.map_or(odd, |(session, access, refresh)| Outcome::Granted {
                session,
                access,
                refresh,
            })
        }
        Call::End { .. } => {
            let Ok(value) = serde_json::from_slice::<Value>(body) else { return odd };
            let moment_ms = value["moment_ms"].as_u64().unwrap_or_default();
            Outcome::Done { ended: value["ended"].as_bool(), moment_ms }
        }
        Call::List { .. } => {
            let Ok(sids) = serde_json::from_slice::<Vec<String>>(body) else { return odd };
            // a session whose login was not answered is unknown here
            let known = sids.iter().filter_map(|sid| world.session_of_sid(sid));
            Outcome::Listed(known.collect())
        }
        Call::Health => {
            let Ok(value) = serde_json::from_slice::<Value>(body) else { return odd };
            let current = value["current"].as_bool().unwrap_or_default();
            Outcome::Health { current, losses: value["losses"].as_u64().unwrap_or_default() }
        }
    }
}
