//! The store: what the scripts are given, and what their answers mean.

use std::time::Duration;

use ::redis::{RedisResult, Script, ScriptInvocation};

use super::layout::{
    Answer, Told, VALUES, hash_text, moment_text, scope_text, session, session_id,
};
use crate::clock::UnixTime;
use crate::issuer::refresh::{
    MOST_SUCCESSORS, NewFamily, RefreshStore, Rotate, RotateOutcome, Session, SessionId, SubjectKey,
};
use crate::redis_store::RedisStore;
use crate::redis_store::connection::{other_layout, store_error};
use crate::redis_store::source::Link;
use crate::revocation::replica::LogEntry;
use crate::revocation::{Revocation, StoreError};

/// How often the sessions of a subject are asked for while others begin.
const TRIES: usize = 32;

/// What became of a family that was to end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::redis_store) enum Ended {
    /// There is none, or it is another subject's. Nothing was revoked.
    Unchanged,
    /// It was live.
    Live,
    /// It had expired, or was to end before.
    Expired,
}

impl Ended {
    fn read(word: &[u8]) -> RedisResult<Self> {
        match word {
            b"unchanged" => Ok(Self::Unchanged),
            b"live" => Ok(Self::Live),
            b"expired" => Ok(Self::Expired),
            _ => Err(other_layout()),
        }
    }
}

/// The word that an answer begins with, and the rest.
fn split(answer: &Answer) -> RedisResult<(&[u8], &[Told])> {
    match answer.split_first() {
        Some((Some(word), rest)) => Ok((word, rest)),
        _ => Err(other_layout()),
    }
}

/// The name of a session's revocation.
fn revocation(id: &SessionId) -> String {
    LogEntry::from(&Revocation::session(id.as_str(), UnixTime::EPOCH)).name().to_string()
}

impl RedisStore {
    /// Begins to call a script that ends sessions in this partition.
    fn ending<'a>(
        &self,
        script: &'a Script,
        partition: &str,
        revoke_until: UnixTime,
    ) -> ScriptInvocation<'a> {
        let entry = LogEntry::from(&Revocation::session("", revoke_until));
        let mut script = self.revoking(script);
        script.key(self.keys().index(partition));
        self.entry_args(&entry).into_iter().skip(1).for_each(|text| {
            script.arg(text);
        });
        script
    }

    /// Begins to call a script that ends this session, or may have to.
    fn ending_one<'a>(
        &self,
        script: &'a Script,
        id: &SessionId,
        revoke_until: UnixTime,
    ) -> ScriptInvocation<'a> {
        let mut script = self.ending(script, id.partition(), revoke_until);
        script.key(self.keys().family(id)).arg(id.as_str()).arg(revocation(id));
        script
    }

    /// Ends a family, and tells more than whether it was live.
    pub(in crate::redis_store) async fn end_one(
        &self,
        id: &SessionId,
        subject: Option<&SubjectKey>,
        now: UnixTime,
        revoke_until: UnixTime,
    ) -> Result<Ended, StoreError> {
        let mut script = self.ending_one(&self.scripts().end_family, id, revoke_until);
        script.arg(moment_text(now)).arg(u8::from(subject.is_some()));
        script.arg(subject.map_or("", SubjectKey::as_str));
        let answer: Answer = self.invoke(&script).await?;
        split(&answer).and_then(|(word, _)| Ended::read(word)).map_err(store_error)
    }

    /// Ends the families of a subject, and tells of each whether it was live.
    pub(in crate::redis_store) async fn end_many(
        &self,
        subject: &SubjectKey,
        except: Option<&SessionId>,
        now: UnixTime,
        revoke_until: UnixTime,
    ) -> Result<Vec<(SessionId, Ended)>, StoreError> {
        let partition = subject.partition();
        let answer = self
            .with_ids(|ids| {
                let script = &self.scripts().end_subject;
                let mut script = self.ending(script, partition, revoke_until);
                script.arg(subject.as_str()).arg(moment_text(now));
                for id in ids {
                    script.key(self.keys().family(id));
                    script.arg(id.as_str()).arg(revocation(id)).arg(u8::from(Some(id) == except));
                }
                script
            })
            .await?;
        let ended = answer.chunks(2).map(|pair| match pair {
            [id, Some(word)] => Ok((session_id(id.as_deref())?, Ended::read(word)?)),
            _ => Err(other_layout()),
        });
        ended.collect::<RedisResult<_>>().map_err(store_error)
    }

    /// Calls a script that has to be given all ids in an index, because its keys must be known
    /// beforehand. If it finds others it does nothing and names them, and is called again: at most
    /// [`TRIES`] times, and within the timeout of one call.
    async fn with_ids<'a>(
        &self,
        script: impl Fn(&[SessionId]) -> ScriptInvocation<'a>,
    ) -> Result<Answer, StoreError> {
        let script = &script;
        let run = |mut link: Link| async move {
            let mut ids = Vec::new();
            for _ in 0..TRIES {
                let invocation = script(&ids);
                let mut answer: Answer = invocation.invoke_async(&mut link).await?;
                match split(&answer)?.0 {
                    b"done" => {
                        answer.remove(0);
                        return Ok(Some(answer));
                    }
                    b"changed" => {
                        let found = answer.iter().skip(1);
                        ids =
                            found.map(|id| session_id(id.as_deref())).collect::<Result<_, _>>()?;
                    }
                    _ => return Err(other_layout()),
                }
            }
            Ok(None)
        };
        let answer = self.connection().run(run).await?;
        answer.ok_or_else(|| StoreError::unavailable("too many sessions of the subject begin"))
    }
}

