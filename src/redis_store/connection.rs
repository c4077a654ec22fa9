//! [`Connection`]: the shared connection, with a bound on every wait.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use ::redis::{ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult, ServerErrorKind};
use arc_swap::ArcSwap;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::Instant;

use super::source::{Link, Source};
use crate::store::StoreError;

/// A connection that many requests share. It connects when it is first used, and again after it
/// was lost or led to somebody who is no primary any more. Nothing that blocks may be sent over it.
pub(super) struct Connection {
    source: Arc<Source>,
    /// Any of our keys: in a cluster they are all in one slot.
    key: Box<str>,
    pub(super) timeout: Duration,
    current: Arc<ArcSwap<Attempt>>,
}

/// A connection that is made or was made, by a task of its own: it goes on when those who wait for it
/// give up, so that a Redis that is slow to connect to is connected to in the end.
#[derive(Default)]
struct Attempt {
    begun: AtomicBool,
    made: watch::Sender<Option<RedisResult<Arc<Inspected>>>>,
}

/// Tells those who wait, also if the task was ended before its time.
struct Making {
    attempt: Arc<Attempt>,
    current: Arc<ArcSwap<Attempt>>,
}

impl Making {
    fn end(&self, made: RedisResult<Arc<Inspected>>) {
        if made.is_err() {
            // The next request tries again.
            self.current.compare_and_swap(&self.attempt, Arc::default());
        }
        self.attempt.made.send_replace(Some(made));
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        if self.attempt.made.borrow().is_none() {
            self.end(Err((ErrorKind::Io, "it was given up to connect to Redis").into()));
        }
    }
}

/// How often Redis is asked whether it still keeps what it is given.
const INSPECT: Duration = Duration::from_secs(5);

/// A link, and when whoever is behind it was last found fit.
struct Inspected {
    link: Link,
    since: Instant,
    /// In milliseconds after `since`.
    at: AtomicU64,
}

impl Inspected {
    fn millis(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The link, if Redis is fit: found now, or lately.
    async fn link(&self) -> RedisResult<Link> {
        let (mut link, now) = (self.link.clone(), self.millis());
        let age = now.saturating_sub(self.at.load(Ordering::Relaxed));
        if Duration::from_millis(age) > INSPECT {
            inspect(&mut link).await?;
            self.at.fetch_max(now, Ordering::Relaxed);
        }
        Ok(link)
    }
}

impl Connection {
    pub(super) fn new(source: Arc<Source>, key: &str, timeout: Duration) -> Self {
        #[cfg(feature = "redis-tls")]
        choose_cryptography(&source);
        Self { source, key: key.into(), timeout, current: Arc::default() }
    }

    /// Another connection to the same place.
    pub(super) fn beside(&self, timeout: Duration) -> Self {
        let source = Arc::clone(&self.source);
        Self { source, key: self.key.clone(), timeout, current: Arc::default() }
    }

    #[cfg(feature = "issuer")]
    pub(super) fn sends_again(&self) -> bool {
        self.source.sends_again()
    }

    /// A connection that is nobody else's, for waits of up to `longest`.
    pub(super) async fn own(&self, longest: Duration) -> Result<Link, StoreError> {
        let response = self.timeout.saturating_add(longest);
        let connect = async {
            let mut link = self.source.connect(&self.key, self.timeout, response).await?;
            inspect(&mut link).await?;
            Ok(link)
        };
        // Nobody waits for this but a background task.
        let connected = in_time(self.patience(), connect).await;
        connected.map_err(Failure::into_error)
    }

    /// How long connecting may take where no request waits for it.
    fn patience(&self) -> Duration {
        self.timeout.saturating_mul(2)
    }

