//! The service of the example `tonic_greeter`, as generated for it.
#![allow(missing_docs, clippy::all, clippy::pedantic, unreachable_pub)]

include!(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/tonic_greeter/greeter.rs"));
