//! Starts the identity provider of the folder `oidc_provider`, which is npm's `oidc-provider`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::time::Duration;

use tower_bearer_tests::npm;

/// A provider that runs until this is dropped.
pub(crate) struct OidcProvider {
    child: Child,
    pub(crate) issuer: String,
    directory: PathBuf,
    http: reqwest::Client,
}

/// The audience that gets JWT access tokens.
pub(crate) const API: &str = "https://orders.example.com";
/// The audience that gets opaque ones.
pub(crate) const OPAQUE_API: &str = "https://orders.example.com/opaque";

impl OidcProvider {
    /// `None` where there is no node or npm, or npm cannot install: said loudly, and not allowed
    /// where `CI` is set.
    pub(crate) fn start() -> Option<Self> {
        match Self::try_start() {
            Ok(provider) => Some(provider),
            Err(why) if std::env::var_os("CI").is_some() => panic!("no identity provider: {why}"),
            Err(why) => {
                eprintln!(
                    "\n!!! SKIPPED, nothing was tested against an identity provider: {why}\n"
                );
                None
            }
        }
    }

    /// Node was seen to hang while it starts, so it gets a second and a third chance.
    fn try_start() -> Result<Self, String> {
        let directory = installed()?;
        let mut started = Self::start_in(&directory);
        for _ in 0..2 {
            started = started.or_else(|_| Self::start_in(&directory));
        }
        started
    }

    fn start_in(directory: &Path) -> Result<Self, String> {
        let mut child = Command::new("node")
            .arg("server.mjs")
            .current_dir(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("node cannot be started: {error}"))?;
        let output = child.stdout.take().ok_or("no output")?;
        let (tell, told) = mpsc::channel();
        // what it says later is read too, so that it never waits for a reader
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some(issuer) = line.strip_prefix("issuer ") {
                    let _ = tell.send(issuer.to_owned());
                }
            }
        });
        let issuer = told.recv_timeout(Duration::from_secs(30)).ok();
        let Some(issuer) = issuer else {
            let _ = child.kill();
            let _ = child.wait();
            return Err("the provider did not serve in time, or ended".to_owned());
        };
        let http =
            reqwest::Client::builder().no_proxy().build().map_err(|error| error.to_string())?;
        Ok(Self { child, issuer, directory: directory.to_owned(), http })
    }

    /// Where its files are, and those of a client.
    #[cfg(feature = "axum")]
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// An access token for a machine, by client credentials (RFC 6749 §4.4) for a resource
    /// (RFC 8707).
    pub(crate) async fn token(&self, resource: &str, scope: &str) -> String {
        let body = format!("grant_type=client_credentials&scope={scope}&resource={resource}");
        let request = self.http.post(format!("{}/token", self.issuer));
        let request = request.basic_auth("machine", Some("machine-secret"));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let response = request.body(body).send().await.unwrap();
        let response: serde_json::Value = response.json().await.unwrap();
        response["access_token"].as_str().unwrap_or_else(|| panic!("{response}")).to_owned()
    }

    /// Takes a token back (RFC 7009).
    pub(crate) async fn revoke(&self, token: &str) {
        let request = self.http.post(format!("{}/token/revocation", self.issuer));
        let request = request.basic_auth("machine", Some("machine-secret"));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let response = request.body(format!("token={token}")).send().await.unwrap();
        assert_eq!(response.status(), 200);
    }

    /// Signs with a new key from now on; the one before stays published, older ones go.
    pub(crate) async fn rotate(&self) -> String {
        let request = self.http.post(format!("{}/test/rotate", self.issuer));
        request.send().await.unwrap().text().await.unwrap()
    }
}

impl Drop for OidcProvider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Installs into the directory for the build's own files. The tests of a run share one
/// installation: two at once in one directory break each other.
fn installed() -> Result<PathBuf, String> {
    static INSTALLED: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    INSTALLED
        .get_or_init(|| {
            let files = ["dpop_client.mjs", "server.mjs"];
            npm::install(env!("CARGO_TARGET_TMPDIR"), "verify/oidc_provider", &files)
        })
        .clone()
}
