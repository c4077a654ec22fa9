//! [`Shards`]: the configuration, once for each few threads.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;

/// As many as threads usually serve requests, and no more than this.
const MOST: usize = 64;

/// Copies of one value, each with a reference count of its own.
///
/// Every response future holds the configuration. Were there one count, all threads would write to it
/// twice for each request, and wait for one another.
pub(super) struct Shards<T>(Box<[Arc<T>]>);

impl<T: Clone> Shards<T> {
    pub(super) fn new(value: T) -> Self {
        let threads = available_parallelism().map_or(1, usize::from).next_power_of_two().min(MOST);
        Self((0..threads).map(|_| Arc::new(value.clone())).collect())
    }
}

impl<T> Shards<T> {
    /// The copy of this thread.
    #[inline]
    pub(super) fn get(&self) -> &Arc<T> {
        // The number of copies is a power of two, so the mask finds one.
        &self.0[thread_number() & (self.0.len() - 1)]
    }
}

/// Counts threads as they come.
#[inline]
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<Option<usize>> = const { Cell::new(None) };
    }
    // A thread that is being torn down has the first copy.
    NUMBER
        .try_with(|number| {
            number.get().unwrap_or_else(|| {
                let next = NEXT.fetch_add(1, Ordering::Relaxed);
                number.set(Some(next));
                next
            })
        })
        .unwrap_or_default()
}

impl<T: fmt::Debug> fmt::Debug for Shards<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_keeps_its_copy_and_the_next_one_has_another() {
        let shards = Shards::new(String::from("config"));
        let of_this = Arc::as_ptr(shards.get());
        assert_eq!(Arc::as_ptr(shards.get()), of_this);
        let mut seen = std::collections::HashSet::new();
        for _ in 0..4 * shards.0.len() {
            std::thread::scope(|scope| {
                let other = scope.spawn(|| Arc::as_ptr(shards.get()) as usize);
                seen.insert(other.join().unwrap());
            });
        }
        assert_eq!(seen.len(), shards.0.len(), "all copies are in use");
        assert_eq!(shards.get().as_str(), "config");
    }
}
