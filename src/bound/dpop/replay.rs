//! Which proofs were used before.

use std::any::Any;
use std::sync::Arc;

use crate::clock::UnixTime;
use crate::step::{BoxFuture, Step};
use crate::store::{MemoryOnce, Once, OnceId, StoreError};

type Answer = Result<bool, StoreError>;

/// A [`Once`] of any type. What is in memory answers at once, and nothing is boxed for it.
#[derive(Clone)]
pub(super) enum Replay {
    Memory(MemoryOnce),
    Shared(Arc<dyn Erased>),
}

/// [`Once`] as a trait that can be `dyn`.
pub(super) trait Erased: Send + Sync {
    fn claim(
        self: Arc<Self>,
        id: OnceId,
        until: UnixTime,
        now: UnixTime,
    ) -> BoxFuture<'static, Answer>;
}

impl<S: Once> Erased for S {
    fn claim(
        self: Arc<Self>,
        id: OnceId,
        until: UnixTime,
        now: UnixTime,
    ) -> BoxFuture<'static, Answer> {
        Box::pin(async move { Once::claim(&*self, &id, until, now).await })
    }
}

impl Replay {
    pub(super) fn new(once: impl Once) -> Self {
        match (&once as &dyn Any).downcast_ref::<MemoryOnce>() {
            Some(memory) => Self::Memory(memory.clone()),
            None => Self::Shared(Arc::new(once)),
        }
    }

    pub(super) fn claim(
        &self,
        id: &OnceId,
        until: UnixTime,
        now: UnixTime,
    ) -> Step<Answer, BoxFuture<'static, Answer>> {
        match self {
            Self::Memory(once) => Step::Now(once.claim_now(id, until, now)),
            Self::Shared(once) => Step::Later(Arc::clone(once).claim(*id, until, now)),
        }
    }
}
