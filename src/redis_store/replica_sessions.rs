//! Sessions over a [`Replica`]: its store keeps them, and what ends is
//! revoked here at once.

use super::Replica;
use crate::clock::UnixTime;
use crate::issuer::refresh::{
    NewFamily, RefreshStore, Rotate, RotateOutcome, Session, SessionId, SubjectKey,
};
use crate::redis_store::refresh::Ended;
use crate::revocation::replica::{LogEntry, LogId};
use crate::revocation::{Revocation, StoreError};

impl Replica {
    fn session_ended(&self, id: &SessionId, revoke_until: UnixTime) {
        let entry = LogEntry::from(&Revocation::session(id.as_str(), revoke_until));
        self.acknowledged(&[entry], LogId::START);
    }
}

/// Every step is the store's. A session that ended is revoked here once the call has returned, and
/// on other nodes within milliseconds.
impl RefreshStore for Replica {
    async fn create(&self, family: &NewFamily, now: UnixTime) -> Result<(), StoreError> {
        self.store().create(family, now).await
    }

    async fn rotate(&self, request: &Rotate) -> Result<RotateOutcome, StoreError> {
        let outcome = self.store().rotate(request).await?;
        if let RotateOutcome::Reused(_) = outcome {
            self.session_ended(&request.family, request.revoke_until);
        }
        Ok(outcome)
    }

    async fn end_family(
        &self,
        id: &SessionId,
        subject: Option<&SubjectKey>,
        now: UnixTime,
        revoke_until: UnixTime,
    ) -> Result<bool, StoreError> {
        let ended = self.store().end_one(id, subject, now, revoke_until).await?;
        if ended != Ended::Unchanged {
            self.session_ended(id, revoke_until);
        }
        Ok(ended == Ended::Live)
    }

    async fn end_subject(
        &self,
        subject: &SubjectKey,
        except: Option<&SessionId>,
        now: UnixTime,
        revoke_until: UnixTime,
    ) -> Result<Vec<SessionId>, StoreError> {
        let mut live = Vec::new();
        for (id, ended) in self.store().end_many(subject, except, now, revoke_until).await? {
            self.session_ended(&id, revoke_until);
            if ended == Ended::Live {
                live.push(id);
            }
        }
        Ok(live)
    }

    async fn families(
        &self,
        subject: &SubjectKey,
        now: UnixTime,
    ) -> Result<Vec<Session>, StoreError> {
        self.store().families(subject, now).await
    }
}
