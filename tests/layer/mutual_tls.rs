//! A rustls server that asks for certificates, put before hyper as the guide says; curl is the client.

use std::convert::Infallible;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::json;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto};
use tower::{Layer, Service, ServiceExt};
use tower_bearer::bound::{ClientCertificate, ClientCertificates};
use tower_bearer::testing::TestIssuer;
use tower_bearer::{AuthLayer, Claims, StandardClaims};
use tower_bearer_tests::servers::listen;

/// A certificate, and its key as PEM.
struct Identity {
    certificate: CertificateDer<'static>,
    pem: String,
    key: String,
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Of another name than its certificates, or OpenSSL takes those for self-signed.
        params.distinguished_name.push(DnType::CommonName, "authority");
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    fn identity(&self, name: &str) -> Identity {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let pem = certificate.pem();
        Identity { certificate: certificate.der().clone(), pem, key: key.serialize_pem() }
    }

    /// Asks for a certificate of this authority, and does without one.
    fn acceptor(&self, server: &Identity) -> TlsAcceptor {
        let provider = Arc::new(crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.pem.as_bytes()).unwrap()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
        let verifier = verifier.allow_unauthenticated().build().unwrap();
        let key = PrivateKeyDer::from_pem_slice(server.key.as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![server.certificate.clone()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

async fn greet(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let claims = Claims::<StandardClaims>::from_extensions(request.extensions()).unwrap();
    Ok(Response::new(Full::from(claims.binding().as_str())))
}

/// Serves over TLS and yields the port.
async fn serve(acceptor: TlsAcceptor, issuer: &TestIssuer) -> u16 {
    let layer = AuthLayer::new(issuer.verifier::<StandardClaims>().build().unwrap())
        .client_certificates(ClientCertificates::from_extension());
    let service = layer.layer(tower::service_fn(greet));
    let listener = listen().await;
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let (acceptor, service) = (acceptor.clone(), service.clone());
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(tcp).await else { return };
                let certificate = match stream.get_ref().1.peer_certificates() {
                    Some([first, ..]) => Some(ClientCertificate::from_der(first).unwrap()),
                    _ => None,
                };
                let with_certificate = service_fn(move |mut request: Request<Incoming>| {
                    if let Some(certificate) = &certificate {
                        request.extensions_mut().insert(certificate.clone());
                    }
                    let mut service = service.clone();
                    async move { service.ready().await?.call(request).await }
                });
                let http = hyper::server::conn::http1::Builder::new();
                let _ = http.serve_connection(TokioIo::new(stream), with_certificate).await;
            });
        }
    });
    port
}

struct Curl {
    directory: PathBuf,
    port: u16,
}

impl Curl {
    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Status and body, with this certificate of the client.
    async fn ask(&self, token: &str, client: Option<&Identity>) -> String {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--noproxy", "*"]);
        curl.args(["--write-out", " %{http_code}", "--cacert"]);
        curl.arg(self.directory.join("authority.pem"));
        if let Some(client) = client {
            curl.arg("--cert").arg(self.file("client.pem", &client.pem));
            curl.arg("--key").arg(self.file("client.key.pem", &client.key));
        }
        curl.arg("--header").arg(format!("Authorization: Bearer {token}"));
        curl.arg(format!("https://localhost:{}/", self.port)).stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || curl.output()).await.unwrap().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rfc8705_s3_the_certificate_of_the_connection_is_the_one_of_the_token() {
    if Command::new("curl").arg("--version").output().is_err() {
        let missing = "curl is missing";
        assert!(env::var_os("CI").is_none(), "{missing}");
        eprintln!("\n!!! SKIPPED: {missing} !!!\n");
        return;
    }
    let (authority, issuer) = (Authority::new(), TestIssuer::new());
    let server = authority.identity("localhost");
    let port = serve(authority.acceptor(&server), &issuer).await;
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mutual_tls");
    fs::create_dir_all(&directory).unwrap();
    let curl = Curl { directory, port };
    curl.file("authority.pem", &authority.pem);

    let (owner, thief) = (authority.identity("owner"), authority.identity("thief"));
    let thumbprint = ClientCertificate::from_der(&owner.certificate).unwrap();
    let cnf = json!({"x5t#S256": thumbprint.thumbprint()});
    let token = issuer.token().subject("alice").claim("cnf", cnf).sign();
    assert_eq!(curl.ask(&token, Some(&owner)).await, "certificate 200");
    assert_eq!(curl.ask(&token, Some(&thief)).await, " 401");
    assert_eq!(curl.ask(&token, None).await, " 401");
    // Tokens that are bound to nobody need none.
    let plain = issuer.token().subject("alice").sign();
    assert_eq!(curl.ask(&plain, Some(&thief)).await, "bearer 200");
    assert_eq!(curl.ask(&plain, None).await, "bearer 200");
}
