//! What the environment says.

use std::env::{self, VarError};
use std::path::PathBuf;
use std::time::Duration;

use super::BoxError;

pub(crate) struct Config {
    /// `PORT`: 3000 by default, 0 for a free one.
    pub(crate) port: u16,
    /// `ACCESS_SECONDS`: 30 by default, so that there is something to see. Minutes in earnest.
    pub(crate) access_lifetime: Duration,
    /// `REDIS_URL`: where sessions are kept; in memory without it.
    pub(crate) redis_url: Option<String>,
    /// `SIGNING_KEY_FILE`: an Ed25519 key in PEM; a new one without it.
    pub(crate) signing_key_file: Option<PathBuf>,
}

impl Config {
    pub(crate) fn from_env() -> Result<Self, BoxError> {
        let config = Self {
            port: number("PORT")?.unwrap_or(3000),
            access_lifetime: Duration::from_secs(number("ACCESS_SECONDS")?.unwrap_or(30)),
            redis_url: text("REDIS_URL")?,
            signing_key_file: text("SIGNING_KEY_FILE")?.map(PathBuf::from),
        };
        if config.redis_url.is_some() && config.signing_key_file.is_none() {
            // A key made at the start would be unknown to the other instances, and to this one
            // after a restart: its tokens would be rejected there, with sessions that live.
            return Err("with REDIS_URL all instances need the same signing key. Make one with\n\
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
