//! Sessions in Redis: [`SessionStore`](crate::issuer::session::SessionStore) for
//! [`RedisStore`](super::RedisStore).

mod layout;
mod step;
mod store;

pub(in crate::redis_store) use self::store::script;
