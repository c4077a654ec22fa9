//! [`Shards`]: the configuration, once for each few threads.

use std::ops::Deref;
use std::sync::{Arc, OnceLock, Weak};

use crate::threads;

/// Copies of one value, each with a reference count of its own.
///
/// Every response future holds the configuration, and servers clone services for each connection or
/// each request. Were there one count, all threads would write to it several times for each request,
/// and wait for one another.
pub(super) struct Shards<T>(Box<[Arc<Shard<T>>]>);

/// A copy. What other threads read or write is not on the cache line of its count, nor on the one that
/// processors fetch beside it.
#[repr(align(128))]
pub(super) struct Shard<T> {
    value: T,
    /// Which it is among how many, a power of two.
    number: usize,
    of: usize,
    all: Weak<Shards<T>>,
}

impl<T: Clone> Shards<T> {
    pub(super) fn new(value: &T) -> Arc<Self> {
        let of = threads::places();
        Arc::new_cyclic(|all| {
            let shard = |number| Shard { value: value.clone(), number, of, all: Weak::clone(all) };
            Self((0..of).map(|number| Arc::new(shard(number))).collect())
        })
    }
}

impl<T> Shards<T> {
    /// The copy of this thread.
    #[inline]
    fn of_this_thread(&self) -> &Arc<Shard<T>> {
        // The number of copies is a power of two, so the mask finds one.
        &self.0[threads::number() & (self.0.len() - 1)]
    }
}

impl<T> Shard<T> {
    #[inline]
    fn is_of_this_thread(&self) -> bool {
        threads::number() & (self.of - 1) == self.number
    }

    /// The copy of this thread; this one, if the service that the layer made is gone.
    #[cold]
    fn nearer(self: &Arc<Self>) -> Arc<Self> {
        let all = self.all.upgrade();
        Arc::clone(all.as_ref().map_or(self, |all| all.of_this_thread()))
    }
}

impl<T> Deref for Shard<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.value
    }
}

/// A service's way to the copy of whatever thread it runs on. Neither finding that nor cloning this
/// writes what threads share; only a clone that comes to another thread does, once.
pub(super) enum Handle<T> {
    /// Of the service that the layer made.
    All(Arc<Shards<T>>),
    /// Of a clone.
    One {
        shard: Arc<Shard<T>>,
        /// The copy of the thread that the clone was first used on, if that is another: services are
        /// cloned where connections are accepted, and used elsewhere.
        nearer: OnceLock<Arc<Shard<T>>>,
    },
}

impl<T> Handle<T> {
    #[inline]
    pub(super) fn get(&self) -> &Arc<Shard<T>> {
        match self {
            Self::All(shards) => shards.of_this_thread(),
            Self::One { shard, .. } if shard.is_of_this_thread() => shard,
            Self::One { shard, nearer } => nearer.get_or_init(|| shard.nearer()),
        }
    }
}

impl<T> Clone for Handle<T> {
    #[inline]
    fn clone(&self) -> Self {
        Self::One { shard: Arc::clone(self.get()), nearer: OnceLock::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_another_thread<T: Send>(run: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| scope.spawn(run).join().unwrap())
    }

    #[test]
    fn a_thread_keeps_its_copy_and_the_next_one_has_another() {
        let shards = Shards::new(&String::from("config"));
        let handle = Handle::All(Arc::clone(&shards));
        let of_this = Arc::as_ptr(handle.get());
        assert_eq!(Arc::as_ptr(handle.get()), of_this);
        let mut seen = std::collections::HashSet::new();
        for _ in 0..4 * shards.0.len() {
            seen.insert(on_another_thread(|| Arc::as_ptr(handle.get()) as usize));
        }
        assert_eq!(seen.len(), shards.0.len(), "all copies are in use");
        assert_eq!(&***handle.get(), "config");
    }

    #[test]
    fn a_clone_counts_where_it_is_used_and_not_where_it_was_made() {
        let shards = Shards::new(&());
        let made = Handle::All(Arc::clone(&shards));
        let clone = made.clone();
        // As a server does: cloned where a connection is accepted, and again for each request.
        for _ in 0..2 * shards.0.len() {
            let clone = clone.clone();
            on_another_thread(|| {
                let own = Arc::as_ptr(shards.of_this_thread());
                assert_eq!(Arc::as_ptr(clone.get()), own);
                assert_eq!(Arc::as_ptr(clone.clone().get()), own);
            });
        }
        // Where many connections are open, cloning and using writes the thread's own count alone.
        let before = (Arc::strong_count(&shards), Arc::weak_count(&shards));
        let requests: Vec<_> = (0..10).map(|_| clone.clone()).collect();
        assert_eq!((Arc::strong_count(&shards), Arc::weak_count(&shards)), before);
        drop(requests);
    }

    #[test]
    fn a_clone_works_when_what_it_was_made_of_is_gone_and_nothing_is_left_behind() {
        let value = Arc::new(());
        let clone = Handle::All(Shards::new(&value)).clone();
        for _ in 0..4 {
            on_another_thread(|| clone.clone().get().number);
        }
        drop(clone);
        assert_eq!(Arc::strong_count(&value), 1);
    }
}
