//! The layers around services: tower alone, hyper, axum, tonic.

#![cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]

#[cfg(feature = "axum")]
mod axum_server;
#[cfg(feature = "axum")]
mod cross_site;
#[cfg(feature = "axum")]
mod glob;
mod greeter;
mod greeter_server;
mod hyper_server;
mod mutual_tls;
mod observe;
mod outcomes;
mod python_grpc;
#[cfg(feature = "axum")]
mod token_alone;
mod tonic_server;
mod tower_stack;
