//! The metadata of an issuer: OpenID Connect Discovery, or
//! [RFC 8414](https://www.rfc-editor.org/rfc/rfc8414).

use http::Uri;
use serde::Deserialize;

use super::document::{Asking, DocumentError, Problem, without_query};
use super::url::{checked_url, is_https, judged_url, request_uri};

/// What of the metadata is used (RFC 8414 §2, OpenID Connect Discovery §3).
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: Option<String>,
    #[cfg(feature = "introspection")]
    introspection_endpoint: Option<String>,
}

/// The metadata of the issuer that they were asked for.
pub(crate) struct Found {
    at: Uri,
    allow_http: bool,
    metadata: Metadata,
}

/// The URLs at which an issuer's metadata may be: OpenID Connect appends the well-known segment to
/// the issuer, RFC 8414 §3.1 inserts it between host and path.
pub(crate) fn metadata_urls(issuer: &str, allow_http: bool) -> Result<[Uri; 2], String> {
    let wrong = |what: &str| format!("the issuer {} {what}", shown(issuer));
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

/// Asks the issuer for its metadata.
pub(crate) async fn discover(
    asking: Asking<'_>,
    issuer: &str,
    allow_http: bool,
) -> Result<Found, DocumentError> {
    let urls = metadata_urls(issuer, allow_http);
    let [openid, oauth] = urls.map_err(|text| DocumentError::new(Problem::Malformed, text))?;
    let found = |at: Uri, metadata: Metadata| {
        if metadata.issuer == issuer {
            return Ok(Found { at, allow_http, metadata });
        }
        let text = format!(
            "{} is of the issuer {:?}, configured is {issuer:?}; they must be the same, slash and all",
            without_query(&at),
            metadata.issuer,
        );
        Err(DocumentError::new(Problem::WrongIssuer, text))
    };
    let first = match load(asking, &openid).await {
        Ok(metadata) => return found(openid, metadata),
        // A server that has nothing there may still be an OAuth server.
        Err(Absent::Here(error)) => error,
        Err(Absent::Failed(error)) => return Err(error),
    };
    match load(asking, &oauth).await {
        Ok(metadata) => found(oauth, metadata),
        Err(Absent::Here(_)) => Err(first),
        Err(Absent::Failed(error)) => Err(error),
    }
}

enum Absent {
    /// The server answered, and has no metadata at this place.
    Here(DocumentError),
    /// It did not answer properly; another place would not help.
    Failed(DocumentError),
}

async fn load(asking: Asking<'_>, url: &Uri) -> Result<Metadata, Absent> {
    let response = asking.get(url).await.map_err(Absent::Failed)?;
    let status = response.status();
    if status != http::StatusCode::OK {
        let elsewhere = status.is_client_error() && status != http::StatusCode::TOO_MANY_REQUESTS;
        let error = DocumentError::status(url, status);
        return Err(if elsewhere { Absent::Here(error) } else { Absent::Failed(error) });
    }
    serde_json::from_slice(response.body()).map_err(|_| {
        // Among others, the index page that some servers answer every path with.
        let text = format!("{} is not a JSON object with a member issuer", without_query(url));
        Absent::Here(DocumentError::new(Problem::Malformed, text))
    })
}

impl Found {
    /// Where the issuer's keys are.
    pub(crate) fn jwks_uri(&self) -> Result<Uri, DocumentError> {
        self.url("jwks_uri", self.metadata.jwks_uri.as_deref())
    }

    /// Where it is asked about tokens.
    #[cfg(feature = "introspection")]
    pub(crate) fn introspection_endpoint(&self) -> Result<Uri, DocumentError> {
        self.url("introspection_endpoint", self.metadata.introspection_endpoint.as_deref())
    }

    fn url(&self, name: &str, url: Option<&str>) -> Result<Uri, DocumentError> {
        let wrong = |what: &str| {
            let text = format!("the {name} in {} {what}", without_query(&self.at));
            DocumentError::new(Problem::Malformed, text)
        };
        let url = url.ok_or_else(|| wrong("is missing"))?;
        let url = checked_url(url, self.allow_http).map_err(|problem| wrong(problem.text()))?;
        // Loopback is no place that a provider elsewhere has a say in.
        if is_https(&self.at) && !is_https(&url) && !self.allow_http {
            return Err(wrong("is not https"));
        }
        Ok(url)
    }
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
            assert!(!error.contains("hunter2"));
            let metadata = bad.contains("/.well-known/");
            let told = error.ends_with("give the issuer, without /.well-known/…");
            assert_eq!(told, metadata, "{error}");
        }
    }
}
