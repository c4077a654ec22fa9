//! Python's grpcio as the client: an implementation of gRPC that nobody here wrote.
//!
//! Needs a Python with grpcio: the interpreter of the environment variable `PYTHON`, or `python3`.
use std::env;
use std::process::{Command, Stdio};

use tower_bearer::clock::UnixTime;
use tower_bearer::revocation::{MemoryStore, Revocation};
use tower_bearer::testing::TestIssuer;
use tower_bearer_tests::servers::layer;

use super::greeter_server;

#[allow(missing_docs, clippy::all, clippy::pedantic, unreachable_pub, dead_code)]

/// The interpreter, if it has grpcio.
fn python() -> Option<String> {
    let python = env::var("PYTHON").unwrap_or_else(|_| "python3".into());
    let probe = Command::new(&python)
        .args(["-c", "import grpc"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    probe.is_ok_and(|status| status.success()).then_some(python)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grpcio_understands_every_answer() {
    let Some(python) = python() else {
        let missing = "python3 with grpcio is missing (pip install grpcio; set PYTHON)";
        assert!(env::var_os("CI").is_none(), "{missing}");
        eprintln!("\n!!! SKIPPED: {missing} !!!\n");
        return;
    };
    let issuer = TestIssuer::new();
    let store = MemoryStore::new();
    store.revoke_now(&Revocation::token("gone", UnixTime::MAX)).unwrap();
    let address = greeter_server::serve(layer(&issuer).revocation(store)).await;

    let token = || issuer.token().subject("alice").token_id("1").scope("greet");
    let run = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/layer/grpc_client.py"))
        .arg(address.to_string())
        .env("GOOD", token().sign())
        .env("LOUD", token().scope("greet greet:loudly").sign())
        .env("EXPIRED", token().expired().sign())
        .env("REVOKED", token().token_id("gone").sign())
        .env("FOREIGN", TestIssuer::new().token().subject("alice").token_id("1").sign())
        // Nothing between this client and its server.
        .env("no_proxy", "127.0.0.1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let output = tokio::task::spawn_blocking(move || run.wait_with_output()).await.unwrap();
    let output = output.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{errors}");
    assert!(text.ends_with("all as expected\n"), "{text}{errors}");
}
