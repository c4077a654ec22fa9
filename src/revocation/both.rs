//! [`both`]: two checks as one, of which either can revoke.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::into_revocation::IntoRevocation;
use super::{Identifiers, RevocationCheck, RevocationStatus, StoreError, TokenIdentity};
use crate::step::Step;

type Answer = Result<RevocationStatus, StoreError>;

/// Asks both, checks or stores; a token is revoked if either says so.
///
/// | one says | other says | answer |
/// |---|---|---|
/// | revoked | anything | revoked, without waiting for the other |
/// | error | active or error | error: the first check's, if both fail |
/// | active | active | active |
///
/// A token must carry what either requires. Both are asked at the same time, except that the
/// second is not asked when the first revokes at once: put the local one first. For three, nest.
///
/// ```
/// use tower_bearer::revocation::{Identifiers, MemoryStore, RevocationCheck, RevocationStatus};
/// use tower_bearer::revocation::{both, check_fn};
///
/// let suspended = check_fn(|_| RevocationStatus::Active).requiring(Identifiers::SUBJECT);
/// let check = both(MemoryStore::new(), suspended);
/// assert_eq!(check.required(), Identifiers::TOKEN_ID | Identifiers::SUBJECT);
/// ```
pub fn both<A, B, M, N>(first: A, second: B) -> Both<A::Check, B::Check>
where
    A: IntoRevocation<M>,
    B: IntoRevocation<N>,
{
    Both { first: first.into_check(), second: second.into_check() }
}

/// The check that [`both`] makes.
#[derive(Debug, Clone, Copy)]
pub struct Both<A, B> {
    first: A,
    second: B,
}

impl<A: RevocationCheck, B: RevocationCheck> RevocationCheck for Both<A, B> {
    type Future = BothFuture<A::Future, B::Future>;

    fn required(&self) -> Identifiers {
        self.first.required() | self.second.required()
    }

    fn check(&self, token: &TokenIdentity<'_>) -> Step<Answer, Self::Future> {
        let first = Pending::from(self.first.check(token));
        if let Some(Ok(RevocationStatus::Revoked)) = first.answer {
            return Step::Now(Ok(RevocationStatus::Revoked));
        }
        let second = Pending::from(self.second.check(token));
        match (first.answer, second.answer) {
            (Some(first), Some(second)) => Step::Now(combine(first, second)),
            (_, Some(Ok(RevocationStatus::Revoked))) => Step::Now(Ok(RevocationStatus::Revoked)),
            (first_answer, second_answer) => Step::Later(BothFuture {
                first: first.future,
                second: second.future,
                first_answer,
                second_answer,
            }),
        }
    }
}

