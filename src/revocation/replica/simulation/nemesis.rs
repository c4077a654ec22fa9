//! What befalls the servers.

use std::time::Duration;

use super::Time;
use super::cloud::{Cloud, Data, Role};

/// Whether something may be lost.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Faults {
    Harmless,
    All,
}

/// Lets something happen now and then, and tells whether it did. `older` is a state that the primary
/// once had.
pub(super) fn strike(cloud: &mut Cloud, time: &Time, faults: Faults, older: &mut Data) -> bool {
    let primary = cloud.primary();
    // Replication, which lags.
    if let Some(primary) = primary
        && time.once_in(8)
    {
        let data = cloud.servers[primary].data.clone();
        let other = &mut cloud.servers[1 - primary];
        if other.role == Role::Replica {
            other.data = data;
        }
    }
    if let Some(primary) = primary
        && time.once_in(300)
    {
        *older = cloud.servers[primary].data.clone();
    }
    if !time.once_in(60) {
        return false;
    }
    let Some(primary) = primary else { return false };
    let other = 1 - primary;
    match time.below(12) {
        0 => {
            let log = &mut cloud.servers[primary].data.log;
            let cut = time.below(log.len() as u64 + 1) as usize;
            log.drain(..cut);
            cloud.cut = time.elapsed();
        }
        1 => {
            cloud.servers[primary].data.log.clear();
            cloud.cut = time.elapsed();
        }
        2 | 3 => {
            let server = &mut cloud.servers[time.below(2) as usize];
            server.frozen = !server.frozen;
        }
        4 => cloud.address = time.below(2) as usize,
        5 | 6 => cloud.address = primary,
        // The old one comes back as a replica.
        7 if cloud.servers[other].role != Role::Replica => {
            cloud.servers[other].role = Role::Replica;
            cloud.servers[other].data = cloud.servers[primary].data.clone();
        }
        8 | 9 if cloud.servers[other].role == Role::Replica => {
            if faults == Faults::Harmless || time.once_in(3) {
                cloud.servers[other].data = cloud.servers[primary].data.clone();
            }
            let roles = [Role::Isolated, Role::Replica, Role::Down];
            let old = &mut cloud.servers[primary];
            old.role = roles[time.below(3) as usize];
            if faults == Faults::All {
                old.takes_until = time.elapsed() + Duration::from_millis(time.below(500));
            }
            cloud.servers[other].role = Role::Primary;
            if time.once_in(2) {
                cloud.address = other;
            }
        }
        10 if faults == Faults::All => match time.below(6) {
            0 => cloud.servers[primary].data = Data::default(),
            1 | 2 => cloud.servers[primary].data = older.clone(),
            3 => {
                let server = &mut cloud.servers[primary];
                server.evicts = !server.evicts;
                // The entries and where the log stands are one thing, and go together.
                if server.evicts {
                    server.data.lose_all_but_the_log();
                }
            }
            _ => {}
        },
        11 => cloud.servers[other].ahead = time.below(2000),
        _ => {}
    }
    true
}

/// All is well from now on.
pub(super) fn heal(cloud: &mut Cloud) {
    let primary = cloud.primary().unwrap_or(cloud.address);
    cloud.address = primary;
    cloud.calm = true;
    for server in &mut cloud.servers {
        (server.frozen, server.evicts) = (false, false);
        if server.role != Role::Primary {
            server.role = Role::Replica;
        }
    }
    cloud.servers[primary].role = Role::Primary;
}
