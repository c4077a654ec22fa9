//! What the command line and the environment say.

use std::env::{self, VarError};
use std::path::PathBuf;
use std::time::Duration;

use super::BoxError;

pub(crate) struct Config {
    /// `PORT`: 3000 by default, 0 for a free one.
    pub(crate) port: u16,
    /// `ACCESS_SECONDS`: 30 by default, so that there is something to see. Minutes in earnest.
    pub(crate) access_lifetime: Duration,
    /// `--store` or `STORE`: where sessions are kept; in the file `login.db` without it.
    pub(crate) store: Store,
    /// `SIGNING_KEY_FILE`: an Ed25519 key in PEM; a new one without it.
    pub(crate) signing_key_file: Option<PathBuf>,
}

pub(crate) enum Store {
    Memory,
    Sqlite(PathBuf),
    Postgres(String),
    Redis(String),
}

impl Store {
    fn parse(text: &str) -> Result<Self, BoxError> {
        let (scheme, rest) = text.split_once(':').unwrap_or((text, ""));
        Ok(match scheme {
            "memory" if rest.is_empty() => Self::Memory,
            "sqlite" if !rest.is_empty() => {
                Self::Sqlite(rest.strip_prefix("//").unwrap_or(rest).into())
            }
            "postgres" | "postgresql" => Self::Postgres(text.to_owned()),
            "redis" | "rediss" => Self::Redis(text.to_owned()),
            // It is not repeated: there may be a password in it.
            _ => {
                return Err("the store is none of: memory, sqlite:login.db, \
                     postgres://user:password@host/database, redis://host/"
                    .into());
            }
        })
    }

    /// Whether other instances can be there, now or later.
    const fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_) | Self::Redis(_))
    }
}

impl Config {
    pub(crate) fn read() -> Result<Self, BoxError> {
        let mut arguments = env::args().skip(1);
        let mut store = text("STORE")?;
        while let Some(argument) = arguments.next() {
            store = match argument.strip_prefix("--store") {
                Some("") => arguments.next(),
                Some(given) => given.strip_prefix('=').map(ToOwned::to_owned),
                None => None,
            };
            if store.is_none() {
                return Err("the one option is --store and a place: memory, sqlite:login.db, \
                     postgres://…, redis://…"
                    .into());
            }
        }
        let config = Self {
            port: number("PORT")?.unwrap_or(3000),
            access_lifetime: Duration::from_secs(number("ACCESS_SECONDS")?.unwrap_or(30)),
            store: Store::parse(store.as_deref().unwrap_or("sqlite:login.db"))?,
            signing_key_file: text("SIGNING_KEY_FILE")?.map(PathBuf::from),
        };
        if config.store.is_shared() && config.signing_key_file.is_none() {
            // A key made at the start would be unknown to the other instances, and to this one
            // after a restart: its tokens would be rejected there, with sessions that live.
            return Err("with a store that is shared, all instances need the same signing key. Make one with\n\
                 \n  openssl genpkey -algorithm ed25519 -out signing.pem\n\n\
                 and start each with SIGNING_KEY_FILE=signing.pem"
                .into());
        }
        Ok(config)
    }
}

fn text(name: &str) -> Result<Option<String>, BoxError> {
    match env::var(name) {
        Ok(text) => Ok(Some(text).filter(|text| !text.is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(format!("{name} is not UTF-8").into()),
    }
}

fn number<N: std::str::FromStr>(name: &str) -> Result<Option<N>, BoxError> {
    let number = |text: String| text.parse().map_err(|_| format!("{name} is not a number: {text}"));
    Ok(text(name)?.map(number).transpose()?)
}
