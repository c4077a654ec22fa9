//! [`Step`]: an answer that is there now, or comes later.

use std::future::Future;
use std::pin::Pin;

/// A future in a box, for what has to wait for the network anyway.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a step on the path of a request answers.
///
/// Most steps know at once: the keys are in memory, so is the list of revoked tokens. They say
/// [`Step::Now`] and nothing is allocated, polled or cloned. Only a step that must wait for the
/// network says [`Step::Later`].
#[derive(Debug)]
#[must_use = "a step that nobody looks at has decided nothing"]
pub enum Step<T, F> {
    /// The answer.
    Now(T),
    /// A future that yields the answer.
    Later(F),
}