    /// A connection that was inspected lately.
    async fn link(&self, attempt: &Arc<Attempt>) -> RedisResult<Link> {
        let mut made = attempt.made.subscribe();
        if !attempt.begun.swap(true, Ordering::AcqRel) {
            let making =
                Making { attempt: Arc::clone(attempt), current: Arc::clone(&self.current) };
            let (source, key) = (Arc::clone(&self.source), self.key.clone());
            let (timeout, patience) = (self.timeout, self.patience());
            tokio::spawn(async move {
                let connect = async {
                    let mut link = source.connect(&key, timeout, timeout).await?;
                    let since = Instant::now();
                    inspect(&mut link).await?;
                    Ok(Arc::new(Inspected { link, since, at: AtomicU64::new(0) }))
                };
                let made = tokio::time::timeout(patience, connect).await;
                making.end(made.unwrap_or_else(|_| {
                    Err((ErrorKind::Io, "it took too long to connect to Redis").into())
                }));
            });
        }
        let made = made.wait_for(Option::is_some).await.ok().and_then(|made| made.clone());
        made.unwrap_or_else(|| Err((ErrorKind::Io, "nobody connects to Redis").into()))?
            .link()
            .await
    }

    /// Runs commands, for as long as the timeout allows.
    pub(super) async fn run<T, F>(&self, commands: impl FnOnce(Link) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = RedisResult<T>>,
    {
        // What is behind it spawns tasks and would panic.
        Handle::try_current().map_err(|_| no_runtime())?;
        let used = self.current.load_full();
        let run = async { commands(self.link(&used).await?).await };
        let answer = in_time(self.timeout, run).await;
        answer.map_err(|failure| {
            // What is still being made is for whoever comes next.
            if failure.spoils_the_connection() && used.made.borrow().is_some() {
                self.drop_connection(&used);
            }
            failure.into_error()
        })
    }

    /// Asks a primary: whoever answers must say in the same breath that it is one.
    pub(super) async fn ask<T: FromRedisValue>(
        &self,
        mut commands: Pipeline,
    ) -> Result<T, StoreError> {
        commands.cmd("ROLE");
        self.run(|mut link| async move {
            let mut answers: Vec<::redis::Value> = commands.query_async(&mut link).await?;
            check_role(answers.pop())?;
            Ok(::redis::from_redis_value(::redis::Value::Array(answers))?)
        })
        .await
    }

    /// The next request makes a new one. Of many that fail together the first has done it.
    fn drop_connection(&self, used: &Arc<Attempt>) {
        self.current.compare_and_swap(used, Arc::default());
    }
}

async fn in_time<T>(
    bound: Duration,
    run: impl Future<Output = RedisResult<T>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(bound, run).await {
        Ok(answer) => answer.map_err(Failure::Redis),
        Err(_) => Err(Failure::Silence(bound)),
    }
}

enum Failure {
    Redis(RedisError),
    Silence(Duration),
}

impl Failure {
    /// Whether the next request should connect anew: nobody is there any more, or somebody else is
    /// the primary.
    fn spoils_the_connection(&self) -> bool {
        match self {
            Self::Silence(_) => true,
            Self::Redis(error) => is_of_the_connection(error),
        }
    }

