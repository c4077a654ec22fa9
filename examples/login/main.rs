//! Sign in, stay signed in, sign out *now*: an axum application with a page for the browser.
//!
//! `cargo run --example login --features login`, then open the address it prints, or paste
//! its `curl` lines into another terminal. Sessions are kept in the SQLite file `login.db`: restart it, and
//! whoever was signed in still is.
//!
//! `--store`, or the environment variable `STORE`, says where else: `memory`, `sqlite:another.db`,
//! `postgres://user:password@host/database`, `redis://host/`. With the last two, several instances share
//! sessions and revocations. They sign with one key:
//!
//! ```sh
//! openssl genpkey -algorithm ed25519 -out signing.pem
//! export STORE=redis://127.0.0.1/ SIGNING_KEY_FILE=signing.pem
//! PORT=3000 cargo run --example login --features login
//! PORT=3001 cargo run --example login --features login
//! ```
//!
//! | File | |
//! |---|---|
//! | `main.rs` | what is put together: keys, issuer, store, verifier |
//! | `app.rs` | the endpoints |
//! | `config.rs` | the command line and the environment |
//! | `stores.rs` | where sessions are kept: nothing else names a store |
//! | `page.rs`, `page.html`, `page.css`, `app.js` | the page, and the headers that protect it |
//! | `users.rs` | who may sign in: here you put your own |
//! | `hints.rs` | the `curl` lines |

mod app;
mod config;
mod hints;
mod page;
mod stores;
mod users;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use tokio::net::TcpListener;
use tower_bearer::Verifier;
use tower_bearer::issuer::cookie::TokenCookie;
use tower_bearer::issuer::session::{BoxSessionStore, SessionEvent, Sessions};
use tower_bearer::issuer::{Issuer, SigningKey, SigningKeys};
use tower_bearer::key::Algorithm;

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
    let config = Config::read()?;
    let keys = match &config.signing_key_file {
        Some(file) => SigningKeys::new(SigningKey::from_pem_file(Algorithm::EdDSA, file)?)?,
        // It dies with the process. Sessions that do not are refreshed with the next one.
        None => SigningKeys::generate(Algorithm::EdDSA)?,
    };
    // Chosen here, and nowhere else: what follows is the same for every store.
    let store = stores::open(&config.store).await?;
    serve(&config, keys, store).await
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
