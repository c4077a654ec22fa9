//! A revocation store of one's own: here one file per revoked session, in place of your database.
//!
//! `cargo run --example custom_store`

use std::path::PathBuf;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Request, header};
use tower::ServiceExt;
use tower_bearer::revocation::{
    Identifiers, Revocation, RevocationStatus, RevocationStore, RevocationTarget, StoreError,
    TokenIdentity,
};
use tower_bearer::testing::TestIssuer;
use tower_bearer::{AuthLayer, Claims, StandardClaims};

/// Sessions that were ended, each an empty file. Two nodes that see the same directory agree.
#[derive(Clone)]
struct EndedSessions {
    directory: PathBuf,
}

impl EndedSessions {
    /// Identifiers may be anything, so they never become a path as they are.
    fn file(&self, session_id: &str) -> PathBuf {
        let hex: String = session_id.bytes().map(|byte| format!("{byte:02x}")).collect();
        self.directory.join(hex)
    }
}

impl RevocationStore for EndedSessions {
    /// A token without `sid` could not be taken back: the layer rejects it without asking.
    fn required_identifiers(&self) -> Identifiers {
        Identifiers::SESSION_ID
    }

    async fn status(&self, token: &TokenIdentity<'_>) -> Result<RevocationStatus, StoreError> {
        let session_id = token.session_id().unwrap_or_default();
        // What cannot be told is an error, and the layer then answers 503.
        let ended = tokio::fs::try_exists(self.file(session_id)).await;
        ended.map(RevocationStatus::revoked_if).map_err(StoreError::unavailable)
    }

    async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        let RevocationTarget::Session { session_id } = revocation.target() else {
            return Err(StoreError::unsupported());
        };
        // A store with many entries would also note `keep_until`, and clean up after it.
        let written = tokio::fs::write(self.file(session_id), b"").await;
        written.map_err(StoreError::unavailable)
    }
}

async fn me(user: Claims<StandardClaims>) -> String {
    format!("hello {}", user.sub.as_deref().unwrap_or("machine"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::temp_dir().join(format!("ended-sessions-{}", std::process::id()));
    tokio::fs::create_dir_all(&directory).await?;
    let store = EndedSessions { directory: directory.clone() };

    let issuer = TestIssuer::new();
    let verifier = issuer.verifier::<StandardClaims>().build()?;
    let app = Router::new()
        .route("/me", get(me))
        .layer(AuthLayer::new(verifier).revocation(store.clone()));

    let alice = issuer.token().subject("alice").session_id("session-1").sign();
    let bob = issuer.token().subject("bob").session_id("session-2").sign();
    let no_session = issuer.token().subject("carol").sign();
    let ask = async |what: &str, token: &str| -> Result<(), Box<dyn std::error::Error>> {
        let request = Request::get("/me").header(header::AUTHORIZATION, format!("Bearer {token}"));
        let response = app.clone().oneshot(request.body(Body::empty())?).await?;
        println!("{what}: {}", response.status());
        Ok(())
    };

    ask("alice", &alice).await?;
    ask("bob", &bob).await?;
    ask("a token without session", &no_session).await?;

    println!("- alice logs out");
    let never = tower_bearer::clock::UnixTime::MAX;
    store.revoke(&Revocation::session("session-1", never)).await?;
    ask("alice", &alice).await?;
    ask("bob", &bob).await?;

    println!("- the store goes away");
    tokio::fs::remove_dir_all(&directory).await?;
    tokio::fs::write(&directory, b"not a directory").await?;
    ask("bob", &bob).await?;
    tokio::fs::remove_file(&directory).await?;
    Ok(())
}
