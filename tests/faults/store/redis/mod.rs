//! Redis: a primary and a replica, real processes, behind an address that can move.

mod driver;
mod server;

pub use self::driver::Redis;
