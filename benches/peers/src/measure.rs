//! Times: contenders in turn, in many short rounds, each round in another order.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use http::Request;

use crate::allocator::allocations;
use crate::entry::{Entry, request};
use crate::provider;

/// How long one contender's turn in a round is, about.
const TURN: Duration = Duration::from_millis(1);
/// More requests than this at once would be measured with a cold cache.
const MOST_CALLS: usize = 64;
const WARM_UP: usize = 3;

/// What is sent in a round.
struct Turn {
    authorization: Option<Bytes>,
    calls: usize,
    /// Nanoseconds a call, by round.
    times: Vec<f64>,
}

/// Measures every entry, with the header that is chosen for it, for this long in all. The times of
/// one round of one entry stand at the same place as those of the others.
pub(crate) fn rounds(
    entries: &mut [Entry],
    header: impl Fn(&Entry) -> Option<Bytes>,
    for_all: Duration,
) -> Vec<Vec<f64>> {
    let mut turns: Vec<Turn> = (entries.iter_mut())
        .map(|entry| {
            let authorization = header(entry);
            let calls = calls_of_a_turn(entry, authorization.as_ref());
            Turn { authorization, calls, times: Vec::new() }
        })
        .collect();
    let mut order: Vec<usize> = (0..turns.len()).collect();
    let begin = Instant::now();
    while begin.elapsed() < for_all {
        fastrand::shuffle(&mut order);
        for &at in &order {
            let turn = &mut turns[at];
            let time = timed(&mut entries[at], turn.authorization.as_ref(), turn.calls);
            turn.times.push(time);
        }
    }
    turns.into_iter().map(|turn| turn.times).collect()
}

fn calls_of_a_turn(entry: &mut Entry, authorization: Option<&Bytes>) -> usize {
    let times = [0; 5].map(|_| timed(entry, authorization, 4));
    let calls = TURN.as_nanos() as f64 / median(times.to_vec());
    (calls as usize).clamp(4, MOST_CALLS)
}

/// Nanoseconds a call. Requests are built before, and responses dropped within.
fn timed(entry: &mut Entry, authorization: Option<&Bytes>, calls: usize) -> f64 {
    let build = |calls| (0..calls).map(|_| request(authorization)).collect::<Vec<_>>();
    let requests: Vec<Request<Body>> = build(calls);
    provider::choose(entry.contender.provider);
    for request in build(WARM_UP) {
        black_box(entry.subject.call(request));
    }
    let begin = Instant::now();
    for request in requests {
        black_box(entry.subject.call(request));
    }
    begin.elapsed().as_nanos() as f64 / calls as f64
}

/// Allocations of one call, those of C code not counted.
pub(crate) fn allocations_of_a_call(entry: &mut Entry) -> f64 {
    const CALLS: u32 = 100;
    let requests: Vec<_> = (0..=CALLS).map(|_| request(Some(&entry.authorization))).collect();
    provider::choose(entry.contender.provider);
    let mut before = 0;
    for (at, request) in requests.into_iter().enumerate() {
        if at == 1 {
            before = allocations();
        }
        black_box(entry.subject.call(request));
    }
    (allocations() - before) as f64 / f64::from(CALLS)
}

/// How much more two threads do than one, all with the same token. Of the best of several turns
/// each: what else the machine does can only make them slower.
pub(crate) fn two_threads(entry: &Entry, turns: usize) -> f64 {
    let turns: Vec<_> =
        (0..turns).map(|_| [1, 2].map(|threads| throughput(entry, threads))).collect();
    let best = |at: usize| turns.iter().map(|turn| turn[at]).fold(0.0, f64::max);
    best(1) / best(0)
}

/// Requests a second.
fn throughput(entry: &Entry, threads: usize) -> f64 {
    const LONG: Duration = Duration::from_millis(20);
    let start = Barrier::new(threads);
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads)
            .map(|_| {
                let mut subject = entry.subject.share();
                let (provider, start) = (entry.contender.provider, &start);
                // A buffer of its own, as connections have.
                let text = String::from_utf8(entry.authorization.to_vec()).expect("ASCII");
                scope.spawn(move || {
                    let authorization = crate::entry::shared(&text);
                    provider::choose(provider);
                    // Cloning is cheaper than building, so that it is the layer that is measured.
                    let head = request(Some(&authorization)).into_parts().0;
                    let mut calls = 0_u32;
                    start.wait();
                    let begin = Instant::now();
                    while begin.elapsed() < LONG {
                        for _ in 0..16 {
                            let request = Request::from_parts(head.clone(), Body::empty());
                            black_box(subject.call(request));
                        }
                        calls += 16;
                    }
                    f64::from(calls) / begin.elapsed().as_secs_f64()
                })
            })
            .collect();
        handles.into_iter().map(|thread| thread.join().expect("a thread that ends")).sum()
    })
}

/// The middle one; zero of none.
pub(crate) fn median(values: Vec<f64>) -> f64 {
    quantile(values, 0.5)
}

/// The value that this share of them is below.
pub(crate) fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (values.len().saturating_sub(1)) as f64 * share;
    values.get(at.round() as usize).copied().unwrap_or_default()
}
