//! A key server that misbehaves when it is told to, over plain TCP so that nothing is corrected on
//! the way.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tower_bearer::fetch::ReqwestFetch;
use tower_bearer::key::Algorithm;
use tower_bearer::testing::TestIssuer;

/// How a path answers.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Json(Value),
    /// A cache before the provider that is out of date: "unchanged" to whoever names a validator,
    /// and what it has cached unless it is told not to.
    OutOfDate {
        cached: Value,
        now: Value,
    },
    /// After this long.
    Slow(Duration, Value),
    /// Never.
    Hang,
    /// The head of a response, and then one byte in a while.
    Drip,
    Status(u16),
    Redirect(String),
    /// Says that it is longer than it is.
    Truncated(Value),
    /// So many bytes, announced or in chunks.
    Huge(usize, bool),
    /// These bytes, said to be compressed.
    Gzip(Vec<u8>),
    Bytes(Vec<u8>),
    /// The connection is closed.
    Close,
}

#[derive(Default)]
struct Script {
    answers: HashMap<String, Answer>,
    headers: Vec<(String, String)>,
    etag: bool,
    hits: Vec<(Instant, String)>,
    not_modified: usize,
    last_request: String,
}

pub(crate) struct KeyServer {
    pub(crate) address: SocketAddr,
    script: Arc<Mutex<Script>>,
    task: Option<JoinHandle<()>>,
}

pub(crate) const JWKS: &str = "/jwks.json";
pub(crate) const OPENID: &str = "/.well-known/openid-configuration";
pub(crate) const OAUTH: &str = "/.well-known/oauth-authorization-server";

impl KeyServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let script = Arc::new(Mutex::new(Script::default()));
        let task = tokio::spawn(serve(listener, Arc::clone(&script)));
        Self { address, script, task: Some(task) }
    }

    /// With metadata, and this issuer's keys.
    pub(crate) async fn with_keys(keys: Value) -> Self {
        let server = Self::start().await;
        server.answer(OPENID, Answer::Json(server.metadata()));
        server.answer(JWKS, Answer::Json(keys));
        server
    }

    pub(crate) fn metadata(&self) -> Value {
        json!({ "issuer": self.issuer(), "jwks_uri": self.url(JWKS), "response_types_supported": ["code"] })
    }

    pub(crate) fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn answer(&self, path: &str, answer: Answer) {
        self.script.lock().unwrap().answers.insert(path.to_owned(), answer);
    }

    pub(crate) fn header(&self, name: &str, value: &str) {
        self.script.lock().unwrap().headers.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn etags(&self) {
        self.script.lock().unwrap().etag = true;
    }

    /// How often this path was asked for.
    pub(crate) fn hits(&self, path: &str) -> usize {
        self.script.lock().unwrap().hits.iter().filter(|(_, hit)| hit == path).count()
    }

    pub(crate) fn all_hits(&self) -> Vec<String> {
        self.script.lock().unwrap().hits.iter().map(|(_, path)| path.clone()).collect()
    }

    pub(crate) fn not_modified(&self) -> usize {
        self.script.lock().unwrap().not_modified
    }

    pub(crate) fn last_request(&self) -> String {
        self.script.lock().unwrap().last_request.clone()
    }

    /// Refuses connections from now on.
    pub(crate) async fn stop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            let _ = task.await;
        }
    }

    /// Is there again, at the same address.
    pub(crate) async fn restart(&mut self) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(self.address).unwrap();
        let listener = socket.listen(1024).unwrap();
        self.task = Some(tokio::spawn(serve(listener, Arc::clone(&self.script))));
    }
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn serve(listener: TcpListener, script: Arc<Mutex<Script>>) {
    // dropping the set with this future closes the connections too
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        connections.spawn(one(stream, Arc::clone(&script)));
        while connections.try_join_next().is_some() {}
    }
}

