//! What the tests of both databases share.
#![allow(dead_code, reason = "neither needs all of it")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tower_bearer::clock::{Clock, SystemClock, UnixTime};
use tower_bearer::issuer::session::{
    NewSession, RefreshRequest, SessionErrorKind, SessionStore, SessionTokens, Sessions,
};
use tower_bearer::issuer::{Issuer, SigningKeys};
use tower_bearer::key::Secret;
use tower_bearer::revocation::{RevocationStore, TokenIdentity};

/// A folder of a test's own, gone when dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tower-bearer-sqlx-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) const ISSUER: &str = "https://id.test";

pub(crate) fn sessions(store: impl SessionStore + RevocationStore) -> Sessions {
    sessions_at(store, SystemClock)
}

pub(crate) fn sessions_at(
    store: impl SessionStore + RevocationStore,
    clock: impl Clock,
) -> Sessions {
    let secret = Secret::new("a secret of 32 bytes or more, please");
    let issuer = Issuer::builder()
        .keys(SigningKeys::hs256(&secret).unwrap())
        .issuer(ISSUER)
        .audience("api")
        .lifetime(Duration::from_secs(900))
        .clock(clock)
        .build()
        .unwrap();
    Sessions::builder(issuer, store).build().unwrap()
}

pub(crate) async fn login(sessions: &Sessions, subject: &str) -> SessionTokens {
    sessions.begin(NewSession::new(subject, "web")).await.unwrap()
}

/// What a refresh with this token comes to.
pub(crate) async fn refresh(
    sessions: &Sessions,
    token: &str,
) -> Result<SessionTokens, SessionErrorKind> {
    let answer = sessions.refresh(RefreshRequest::new(token, "web")).await;
    answer.map_err(|error| error.kind())
}

pub(crate) fn in_secs(secs: u64) -> UnixTime {
    SystemClock.now().saturating_add(Duration::from_secs(secs))
}

/// An access token of the session.
pub(crate) fn of_session(id: &str) -> TokenIdentity<'_> {
    TokenIdentity::new().with_issuer(ISSUER).with_session_id(id)
}

/// What a process does that is about to be killed: sessions begin, and every second one ends. It says
/// what was acknowledged.
pub(crate) async fn work_until_killed(sessions: &Sessions) {
    for number in 0_u32.. {
        let tokens = login(sessions, "ada").await;
        let (id, token) = (&tokens.session().id, tokens.refresh_token().expose_secret());
        say(&format!("begun {id} {token}"));
        if number % 2 == 0 {
            assert!(sessions.end_session("ada", id.as_str()).await.unwrap().was_live());
            say(&format!("ended {id} {token}"));
        }
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n@ {line}").unwrap();
    out.flush().unwrap();
}

/// Runs an ignored test of this program in a process of its own, kills it after this many lines, and
/// yields what it had said by then.
pub(crate) fn killed_after(test: &str, environment: &[(&str, &Path)], lines: usize) -> Vec<String> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--ignored", "--nocapture", "--test-threads", "1"]);
    command.envs(environment.iter().copied());
    let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut said = Vec::new();
    let mut out = BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    while said.len() < lines && out.read_line(&mut line).unwrap() > 0 {
        said.extend(line.trim_end().strip_prefix("@ ").map(ToOwned::to_owned));
        line.clear();
    }
    process.kill().unwrap();
    process.wait().unwrap();
    // What it had said and nobody had read.
    for line in out.lines() {
        // the last line may be cut off
        let Ok(line) = line else { break };
        let whole = line.split(' ').count() == 4 && line.len() > 60;
        said.extend(line.strip_prefix("@ ").filter(|_| whole).map(ToOwned::to_owned));
    }
    assert!(said.len() >= lines, "it said {} lines only", said.len());
    said
}

/// What was acknowledged to a process that was killed is so.
pub(crate) async fn what_was_said_holds<S>(said: &[String], store: S)
where
    S: SessionStore + RevocationStore + Clone,
{
    let sessions = sessions(store.clone());
    let ended = |id: &str| said.iter().any(|line| line.starts_with(&format!("ended {id}")));
    let last = said.last().map(|line| line.split(' ').nth(1).unwrap().to_owned());
    for line in said.iter().filter(|line| line.starts_with("begun")) {
        let mut words = line.split(' ').skip(1);
        let (id, token) = (words.next().unwrap(), words.next().unwrap());
        let status = store.status(&of_session(id)).await.unwrap();
        let refreshed = refresh(&sessions, token).await;
        if ended(id) {
            assert!(status.is_revoked(), "{id} ended, and its access tokens live");
            assert_eq!(refreshed.unwrap_err(), SessionErrorKind::InvalidGrant, "{id} came back");
        } else if last.as_deref() != Some(id) {
            // of the very last one the end may have been taken and not said
            assert!(!status.is_revoked() && refreshed.is_ok(), "{id} is lost");
        }
    }
}

/// Tries until it is so; panics if it does not come to be.
pub(crate) async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < Duration::from_secs(30), "never: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    start.elapsed()
}
