//! Sessions in Redis: [`RefreshStore`](crate::issuer::refresh::RefreshStore) for [`RedisStore`](super::RedisStore).

mod layout;
mod scripts;
mod store;

pub(in crate::redis_store) use self::scripts::Scripts;
pub(in crate::redis_store) use self::store::Ended;
