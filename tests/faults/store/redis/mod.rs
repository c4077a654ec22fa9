//! Redis, real processes: a primary and a replica behind an address that can move; under Sentinel;
//! in a cluster.

mod cluster;
mod driver;
mod sentinel;
mod server;

pub use self::cluster::RedisCluster;
pub use self::driver::Redis;
pub use self::sentinel::RedisSentinel;
