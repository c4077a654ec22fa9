//! [`within`]: a bound on waiting that needs no runtime.

use std::panic::catch_unwind;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use futures_timer::Delay;
use futures_util::future::{Either, select};

/// What the future yields, or `None` if it takes longer than this.
///
/// The time is told by a thread of its own: requests may wait for what another runtime does, on one
/// that has no timers, or on none of tokio's.
pub(crate) async fn within<F: Future>(time: Duration, future: F) -> Option<F::Output> {
    match select(pin!(future), Delay::new(time)).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}

/// Whether [`within`] can tell the time: starts its thread, which stays. To be asked before requests
/// are served, so that they need not find out.
pub(crate) fn can_wait() -> bool {
    let polled = catch_unwind(|| {
        let mut delay = Delay::new(Duration::from_secs(3600));
        Future::poll(std::pin::Pin::new(&mut delay), &mut Context::from_waker(Waker::noop()))
    });
    polled.is_ok()
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::time::Instant;

    use super::*;

    #[test]
    fn tells_the_time_without_a_runtime() {
        assert!(can_wait());
        let begun = Instant::now();
        let late = futures_util::FutureExt::now_or_never(within(Duration::from_secs(60), ready(7)));
        assert_eq!(late, Some(Some(7)));
        let waker = std::sync::Arc::new(Unpark(std::thread::current()));
        let mut waiting = pin!(within(Duration::from_millis(30), pending::<()>()));
        let waker = waker.into();
        let mut context = Context::from_waker(&waker);
        while waiting.as_mut().poll(&mut context).is_pending() {
            std::thread::park_timeout(Duration::from_secs(5));
        }
        let took = begun.elapsed();
        assert!(took >= Duration::from_millis(30) && took < Duration::from_secs(5), "{took:?}");
    }

    struct Unpark(std::thread::Thread);

    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
}
