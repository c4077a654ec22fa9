//! A tonic service and its client in one process: who gets through, and what the others see.
//!
//! `cargo run --example tonic_greeter --features tonic`

use serde::Deserialize;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::service::LayerExt;
use tonic::transport::{Channel, Server};
use tonic::{Request, Response, Status};
use tower::ServiceBuilder;
use tower_bearer::guard::{not, role, scope};
use tower_bearer::testing::TestIssuer;
use tower_bearer::{AuthLayer, Claims, RequireLayer};

#[allow(missing_docs, clippy::all, clippy::pedantic, unreachable_pub)]
mod greeter;

use greeter::greeter_client::GreeterClient;
use greeter::greeter_server::{Greeter, GreeterServer};
use greeter::{HelloReply, HelloRequest};

#[derive(Deserialize)]
struct User {
    sub: String,
}

struct Service;

type Repeated = tokio_stream::Iter<std::vec::IntoIter<Result<HelloReply, Status>>>;

impl Service {
    fn greet(request: &Request<HelloRequest>) -> Result<HelloReply, Status> {
        let user = Claims::<User>::require_from(request.extensions())?;
        Ok(HelloReply { text: format!("{}, {}", request.get_ref().greeting, user.sub) })
    }
}

#[tonic::async_trait]
impl Greeter for Service {
    async fn hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        Self::greet(&request).map(Response::new)
    }

    async fn shout(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        // By hand, for what only the method knows; what goes by the path can be left to the layer.
        let user = Claims::<User>::require_from(request.extensions())?;
        user.require(not(role("guest")))?;
        let HelloReply { text } = Self::greet(&request)?;
        Ok(Response::new(HelloReply { text: text.to_uppercase() }))
    }

    type RepeatStream = Repeated;

    async fn repeat(&self, request: Request<HelloRequest>) -> Result<Response<Repeated>, Status> {
        let reply = Self::greet(&request)?;
        Ok(Response::new(tokio_stream::iter(vec![Ok(reply.clone()), Ok(reply.clone()), Ok(reply)])))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let issuer = TestIssuer::new();
    let by_path = RequireLayer::by(|head| match head.uri().path() {
        "/greeter.Greeter/Shout" => scope("greet greet:loudly"),
        _ => scope("greet"),
    });
    let protected = ServiceBuilder::new()
        .layer(AuthLayer::new(issuer.verifier::<User>().build()?))
        .layer(by_path)
        .into_inner();

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    // What everybody may ask (health, reflection) is added beside it, without the layers.
    let server = Server::builder()
        .add_service(protected.named_layer(GreeterServer::new(Service)))
        .serve_with_incoming(TcpListenerStream::new(listener));
    tokio::spawn(server);

    let channel = Channel::from_shared(format!("http://{address}"))?.connect().await?;
    let client = GreeterClient::new(channel);
    let request = |token: Option<&str>| -> Result<_, Box<dyn std::error::Error>> {
        let mut request = Request::new(HelloRequest { greeting: "good morning".into() });
        if let Some(token) = token {
            request.metadata_mut().insert("authorization", format!("Bearer {token}").parse()?);
        }
        Ok(request)
    };
    let show = |what: &str, answer: Result<Response<HelloReply>, Status>| match answer {
        Ok(reply) => println!("{what}: OK, {:?}", reply.into_inner().text),
        Err(status) => println!("{what}: {:?}, {:?}", status.code(), status.message()),
    };

    let quiet = issuer.token().subject("alice").scope("greet").sign();
    let loud = issuer.token().subject("bob").scope("greet greet:loudly").sign();
    let late = issuer.token().subject("carol").expired().sign();
    show("hello, good token", client.clone().hello(request(Some(&quiet))?).await);
    show("hello, no token", client.clone().hello(request(None)?).await);
    show("hello, expired token", client.clone().hello(request(Some(&late))?).await);
    show("shout, without the scope", client.clone().shout(request(Some(&quiet))?).await);
    show("shout, with the scope", client.clone().shout(request(Some(&loud))?).await);
    Ok(())
}
