//! Sessions in a store of one's own, that outlive the process: `store.rs` is all of it.
//!
//! `cargo run --example own_store --features own-store`; its test is the conformance suite,
//! `cargo test --example own_store --features own-store`.

mod store;

use std::time::Duration;

use store::OwnStore;
use tower_bearer::clock::{Clock, SystemClock};
use tower_bearer::issuer::session::{NewSession, RefreshRequest, Sessions};
use tower_bearer::issuer::single_use::SingleUse;
use tower_bearer::issuer::{Issuer, SigningKeys};
use tower_bearer::key::Algorithm;
use tower_bearer::revocation::{RevocationStore, TokenIdentity};

const NAME: &str = "https://id.example.com";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::temp_dir().join(format!("sessions-{}.redb", std::process::id()));
    let keys = SigningKeys::generate(Algorithm::EdDSA)?;
    let issuer = Issuer::builder().keys(keys).issuer(NAME).audience("api").build()?;
    let minutes = Duration::from_secs(15 * 60);

    let (phone, laptop, link) = {
        let store = OwnStore::open(&file)?;
        let sessions = Sessions::builder(issuer.clone(), store.clone()).build()?;
        let phone = sessions.begin(NewSession::new("ada", "web").device("phone")).await?;
        let laptop = sessions.begin(NewSession::new("ada", "web").device("laptop")).await?;
        let links = SingleUse::new(NAME, store);
        let link = links.subject("ada").mint("reset-password", "ada", minutes).await?;
        println!("ada has signed in {} times", sessions.sessions("ada").await?.len());
        (phone, laptop, link)
    };

    println!("- the process starts again");
    let store = OwnStore::open(&file)?;
    let sessions = Sessions::builder(issuer, store.clone()).build()?;
    let links = SingleUse::new(NAME, store.clone());
    let token = phone.refresh_token().expose_secret();
    let phone = sessions.refresh(RefreshRequest::new(token, "web")).await?;
    println!("the phone was refreshed: generation {}", phone.session().generation);

    println!("- ada logs out everywhere");
    let ended = sessions.end_all("ada").await?;
    println!("{} sessions ended", ended.sessions.len());
    for (name, tokens) in [("phone", &phone), ("laptop", &laptop)] {
        let token = tokens.refresh_token().expose_secret();
        let refused = sessions.refresh(RefreshRequest::new(token, "web")).await.is_err();
        let id = TokenIdentity::new().with_session_id(tokens.session().id.as_str());
        let revoked = store.status(&id).await?.is_revoked();
        println!("{name}: refused {refused}, access tokens revoked {revoked}");
    }
    let reset = links.redeem::<String>("reset-password", link.expose_secret()).await;
    println!("the link to reset the password: refused {}", reset.is_err());

    store.sweep(SystemClock.now()).await?;
    std::fs::remove_file(&file)?;
    Ok(())
}
