//! The metadata of an issuer: where its keys are.

use http::{StatusCode, Uri};
use serde::Deserialize;

use super::config::Config;
use super::error::{RemoteKeysError, RemoteKeysErrorKind};
use super::request::{Freshness, get, without_query, wrong_status};
use crate::fetch::{checked_url, is_https, judged_url, request_uri};

/// What of the metadata is used (RFC 8414 §2, OpenID Connect Discovery §3).
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: Option<String>,
}

/// The URLs at which an issuer's metadata may be: OpenID Connect appends the well-known segment to
/// the issuer, RFC 8414 §3.1 inserts it between host and path.
pub(super) fn metadata_urls(issuer: &str, allow_http: bool) -> Result<[Uri; 2], RemoteKeysError> {
    let wrong =
        |what: &str| RemoteKeysError::configuration(format!("the issuer {} {what}", shown(issuer)));
    if issuer.contains('?') {
        return Err(wrong("has a query (?)"));
    }
    if issuer.contains("/.well-known/") {
        return Err(wrong("is the URL of its metadata: give the issuer, without /.well-known/…"));
    }
    let url = judged_url(issuer, allow_http).map_err(|problem| wrong(problem.text()))?;
    let path = url.path().strip_suffix('/').unwrap_or(url.path()).to_owned();
    let at = |path: String| {
        let mut url = url.clone();
        url.set_path(&path);
        request_uri(&url).map_err(|problem| wrong(problem.text()))
    };
    Ok([
        at(format!("{path}/.well-known/openid-configuration"))?,
        at(format!("/.well-known/oauth-authorization-server{path}"))?,
    ])
}

/// Never shows a password that someone put into the URL.
fn shown(url: &str) -> &str {
    if url.contains('@') { "(a URL with credentials)" } else { url }
}

/// Asks the issuer where its keys are.
pub(super) async fn discover(
    config: &Config,
    issuer: &str,
    freshness: Freshness<'_>,
) -> Result<Uri, RemoteKeysError> {
    let [openid, oauth] = metadata_urls(issuer, config.allow_http)?;
    let first = match metadata(config, &openid, freshness).await {
        Ok(metadata) => return keys_url(config, issuer, &openid, metadata),
        // A server that has nothing there may still be an OAuth server
        Err(Absent::Here(error)) => error,
        Err(Absent::Failed(error)) => return Err(error),
    };
    match metadata(config, &oauth, freshness).await {
        Ok(metadata) => keys_url(config, issuer, &oauth, metadata),
        Err(Absent::Here(_)) => Err(first),
        Err(Absent::Failed(error)) => Err(error),
    }
}

enum Absent {
    /// The server answered, and has no metadata at this place.
    Here(RemoteKeysError),
    /// It did not answer properly; another place would not help.
    Failed(RemoteKeysError),
}

async fn metadata(
    config: &Config,
    url: &Uri,
    freshness: Freshness<'_>,
) -> Result<Metadata, Absent> {
    let response = get(config, url, freshness).await.map_err(Absent::Failed)?;
    let status = response.status();
    if status != StatusCode::OK {
        let elsewhere = status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS;
        let error = wrong_status(url, status);
        return Err(if elsewhere { Absent::Here(error) } else { Absent::Failed(error) });
    }
    serde_json::from_slice(response.body()).map_err(|_| {
        // Among others, the index page that some servers answer every path with
        Absent::Here(RemoteKeysError::new(
            RemoteKeysErrorKind::Metadata,
            format!("{} is not a JSON object with a member issuer", without_query(url)),
        ))
    })
}

fn keys_url(
    config: &Config,
    issuer: &str,
    at: &Uri,
    metadata: Metadata,
) -> Result<Uri, RemoteKeysError> {
    if metadata.issuer != issuer {
        return Err(RemoteKeysError::new(
            RemoteKeysErrorKind::WrongIssuer,
            format!(
                "{} is of the issuer {:?}, configured is {issuer:?}; they must be the same, slash and all",
                without_query(at),
                metadata.issuer,
            ),
        ));
    }
    let wrong = |what: &str| {
        RemoteKeysError::new(
            RemoteKeysErrorKind::Metadata,
            format!("the jwks_uri in {} {what}", without_query(at)),
        )
    };
    let url = metadata.jwks_uri.ok_or_else(|| wrong("is missing"))?;
    let url = checked_url(&url, config.allow_http).map_err(|problem| wrong(problem.text()))?;
    // Loopback is no place that a provider elsewhere has a say in
    if is_https(at) && !is_https(&url) && !config.allow_http {
        return Err(wrong("is not https"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(issuer: &str) -> [String; 2] {
        metadata_urls(issuer, false).unwrap().map(|url| url.to_string())
    }

    #[test]
    fn rfc8414_and_openid_connect_places() {
        assert_eq!(
            urls("https://id.example.com"),
            [
                "https://id.example.com/.well-known/openid-configuration",
                "https://id.example.com/.well-known/oauth-authorization-server",
            ]
        );
        assert_eq!(urls("https://id.example.com/"), urls("https://id.example.com"));
        for issuer in
            ["https://id.example.com:8443/realms/a", "https://id.example.com:8443/realms/a/"]
        {
            assert_eq!(
                urls(issuer),
                [
                    "https://id.example.com:8443/realms/a/.well-known/openid-configuration",
                    "https://id.example.com:8443/.well-known/oauth-authorization-server/realms/a",
                ]
            );
        }
    }

    #[test]
    fn issuers_that_cannot_be_asked() {
        for bad in [
            "",
            "id.example.com",
            "http://id.example.com",
            "https://id.example.com?x=y",
            "https://id.example.com/#x",
            "https://user:hunter2@id.example.com",
            "https://id.example.com/.well-known/openid-configuration",
            "https://id.example.com/.well-known/oauth-authorization-server/realms/a",
        ] {
            let error = metadata_urls(bad, false).unwrap_err();
            assert_eq!(error.kind(), RemoteKeysErrorKind::Configuration, "{bad}");
            assert!(!format!("{error} {error:?}").contains("hunter2"));
            let metadata = bad.contains("/.well-known/");
            let told = error.to_string().ends_with("give the issuer, without /.well-known/…");
            assert_eq!(told, metadata, "{error}");
        }
    }
}
