//! The greeter behind tonic's own server, for tests over a connection.

use std::net::SocketAddr;

use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status};
use tower_bearer::guard::scope;
use tower_bearer::revocation::RevocationCheck;
use tower_bearer::{AuthLayer, Claims, Principal, Rejection, Verifier};

use super::greeter::greeter_server::{Greeter, GreeterServer};
use super::greeter::{HelloReply, HelloRequest};
use tower_bearer_tests::servers::{User, listen};

#[derive(Clone)]
pub(crate) struct Service;

#[cfg(feature = "tonic")]
fn status(denied: Rejection) -> Status {
    denied.into()
}

#[cfg(not(feature = "tonic"))]
fn status(denied: Rejection) -> Status {
    Status::permission_denied(denied.kind().description())
}

type Repeated = tokio_stream::Iter<std::vec::IntoIter<Result<HelloReply, Status>>>;

impl Service {
    fn greet(request: &Request<HelloRequest>) -> Result<HelloReply, Status> {
        let user = Claims::<User>::from_extensions(request.extensions())
            .ok_or_else(|| Status::internal("no claims"))?;
        Ok(HelloReply { text: format!("{}, {}", request.get_ref().greeting, user.sub) })
    }
}

#[tonic::async_trait]
impl Greeter for Service {
    async fn hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        Self::greet(&request).map(Response::new)
    }

    async fn shout(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        let principal = Principal::from_extensions(request.extensions())
            .ok_or_else(|| Status::unauthenticated("no principal"))?;
        if let Err(denied) = principal.require(scope("greet:loudly")) {
            return Err(status(denied));
        }
        let HelloReply { text } = Self::greet(&request)?;
        Ok(Response::new(HelloReply { text: text.to_uppercase() }))
    }

    type RepeatStream = Repeated;

    async fn repeat(&self, request: Request<HelloRequest>) -> Result<Response<Repeated>, Status> {
        let reply = Self::greet(&request)?;
        Ok(Response::new(tokio_stream::iter(vec![Ok(reply.clone()), Ok(reply.clone()), Ok(reply)])))
    }
}

/// Serves the greeter behind this layer.
pub(crate) async fn serve<R: RevocationCheck>(layer: AuthLayer<Verifier<User>, R>) -> SocketAddr {
    let listener = listen().await;
    let address = listener.local_addr().unwrap();
    let server = Server::builder()
        .layer(layer)
        .add_service(GreeterServer::new(Service))
        .serve_with_incoming(TcpListenerStream::new(listener));
    tokio::spawn(server);
    address
}