    fn into_error(self) -> StoreError {
        match self {
            Self::Redis(error) => store_error(error),
            Self::Silence(timeout) => StoreError::unavailable(NoAnswer(timeout)),
        }
    }
}

/// Whether an error says that this is not who should be asked.
pub(super) fn is_of_the_connection(error: &RedisError) -> bool {
    use ServerErrorKind::{Ask, BusyLoading, ClusterDown, MasterDown, Moved, ReadOnly, TryAgain};
    let kinds = [Ask, BusyLoading, ClusterDown, MasterDown, Moved, ReadOnly, TryAgain];
    error.is_timeout()
        || error.is_io_error()
        || error.is_unrecoverable_error()
        || matches!(error.kind(), ErrorKind::Server(kind) if kinds.contains(&kind))
        // In a script, errors keep their code in the text alone, before version 7.
        || [error.code().unwrap_or_default(), &error.to_string()].iter().any(|text| {
            text.contains("NOREPLICAS") || text.contains("READONLY") || text.contains("NOT_PRIMARY")
        })
}

/// Whoever is asked has to be a primary, and to keep what it is given.
pub(super) async fn inspect(link: &mut Link) -> RedisResult<()> {
    let mut pipeline = Pipeline::new();
    pipeline.cmd("ROLE").cmd("INFO").arg("memory");
    let (role, info): (::redis::Value, String) = pipeline.query_async(link).await?;
    check_role(Some(role))?;
    let field = |name: &str| info.lines().find_map(|line| line.strip_prefix(name));
    let limited = field("maxmemory:").is_some_and(|limit| limit != "0");
    if limited && field("maxmemory_policy:").is_some_and(|policy| policy != "noeviction") {
        return Err(RedisError::from((ErrorKind::Extension, EVICTS)));
    }
    Ok(())
}

const EVICTS: &str = "Redis may drop revocations and sessions to make room: set maxmemory-policy \
                      noeviction, or maxmemory 0";

/// What `ROLE` answers begins with `master`, or this is a replica that may be behind.
pub(super) fn check_role(role: Option<::redis::Value>) -> RedisResult<()> {
    let word = match role {
        Some(::redis::Value::Array(parts)) => parts.into_iter().next(),
        _ => None,
    };
    match word.map(::redis::from_redis_value::<String>) {
        Some(Ok(word)) if word == "master" => Ok(()),
        _ => {
            let text = "NOT_PRIMARY: this Redis is no primary, what it says may be old";
            Err(RedisError::from((ErrorKind::Extension, text)))
        }
    }
}

/// The client asks rustls for the process's cryptography and panics if nobody has chosen any. So
/// where that is open, it is AWS-LC.
#[cfg(feature = "redis-tls")]
fn choose_cryptography(source: &Source) {
    use rustls::crypto::{CryptoProvider, aws_lc_rs};

    if source.is_encrypted() && CryptoProvider::get_default().is_none() {
        // Someone else may have been faster, and then it is chosen too.
        let _ = aws_lc_rs::default_provider().install_default();
    }
}

fn no_runtime() -> StoreError {
    StoreError::configuration("Redis is asked over tokio, and there is no tokio runtime here")
}

/// What an error of the client means to a caller.
pub(super) fn store_error(error: RedisError) -> StoreError {
    if is_full(&error) {
        return StoreError::full();
    }
    match error.kind() {
        ErrorKind::Extension if error.to_string().contains(EVICTS) => {
            StoreError::configuration(EVICTS)
        }
        ErrorKind::InvalidClientConfig
            if cfg!(not(feature = "redis-tls")) && error.to_string().contains("TLS") =>
        {
            StoreError::configuration("rediss:// needs the feature `redis-tls` of tower-bearer")
        }
        ErrorKind::InvalidClientConfig => StoreError::configuration(format!(
            "{error}; an address of Redis is like redis://127.0.0.1:6379/, or rediss:// for TLS"
        )),
        ErrorKind::AuthenticationFailed => {
            StoreError::configuration(format!("Redis refused user or password: {error}"))
        }
        ErrorKind::Server(ServerErrorKind::NoPerm) => StoreError::configuration(format!(
            "the Redis user may not do what the store has to: {error}; see the rights in the docs \
             of redis_store"
        )),
        _ => StoreError::unavailable(error),
    }
}

/// Whether Redis has reached its `maxmemory`. Before version 7 the code of an error in a script is
/// inside of its text.
pub(super) fn is_full(error: &RedisError) -> bool {
    error.code() == Some("OOM") || error.to_string().contains("OOM command not allowed")
}

pub(super) fn other_layout() -> RedisError {
    (ErrorKind::UnexpectedReturnType, "what is in Redis is of another layout").into()
}

#[derive(Debug)]
struct NoAnswer(Duration);

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redis gave no answer within {:?}", self.0)
    }
}

impl Error for NoAnswer {}