impl RefreshStore for RedisStore {
    async fn create(&self, family: &NewFamily, now: UnixTime) -> Result<(), StoreError> {
        let NewFamily { session, first } = family;
        let subject = &session.subject;
        if session.id.partition() != subject.partition() {
            return Err(StoreError::unavailable("the session's id is not of its subject"));
        }
        let mut script = self.scripts().create.prepare_invoke();
        script.key(self.keys().family(&session.id)).key(self.keys().index(subject.partition()));
        script.arg(session.id.as_str()).arg(subject.as_str()).arg(&*session.client_id);
        script.arg(scope_text(&session.scope).map_err(store_error)?);
        script.arg(u8::from(session.device.is_some()));
        script.arg(session.device.as_deref().unwrap_or_default());
        let moments =
            [session.created_at, session.last_used_at, session.idle_until, session.expires_at];
        for moment in moments {
            script.arg(moment_text(moment));
        }
        script.arg(session.generation).arg(hash_text(first)).arg(moment_text(now));
        let answer: Answer = self.invoke(&script).await?;
        match split(&answer).map_err(store_error)?.0 {
            b"created" => Ok(()),
            b"exists" => Err(StoreError::unavailable("there is a session of this id")),
            _ => Err(store_error(other_layout())),
        }
    }

    async fn rotate(&self, request: &Rotate) -> Result<RotateOutcome, StoreError> {
        let rotate = &self.scripts().rotate;
        let mut script = self.ending_one(rotate, &request.family, request.revoke_until);
        script.arg(hash_text(&request.presented)).arg(hash_text(&request.successor));
        script.arg(&*request.client_id);
        script.arg(moment_text(request.now)).arg(moment_text(request.idle_until));
        let (from, to) = window(request);
        script.arg(from).arg(to).arg(MOST_SUCCESSORS);
        for scope in &request.scope {
            script.arg(&**scope);
        }
        let answer: Answer = self.invoke(&script).await?;
        outcome(request, &answer).map_err(store_error)
    }

    async fn end_family(
        &self,
        id: &SessionId,
        subject: Option<&SubjectKey>,
        now: UnixTime,
        revoke_until: UnixTime,
    ) -> Result<bool, StoreError> {
        Ok(self.end_one(id, subject, now, revoke_until).await? == Ended::Live)
    }

    async fn end_subject(
        &self,
        subject: &SubjectKey,
        except: Option<&SessionId>,
        now: UnixTime,
        revoke_until: UnixTime,
    ) -> Result<Vec<SessionId>, StoreError> {
        let ended = self.end_many(subject, except, now, revoke_until).await?;
        let live = ended.into_iter().filter(|(_, ended)| *ended == Ended::Live);
        Ok(live.map(|(id, _)| id).collect())
    }

    async fn families(
        &self,
        subject: &SubjectKey,
        now: UnixTime,
    ) -> Result<Vec<Session>, StoreError> {
        let answer = self
            .with_ids(|ids| {
                let mut script = self.scripts().families.prepare_invoke();
                script.key(self.keys().index(subject.partition()));
                script.arg(subject.as_str()).arg(moment_text(now));
                for id in ids {
                    script.key(self.keys().family(id)).arg(id.as_str());
                }
                script
            })
            .await?;
        let sessions = answer.chunks(1 + VALUES).map(|told| match told.split_first() {
            Some((id, values)) => session(session_id(id.as_deref())?, values),
            None => Err(other_layout()),
        });
        sessions.collect::<RedisResult<_>>().map_err(store_error)
    }
}

/// The first and the last moment of a rotation that this request is in the grace window of: those
/// that are less than `grace` away. Empty if there are none.
fn window(request: &Rotate) -> (String, String) {
    let Some(reach) = request.grace.checked_sub(Duration::from_nanos(1)) else {
        return Default::default();
    };
    let now = request.now;
    (moment_text(now.saturating_sub(reach)), moment_text(now.saturating_add(reach)))
}

fn outcome(request: &Rotate, answer: &Answer) -> RedisResult<RotateOutcome> {
    let (word, values) = split(answer)?;
    let told = || session(request.family.clone(), values);
    Ok(match word {
        b"Rotated" => RotateOutcome::Rotated(told()?),
        b"Retried" => RotateOutcome::Retried(told()?),
        b"Reused" => RotateOutcome::Reused(told()?),
        b"Crowded" => RotateOutcome::Crowded,
        b"Expired" => RotateOutcome::Expired,
        b"Unknown" => RotateOutcome::Unknown,
        b"WrongClient" => RotateOutcome::WrongClient,
        b"ScopeTooWide" => RotateOutcome::ScopeTooWide,
        _ => return Err(other_layout()),
    })
}
