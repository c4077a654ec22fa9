//! Threads by number, so that each can count in a place of its own.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;

/// No more than this: whatever there is one of for each thread takes memory.
const MOST: usize = 64;

/// How many places there should be, a power of two: as many as threads usually serve requests.
pub(crate) fn places() -> usize {
    available_parallelism().map_or(1, usize::from).next_power_of_two().min(MOST)
}

/// Counts threads as they come.
#[inline]
pub(crate) fn number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<Option<usize>> = const { Cell::new(None) };
    }
    // A thread that is being torn down has the first place.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_keeps_its_number_and_the_next_one_has_another() {
        let own = number();
        assert_eq!(number(), own);
        let other = std::thread::spawn(number).join().unwrap();
        assert_ne!(other, own);
        assert!(places().is_power_of_two());
    }
}
