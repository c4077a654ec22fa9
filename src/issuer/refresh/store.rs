//! [`RefreshStore`]: where the families of refresh tokens are kept, and the state machine that every
//! store runs.

use std::sync::Arc;

use super::family::{Session, SessionId, SubjectKey};
use super::transition::{NewFamily, Rotate, RotateOutcome};
use crate::clock::UnixTime;
use crate::revocation::{RevocationStore, StoreError};

/// A place where the families of refresh tokens are kept. Write plain `async fn`.
///
/// A family is one session: the refresh tokens that came of one login, one after the other. Its id
/// is the `sid` of its access tokens, which is why a store of families is a store of revocations:
/// **ending a family revokes its session id**, so its access tokens die with it.
///
/// # The state machine
///
/// | state | meaning |
/// |---|---|
/// | absent | never created, ended or forgotten |
/// | live | can be refreshed |
/// | expired | live, but `now` has reached [`idle_until`](Session::idle_until) or [`expires_at`](Session::expires_at); may be removed at any time |
/// | ending | was to end, and its revocation is not yet known to be in force. A store that revokes and ends in one step that cannot fail by half does not have this state |
///
/// [`rotate`](Self::rotate) of a live family. The first line that fits holds:
///
/// | the presented hash is | and | outcome | next state |
/// |---|---|---|---|
/// | neither a current one nor the predecessor | | [`Reused`](RotateOutcome::Reused) | session revoked, absent |
/// | the predecessor | `now` and `rotated_at` are `grace` or more apart | [`Reused`](RotateOutcome::Reused) | session revoked, absent |
/// | current or predecessor | of another client | [`WrongClient`](RotateOutcome::WrongClient) | unchanged |
/// | current or predecessor | a scope was asked for that was not granted | [`ScopeTooWide`](RotateOutcome::ScopeTooWide) | unchanged |
/// | the predecessor | there are [`MOST_SUCCESSORS`](super::MOST_SUCCESSORS) current hashes | [`Crowded`](RotateOutcome::Crowded) | unchanged |
/// | the predecessor | | [`Retried`](RotateOutcome::Retried) | live: the successor **joins** the current hashes; generation, predecessor and `rotated_at` stay: the window does not move |
/// | current | | [`Rotated`](RotateOutcome::Rotated) | live: it becomes the predecessor, the successor is the one current hash, the other current hashes are forgotten, `rotated_at = now`, generation + 1 |
///
/// Every other event:
///
/// | event | absent | live | expired | ending |
/// |---|---|---|---|---|
/// | `create` | live | [`StoreError`] | [`StoreError`] | [`StoreError`] |
/// | `rotate` | [`Unknown`](RotateOutcome::Unknown), absent | above | [`Expired`](RotateOutcome::Expired), expired or absent | revoked, `Reused`, absent |
/// | `end_family` | `false`, **nothing is revoked** | revoked, `true`, absent | revoked, `false`, absent | revoked, `false`, absent |
/// | `end_subject` | | revoked, listed, absent | revoked, absent | revoked, absent |
/// | `families` | | listed | not listed | not listed |
/// | revoking fails | [`StoreError`] | of `rotate`: [`StoreError`], ending. Else [`StoreError`], unchanged or ending | [`StoreError`] | [`StoreError`], ending |
///
/// `Rotated` and `Retried` also set [`last_used_at`](Session::last_used_at) to the later of itself
/// and `now`, and [`idle_until`](Session::idle_until) to the later of itself and
/// [`Rotate::idle_until`], but never past `expires_at`, which never changes.
///
/// [`Family::rotate`](super::Family::rotate) is this table as code, for stores that decide in Rust.
///
/// # Rules
///
/// 1. Every method is **one atomic step**. Of any number of concurrent calls each sees the state
///    that another left, as if they had come one after the other.
/// 2. Time is `now` of the request, never the store's own: two nodes and a test agree. Moments are in
///    whole milliseconds and are kept as they are.
/// 3. Revocation comes **first**, or in the same step: there is no moment, not after a crash either,
///    at which a family is gone and its access tokens live on. It is
///    [`Revocation::session`](crate::revocation::Revocation::session) of the family's id, kept
///    until the request's `revoke_until`.
/// 4. Only hashes are kept. The store never sees a token.
/// 5. Whatever is kept is removed by itself, soon after `expires_at` at the latest.
/// 6. Every wait has a bound that the store sets itself, and what cannot be told is an error. An
///    error may mean that the step was taken and its answer lost.
/// 7. All sessions of one subject share [`SessionId::partition`], which is also
///    [`SubjectKey::partition`]: a store that is spread over several machines can keep them in one
///    place and so take `end_subject` in one step.
///
/// `testing::refresh::conformance` (features `issuer` and `testing`) tests a store for these rules.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not store refresh tokens",
    note = "implement `RefreshStore` with plain `async fn`s, or use `MemoryRefreshStore`"
)]
pub trait RefreshStore: RevocationStore {
    /// Begins a family.
    ///
    /// # Errors
    ///
    /// If it may not be kept: the store is out of reach or full, or there is a family of this id.
    fn create(
        &self,
        family: &NewFamily,
        now: UnixTime,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Spends the presented token and puts its successor in its place, or says why not.
    ///
    /// # Errors
    ///
    /// If that cannot be decided at present, or the family was to end and could not be revoked.
    fn rotate(
        &self,
        request: &Rotate,
    ) -> impl Future<Output = Result<RotateOutcome, StoreError>> + Send;

    /// Ends one family and revokes its session id. `subject`, if given, must be the family's own:
    /// else it is left as it is, and the answer is `false`.
    ///
    /// If there is no such family nothing is kept: anyone can make up ids, and must not be able to
    /// fill the store with them.
    ///
    /// Answers whether a live family ended.
    ///
    /// # Errors
    ///
    /// If it may not have ended, or its session id may not be revoked.
    fn end_family(
        &self,
        id: &SessionId,
        subject: Option<&SubjectKey>,
        now: UnixTime,
        revoke_until: UnixTime,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Ends all families of a subject, except one if given, and revokes their session ids. Answers
    /// those that were live, in any order.
    ///
    /// # Errors
    ///
    /// If any of them may not have ended.
    fn end_subject(
        &self,
        subject: &SubjectKey,
        except: Option<&SessionId>,
        now: UnixTime,
        revoke_until: UnixTime,
    ) -> impl Future<Output = Result<Vec<SessionId>, StoreError>> + Send;

    /// The live families of a subject, in any order.
    ///
    /// # Errors
    ///
    /// If they cannot be told at present.
    fn families(
        &self,
        subject: &SubjectKey,
        now: UnixTime,
    ) -> impl Future<Output = Result<Vec<Session>, StoreError>> + Send;
}

impl<S: RefreshStore> RefreshStore for Arc<S> {
    fn create(
        &self,
        family: &NewFamily,
        now: UnixTime,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        (**self).create(family, now)
    }

    fn rotate(
        &self,
        request: &Rotate,
    ) -> impl Future<Output = Result<RotateOutcome, StoreError>> + Send {
        (**self).rotate(request)
    }

    fn end_family(
        &self,
        id: &SessionId,
        subject: Option<&SubjectKey>,
        now: UnixTime,
        revoke_until: UnixTime,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send {
        (**self).end_family(id, subject, now, revoke_until)
    }

    fn end_subject(
        &self,
        subject: &SubjectKey,
        except: Option<&SessionId>,
        now: UnixTime,
        revoke_until: UnixTime,
    ) -> impl Future<Output = Result<Vec<SessionId>, StoreError>> + Send {
        (**self).end_subject(subject, except, now, revoke_until)
    }

    fn families(
        &self,
        subject: &SubjectKey,
        now: UnixTime,
    ) -> impl Future<Output = Result<Vec<Session>, StoreError>> + Send {
        (**self).families(subject, now)
    }
}