async fn one(mut stream: TcpStream, script: Arc<Mutex<Script>>) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        request.push(byte);
    }
    let request = String::from_utf8(request).unwrap();
    let path = request.split(' ').nth(1).unwrap().split('?').next().unwrap().to_owned();
    let (answer, headers, etag) = {
        let mut script = script.lock().unwrap();
        script.hits.push((Instant::now(), path.clone()));
        script.last_request.clone_from(&request);
        let answer = script.answers.get(&path).cloned().unwrap_or(Answer::Status(404));
        (answer, script.headers.clone(), script.etag)
    };
    let mut head = String::from("connection: close\r\n");
    for (name, value) in &headers {
        head += &format!("{name}: {value}\r\n");
    }
    let full = |head: &str, body: &[u8]| {
        let mut all =
            format!("HTTP/1.1 200 OK\r\n{head}content-length: {}\r\n\r\n", body.len()).into_bytes();
        all.extend_from_slice(body);
        all
    };
    let response = match answer {
        Answer::Json(body) => {
            let body = body.to_string();
            let tag = format!(
                "\"{:x}\"",
                body.bytes().fold(7_u64, |hash, byte| hash.wrapping_mul(31) ^ u64::from(byte))
            );
            if etag && request.to_ascii_lowercase().contains(&format!("if-none-match: {tag}")) {
                script.lock().unwrap().not_modified += 1;
                format!("HTTP/1.1 304 Not Modified\r\n{head}etag: {tag}\r\n\r\n").into_bytes()
            } else {
                if etag {
                    head += &format!("etag: {tag}\r\n");
                }
                full(&head, body.as_bytes())
            }
        }
        Answer::OutOfDate { cached, now } => {
            let request = request.to_ascii_lowercase();
            head += "etag: \"for ever\"\r\n";
            if request.contains("if-none-match:") {
                format!("HTTP/1.1 304 Not Modified\r\n{head}\r\n").into_bytes()
            } else if request.contains("cache-control: no-cache") {
                full(&head, now.to_string().as_bytes())
            } else {
                full(&head, cached.to_string().as_bytes())
            }
        }
        Answer::Slow(by, body) => {
            tokio::time::sleep(by).await;
            full(&head, body.to_string().as_bytes())
        }
        Answer::Hang => return std::future::pending().await,
        Answer::Drip => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await;
            loop {
                if stream.write_all(b" ").await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Answer::Status(status) => {
            format!("HTTP/1.1 {status} Some\r\n{head}content-length: 0\r\n\r\n").into_bytes()
        }
        Answer::Redirect(to) => {
            format!("HTTP/1.1 302 Found\r\n{head}location: {to}\r\ncontent-length: 0\r\n\r\n")
                .into_bytes()
        }
        Answer::Truncated(body) => {
            let mut all = full(&head, body.to_string().as_bytes());
            all.truncate(all.len() - 10);
            all
        }
        Answer::Huge(length, announced) => {
            let framing = if announced {
                format!("content-length: {length}")
            } else {
                "transfer-encoding: chunked".into()
            };
            let _ = stream
                .write_all(format!("HTTP/1.1 200 OK\r\n{head}{framing}\r\n\r\n").as_bytes())
                .await;
            let mut block = vec![b' '; 64 * 1024];
            if !announced {
                block = [b"10000\r\n", block.as_slice(), b"\r\n"].concat();
            }
            for _ in 0..length / (64 * 1024) {
                if stream.write_all(&block).await.is_err() {
                    return;
                }
            }
            Vec::new()
        }
        Answer::Gzip(body) => full(&format!("{head}content-encoding: gzip\r\n"), &body),
        Answer::Bytes(body) => full(&head, &body),
        Answer::Close => return,
    };
    let _ = stream.write_all(&response).await;
    let _ = stream.shutdown().await;
}

/// An issuer of this name with one ES256 key of this id.
pub(crate) fn issuer(name: impl Into<String>, kid: &str) -> TestIssuer {
    TestIssuer::with_algorithm(Algorithm::ES256).unwrap().issuer(name).key_id(kid)
}

/// The key sets of several issuers as one.
pub(crate) fn set<'a>(issuers: impl IntoIterator<Item = &'a TestIssuer>) -> Value {
    let keys: Vec<_> = issuers.into_iter().map(|issuer| issuer.jwks()["keys"][0].clone()).collect();
    json!({ "keys": keys })
}

/// Sends requests past any proxy.
pub(crate) fn fetch() -> ReqwestFetch {
    ReqwestFetch::with_builder(reqwest::Client::builder().no_proxy()).unwrap()
}
