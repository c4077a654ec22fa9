//! Sign in, stay signed in, sign out *now*: an axum application with a page for the browser.
//!
//! `cargo run --example login --features login`, then open the address it prints, or paste
//! its `curl` lines into another terminal. Sessions are kept in memory.
//!
//! With Redis, several instances share sessions and revocations. They sign with one key:
//!
//! ```sh
//! openssl genpkey -algorithm ed25519 -out signing.pem
//! export REDIS_URL=redis://127.0.0.1/ SIGNING_KEY_FILE=signing.pem
//! PORT=3000 cargo run --example login --features login
//! PORT=3001 cargo run --example login --features login
//! ```
//!
//! | File | |
//! |---|---|
//! | `main.rs` | what is put together: keys, issuer, store, verifier |
//! | `app.rs` | the endpoints |
//! | `config.rs` | the environment |
//! | `page.rs`, `page.html`, `page.css`, `app.js` | the page, and the headers that protect it |
//! | `users.rs` | who may sign in: here you put your own |
//! | `hints.rs` | the `curl` lines |

mod app;
mod config;
mod hints;
mod page;
mod users;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::timeout;
use tower_bearer::Verifier;
use tower_bearer::issuer::cookie::TokenCookie;
use tower_bearer::issuer::session::{BoxSessionStore, MemorySessionStore, SessionEvent, Sessions};
use tower_bearer::issuer::{Issuer, SigningKey, SigningKeys};
use tower_bearer::key::Algorithm;
use tower_bearer::redis_store::{RedisStore, Replica};
use tower_bearer::revocation::Identifiers;

use self::app::App;
use self::config::Config;

type BoxError = Box<dyn Error + Send + Sync>;

/// Who issues the tokens, and who they are for: here one and the same service.
const ISSUER: &str = "https://login.example.com";
const AUDIENCE: &str = "login-example";
/// How far the clocks of the instances may be apart. The verifier's default is a minute; then a
/// token would be good for a minute longer, and nothing to see here of how it is renewed.
const LEEWAY: Duration = Duration::from_secs(1);

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter("tower_bearer=debug")
        .with_writer(std::io::stderr)
        .init();
    let Err(error) = run().await else { return ExitCode::SUCCESS };
    eprintln!("login: {error}");
    let mut source = error.source();
    while let Some(error) = source {
        eprintln!("  because: {error}");
        source = error.source();
    }
    ExitCode::FAILURE
}

async fn run() -> Result<(), BoxError> {
    let config = Config::from_env()?;
    let keys = match &config.signing_key_file {
        Some(file) => SigningKeys::new(SigningKey::from_pem_file(Algorithm::EdDSA, file)?)?,
        // It dies with the process, as the sessions in memory do.
        None => SigningKeys::generate(Algorithm::EdDSA)?,
    };
    // Chosen here, and nowhere else: what follows is the same for every store.
    let store = match &config.redis_url {
        None => BoxSessionStore::new(MemorySessionStore::new()),
        Some(url) => BoxSessionStore::new(replica(url).await?),
    };
    serve(&config, keys, store).await
}

/// Sessions in Redis, and a copy of the revocations here: a request asks nobody, and what ends on
/// one instance is rejected by the others within milliseconds.
async fn replica(url: &str) -> Result<Replica, BoxError> {
    let store = RedisStore::builder(url)
        .map_err(|error| context("REDIS_URL is not like redis://127.0.0.1:6379/", error))?
        .prefix("login-example")
        // A token that lacks one of these could not be taken back, and is rejected.
        .require(Identifiers::SESSION_ID | Identifiers::SUBJECT_EPOCH)
        .build()?;
    store.ping().await.map_err(|error| {
        context("the Redis of REDIS_URL cannot be used; is it running, and reachable?", error)
    })?;
    let replica = Replica::builder(store).build()?;
    // Not needed to be safe: until it is loaded, Redis is asked on each request.
    timeout(Duration::from_secs(10), replica.ready())
        .await
        .map_err(|error| context("the revocations could not be loaded from Redis", error))?;
    Ok(replica)
}

async fn serve(config: &Config, keys: SigningKeys, store: BoxSessionStore) -> Result<(), BoxError> {
    let issuer = Issuer::builder()
        .keys(keys.clone())
        .issuer(ISSUER)
        .audience(AUDIENCE)
        .lifetime(config.access_lifetime)
        .build()?;
    let sessions = Sessions::builder(issuer, store)
        .idle_lifetime(Duration::from_secs(7 * 24 * 3600).max(config.access_lifetime))
        .most_sessions(10)
        .verifier_leeway(LEEWAY * 2)
        // Here you would write to the user and to your alarms. The log is told by itself.
        .observe(|event: &SessionEvent<'_>| {
            let session = event.session();
            if let SessionEvent::Reused(_) = event {
                eprintln!(
                    "STOLEN: a refresh token of {} came twice; session {} is over",
                    session.subject.as_str(),
                    session.id
                );
            }
        })
        .build()?;
    // Of a theft that was noticed right before a crash, somebody still has to be told.
    let pending = sessions.clone();
    tokio::spawn(async move {
        loop {
            if let Err(error) = pending.tell_pending().await {
                eprintln!("login: thefts that nobody was told of cannot be listed: {error}");
            }
            tokio::time::sleep(Duration::from_secs(300)).await;
        }
    });
    let verifier = Verifier::builder()
        .keys(keys.verification_keys())
        .issuer(ISSUER)
        .audience(AUDIENCE)
        .access_token_profile()
        .leeway(LEEWAY)
        .build()?;
    // `__Host-`: not even a sister domain can set a cookie of this name.
    let app = App { sessions, cookie: TokenCookie::host("refresh")? };

    let listener = TcpListener::bind(("127.0.0.1", config.port))
        .await
        .map_err(|error| context("PORT cannot be listened on; 0 takes a free one", error))?;
    hints::print(listener.local_addr()?.port(), config);
    axum::serve(listener, app::router(app, verifier, keys)).await?;
    Ok(())
}

/// What to do about it, in front of what went wrong.
fn context(what: &str, error: impl Error) -> BoxError {
    match error.source() {
        Some(source) => format!("{what} ({error}: {source})").into(),
        None => format!("{what} ({error})").into(),
    }
}
