//! What two threads do with one token that was seen before, of what one does.
//!
//! Of many short turns the best of each: what else the machine does can only make them slower.

use std::convert::Infallible;
use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response};
use tower::{Layer, Service};
use tower_bearer::AuthLayer;
use tower_bearer::verify::TokenCache;

use crate::rows::{Inner, good, measured, request, router, shared, verifier};

const TURNS: usize = 300;
const LONG: Duration = Duration::from_millis(4);

pub(crate) fn print() {
    let layer = || AuthLayer::new(verifier().cache(TokenCache::new()));
    let token = good();
    let (one, other) = (layer().layer(Inner), layer().layer(Inner));
    println!(
        "one service, cloned for each thread: {:.2}",
        ratio::<_, String, _>(&one, &one, &token)
    );
    println!("two that share nothing: {:.2}", ratio::<_, String, _>(&one, &other, &token));
    // As axum does: a clone for each connection, made where it is accepted, and of that for each request.
    let (one, other) = (router().layer(layer()), router().layer(layer()));
    let connection = || one.clone().with_state(());
    println!("axum's router: {:.2}", ratio::<_, Body, _>(&connection(), &connection(), &token));
    let other = other.with_state(());
    println!("two that share nothing: {:.2}", ratio::<_, Body, _>(&connection(), &other, &token));
}

/// Of the first service by one thread, and of both.
fn ratio<S, B, R>(one: &S, other: &S, token: &Bytes) -> f64
where
    S: Service<Request<B>, Response = Response<R>, Error = Infallible> + Clone + Send,
    B: Default,
{
    let (mut alone, mut both) = (0.0_f64, 0.0_f64);
    for _ in 0..TURNS {
        alone = alone.max(throughput::<S, B, R>(&[one], token));
        both = both.max(throughput::<S, B, R>(&[one, other], token));
    }
    both / alone
}

/// Requests in a second, by a thread for each service.
fn throughput<S, B, R>(services: &[&S], token: &Bytes) -> f64
where
    S: Service<Request<B>, Response = Response<R>, Error = Infallible> + Clone + Send,
    B: Default,
{
    let start = &Barrier::new(services.len());
    std::thread::scope(|scope| {
        let spawn = |service: &&S| {
            let mut service = (*service).clone();
            // A buffer of its own, as connections have.
            let token = shared(String::from_utf8_lossy(token).into_owned());
            scope.spawn(move || {
                let mut count = 0_u32;
                start.wait();
                let begun = Instant::now();
                while begun.elapsed() < LONG {
                    for _ in 0..16 {
                        black_box(measured(&mut service, request::<B>(Some(&token))));
                    }
                    count += 16;
                }
                f64::from(count) / begun.elapsed().as_secs_f64()
            })
        };
        let running: Vec<_> = services.iter().map(spawn).collect();
        running.into_iter().filter_map(|thread| thread.join().ok()).sum()
    })
}
