//! [`Source`]: how a primary is found; [`Link`]: a connection to it.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ::redis::aio::{ConnectionLike, MultiplexedConnection};
use ::redis::cluster::{ClusterClient, ClusterConfig};
use ::redis::cluster_async::ClusterConnection;
use ::redis::cluster_routing::{Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr};
use ::redis::sentinel::{Sentinel, SentinelNodeConnectionInfo};
use ::redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, Pipeline, RedisFuture, RedisResult, Value,
};

/// Where the primary is found.
pub(super) enum Source {
    /// At one address.
    Single(Client),
    /// By asking sentinels, which know where it is now.
    Sentinel {
        sentinels: Vec<ConnectionInfo>,
        service: Box<str>,
        node: SentinelNodeConnectionInfo,
        next: AtomicUsize,
    },
    /// Whoever owns our slot.
    Cluster(Box<ClusterClient>),
}

/// A connection to the primary: clones share it.
#[derive(Clone)]
pub(super) enum Link {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection, Route),
}

impl Source {
    /// Connects. `key` is any of ours: they are all in one slot. What is sent may take as long as
    /// `response` says.
    pub(super) async fn connect(
        &self,
        key: &str,
        timeout: Duration,
        response: Duration,
    ) -> RedisResult<Link> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(timeout))
            .set_response_timeout(Some(response));
        let single = async |client: &Client| {
            client.get_multiplexed_async_connection_with_config(&config).await.map(Link::Single)
        };
        match self {
            Self::Single(client) => single(client).await,
            Self::Sentinel { sentinels, service, node, next } => {
                // One that hangs must not be the first to be asked every time.
                let mut sentinels = sentinels.clone();
                let first = next.fetch_add(1, Ordering::Relaxed) % sentinels.len().max(1);
                sentinels.rotate_left(first);
                let mut sentinel = Sentinel::build(sentinels)?;
                single(&sentinel.async_master_for(service, Some(node)).await?).await
            }
            Self::Cluster(client) => {
                let config = ClusterConfig::new()
                    .set_connection_timeout(timeout)
                    .set_response_timeout(response);
                let connection = client.get_async_connection_with_config(config).await?;
                Ok(Link::Cluster(connection, Route::new(slot(key), SlotAddr::Master)))
            }
        }
    }

    /// Whether the client sends again, by itself, what got no answer: then a step may have been taken
    /// that is refused because it was taken.
    #[cfg(feature = "issuer")]
    pub(super) const fn sends_again(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    /// Whether connections are encrypted.
    #[cfg(feature = "redis-tls")]
    pub(super) fn is_encrypted(&self) -> bool {
        use ::redis::ConnectionAddr::TcpTls;
        match self {
            Self::Single(client) => {
                matches!(client.get_connection_info().addr(), TcpTls { .. })
            }
            // It is not told of these, and to choose early does no harm.
            Self::Sentinel { .. } | Self::Cluster(_) => true,
        }
    }
}

/// The slot of our keys: of what is in their braces.
fn slot(key: &str) -> u16 {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
    let tag = tag.map_or(key, |(tag, _)| tag);
    // CRC16, as the Redis cluster specification has it.
    let crc = tag.bytes().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    });
    crc % 16384
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Single(_) => "Link::Single",
            Self::Cluster(..) => "Link::Cluster",
        })
    }
}

impl ConnectionLike for Link {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Single(connection) => connection.req_packed_command(command),
            Self::Cluster(connection, route) => {
                let to = RoutingInfo::SingleNode(SingleNodeRoutingInfo::SpecificNode(*route));
                Box::pin(connection.route_command(command.clone(), to))
            }
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        commands: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Single(connection) => connection.req_packed_commands(commands, offset, count),
            Self::Cluster(connection, route) => {
                let to = SingleNodeRoutingInfo::SpecificNode(*route);
                Box::pin(connection.route_pipeline(commands.clone(), offset, count, to))
            }
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Single(connection) => connection.get_db(),
            Self::Cluster(..) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::slot;

    #[test]
    fn the_slot_is_that_of_the_text_in_braces() {
        assert_eq!(slot("123456789"), 0x31C3);
        assert_eq!(slot("{123456789}:revocation:log"), 0x31C3);
        assert_eq!(slot("{tower-bearer}:a"), slot("tower-bearer"));
    }
}
