//! No framework: a layer around a closure, and requests without a network.
//!
//! `cargo run --example tower_only`

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::Full;
use tower::{ServiceBuilder, ServiceExt};
use tower_bearer::testing::TestIssuer;
use tower_bearer::{AuthLayer, Claims, StandardClaims};

async fn hello(request: Request<String>) -> Result<Response<Full<Bytes>>, Infallible> {
    let text = match Claims::<StandardClaims>::from_extensions(request.extensions()) {
        Some(claims) => format!("hello {}", claims.sub.as_deref().unwrap_or("machine")),
        None => "who let you in?".to_owned(),
    };
    Ok(Response::new(Full::from(text)))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let issuer = TestIssuer::new();
    let verifier = issuer.verifier::<StandardClaims>().build()?;
    let service = ServiceBuilder::new().layer(AuthLayer::new(verifier)).service_fn(hello);

    let requests = [
        ("a good token", Some(issuer.token().subject("alice").sign())),
        ("an expired token", Some(issuer.token().subject("alice").expired().sign())),
        ("no token", None),
    ];
    for (what, token) in requests {
        let mut request = Request::get("/");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let response = service.clone().oneshot(request.body(String::new())?).await?;
        println!("{what}: {}", response.status());
        if let Some(challenge) = response.headers().get(header::WWW_AUTHENTICATE) {
            println!("  {}", challenge.to_str()?);
        }
    }
    Ok(())
}
