//! [`BoxSessionStore`]: a store of any type.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use super::id::{IndexKey, SessionId};
use super::store::{Commit, Committed, Page, SessionStore, StoredSession};
use crate::clock::UnixTime;
use crate::revocation::{
    Identifiers, Revocation, RevocationStatus, RevocationStore, TokenIdentity,
};
use crate::store::StoreError;

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// [`SessionStore`] and [`RevocationStore`] in one, with boxed futures. What is known at once is not
/// boxed.
trait DynStore: Send + Sync {
    fn load<'a>(&'a self, id: &'a SessionId, now: UnixTime)
    -> BoxFuture<'a, Option<StoredSession>>;
    fn commit<'a>(&'a self, step: &'a Commit) -> BoxFuture<'a, Committed>;
    fn list<'a>(
        &'a self,
        index: &'a IndexKey,
        after: Option<&'a SessionId>,
        now: UnixTime,
    ) -> BoxFuture<'a, Page>;
    fn required(&self) -> Identifiers;
    fn known(&self, token: &TokenIdentity<'_>) -> Option<Result<RevocationStatus, StoreError>>;
    fn status<'a>(&'a self, token: &'a TokenIdentity<'a>) -> BoxFuture<'a, RevocationStatus>;
    fn revoke<'a>(&'a self, revocation: &'a Revocation) -> BoxFuture<'a, ()>;
}

impl<S: SessionStore + RevocationStore> DynStore for S {
    fn load<'a>(
        &'a self,
        id: &'a SessionId,
        now: UnixTime,
    ) -> BoxFuture<'a, Option<StoredSession>> {
        Box::pin(SessionStore::load(self, id, now))
    }

    fn commit<'a>(&'a self, step: &'a Commit) -> BoxFuture<'a, Committed> {
        Box::pin(SessionStore::commit(self, step))
    }

    fn list<'a>(
        &'a self,
        index: &'a IndexKey,
        after: Option<&'a SessionId>,
        now: UnixTime,
    ) -> BoxFuture<'a, Page> {
        Box::pin(SessionStore::list(self, index, after, now))
    }

    fn required(&self) -> Identifiers {
        self.required_identifiers()
    }

    fn known(&self, token: &TokenIdentity<'_>) -> Option<Result<RevocationStatus, StoreError>> {
        RevocationStore::known(self, token)
    }

    fn status<'a>(&'a self, token: &'a TokenIdentity<'a>) -> BoxFuture<'a, RevocationStatus> {
        Box::pin(RevocationStore::status(self, token))
    }

    fn revoke<'a>(&'a self, revocation: &'a Revocation) -> BoxFuture<'a, ()> {
        Box::pin(RevocationStore::revoke(self, revocation))
    }
}

/// A store of sessions of any type, chosen at run time; and the layer's check of its revocations. A
/// clone is a handle on the same.
///
/// ```
/// use tower_bearer::issuer::session::{BoxSessionStore, MemorySessionStore};
///
/// # fn choose(redis: Option<BoxSessionStore>) -> BoxSessionStore {
/// let store = match redis {
///     Some(replica) => replica, // BoxSessionStore::new(replica)
///     None => BoxSessionStore::new(MemorySessionStore::new()),
/// };
/// # store }
/// # choose(None);
/// // Sessions::builder(issuer, store.clone()) and AuthLayer::new(verifier).revocation(store)
/// ```
#[derive(Clone)]
pub struct BoxSessionStore(Arc<dyn DynStore>);

impl BoxSessionStore {
    /// Erases the type of a store. What it knows at once it is asked without a box.
    pub fn new(store: impl SessionStore + RevocationStore) -> Self {
        Self(Arc::new(store))
    }
}

impl SessionStore for BoxSessionStore {
    async fn load(
        &self,
        id: &SessionId,
        now: UnixTime,
    ) -> Result<Option<StoredSession>, StoreError> {
        self.0.load(id, now).await
    }

    async fn commit(&self, step: &Commit) -> Result<Committed, StoreError> {
        self.0.commit(step).await
    }

    async fn list(
        &self,
        index: &IndexKey,
        after: Option<&SessionId>,
        now: UnixTime,
    ) -> Result<Page, StoreError> {
        self.0.list(index, after, now).await
    }
}

impl RevocationStore for BoxSessionStore {
    fn required_identifiers(&self) -> Identifiers {
        self.0.required()
    }

    fn known(&self, token: &TokenIdentity<'_>) -> Option<Result<RevocationStatus, StoreError>> {
        self.0.known(token)
    }

    async fn status(&self, token: &TokenIdentity<'_>) -> Result<RevocationStatus, StoreError> {
        self.0.status(token).await
    }

    async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        self.0.revoke(revocation).await
    }
}

impl fmt::Debug for BoxSessionStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxSessionStore").finish_non_exhaustive()
    }
}