fn combine(first: Answer, second: Answer) -> Answer {
    match (first, second) {
        (Ok(RevocationStatus::Revoked), _) | (_, Ok(RevocationStatus::Revoked)) => {
            Ok(RevocationStatus::Revoked)
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
        (Ok(RevocationStatus::Active), Ok(RevocationStatus::Active)) => {
            Ok(RevocationStatus::Active)
        }
    }
}

struct Pending<F> {
    answer: Option<Answer>,
    future: Option<F>,
}

impl<F> From<Step<Answer, F>> for Pending<F> {
    fn from(step: Step<Answer, F>) -> Self {
        match step {
            Step::Now(answer) => Self { answer: Some(answer), future: None },
            Step::Later(future) => Self { answer: None, future: Some(future) },
        }
    }
}

pin_project! {
    /// The future of [`Both`].
    pub struct BothFuture<A, B> {
        #[pin]
        first: Option<A>,
        #[pin]
        second: Option<B>,
        first_answer: Option<Answer>,
        second_answer: Option<Answer>,
    }
}

impl<A, B> Future for BothFuture<A, B>
where
    A: Future<Output = Answer>,
    B: Future<Output = Answer>,
{
    type Output = Answer;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer> {
        let mut this = self.project();
        let first = advance(this.first.as_mut(), this.first_answer, cx);
        if let Poll::Ready(true) = first {
            return Poll::Ready(Ok(RevocationStatus::Revoked));
        }
        let second = advance(this.second.as_mut(), this.second_answer, cx);
        if let Poll::Ready(true) = second {
            return Poll::Ready(Ok(RevocationStatus::Revoked));
        }
        ready!(first);
        ready!(second);
        Poll::Ready(match (this.first_answer.take(), this.second_answer.take()) {
            (Some(first), Some(second)) => combine(first, second),
            _ => Err(StoreError::unavailable("polled after it was done")),
        })
    }
}

/// Polls what has not answered yet; ready with whether it revokes.
fn advance<F: Future<Output = Answer>>(
    mut future: Pin<&mut Option<F>>,
    answer: &mut Option<Answer>,
    cx: &mut Context<'_>,
) -> Poll<bool> {
    if let Some(pending) = future.as_mut().as_pin_mut() {
        *answer = Some(ready!(pending.poll(cx)));
        future.set(None);
    }
    Poll::Ready(matches!(answer, Some(Ok(RevocationStatus::Revoked))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::revocation::{BoxCheckFuture, BoxRevocationCheck, check_async_fn, check_fn};
    use futures_util::FutureExt;
    use std::future::{pending, ready as done};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn of(says: &'static str, now: bool) -> BoxRevocationCheck {
        struct Fixed(&'static str, bool);
        impl RevocationCheck for Fixed {
            type Future = BoxCheckFuture;
            fn required(&self) -> Identifiers {
                Identifiers::NONE
            }
            fn check(&self, _: &TokenIdentity<'_>) -> Step<Answer, Self::Future> {
                let answer = match self.0 {
                    "active" => Ok(RevocationStatus::Active),
                    "revoked" => Ok(RevocationStatus::Revoked),
                    "never" => return Step::Later(Box::pin(pending())),
                    error => Err(StoreError::unavailable(error)),
                };
                if self.1 { Step::Now(answer) } else { Step::Later(Box::pin(done(answer))) }
            }
        }
        BoxRevocationCheck::new(Fixed(says, now))
    }

    fn ask(check: &impl RevocationCheck) -> String {
        let answer = match check.check(&TokenIdentity::new()) {
            Step::Now(answer) => Some(answer),
            Step::Later(future) => future.now_or_never(),
        };
        match answer {
            None => "never".into(),
            Some(Ok(RevocationStatus::Active)) => "active".into(),
            Some(Ok(RevocationStatus::Revoked)) => "revoked".into(),
            Some(Err(error)) => std::error::Error::source(&error).unwrap().to_string(),
        }
    }

    #[test]
    fn the_table_holds_now_and_later() {
        let table = [
            ("active", "active", "active"),
            ("active", "e2", "e2"),
            ("e1", "active", "e1"),
            ("e1", "e2", "e1"),
            ("revoked", "active", "revoked"),
            ("active", "revoked", "revoked"),
            ("revoked", "e2", "revoked"),
            ("e1", "revoked", "revoked"),
            ("revoked", "never", "revoked"),
            ("never", "revoked", "revoked"),
            ("never", "active", "never"),
            ("e1", "never", "never"),
        ];
        for (first, second, expected) in table {
            for (now1, now2) in [(true, true), (true, false), (false, true), (false, false)] {
                let check = both(of(first, now1), of(second, now2));
                assert_eq!(ask(&check), expected, "{first} {now1}, {second} {now2}");
            }
        }
    }

    #[test]
    fn the_second_is_not_asked_when_the_first_revokes_at_once() {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let second = check_async_fn(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            done(Ok(RevocationStatus::Active))
        });
        let check = both(check_fn(|_| RevocationStatus::Revoked), second);
        assert_eq!(ask(&check), "revoked");
        assert_eq!(asked.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn polled_again_it_fails_closed() {
        let check = both(of("active", false), of("active", false));
        let Step::Later(mut future) = check.check(&TokenIdentity::new()) else {
            panic!("both wait");
        };
        assert!((&mut future).now_or_never().unwrap().is_ok());
        assert!((&mut future).now_or_never().unwrap().is_err());
    }
}
