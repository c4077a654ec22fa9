//! [`TrustedPeers`]: who is believed about what a client sent.

use std::fmt;
use std::sync::Arc;

use crate::head::RequestHead;

type Trusts = dyn Fn(&RequestHead<'_>) -> bool + Send + Sync;

/// Which peers are proxies of ours: whom to believe about a client's certificate, or about the URL that
/// it asked for. Anybody else can send the same header fields.
///
/// ```
/// use std::net::{IpAddr, SocketAddr};
/// use tower_bearer::bound::TrustedPeers;
///
/// # #[derive(Clone)] struct ConnectInfo<T>(T);
/// // With axum: `into_make_service_with_connect_info::<SocketAddr>()`.
/// let proxy: IpAddr = "10.0.0.7".parse()?;
/// let peers = TrustedPeers::when(move |head| {
///     let peer = head.extensions().get::<ConnectInfo<SocketAddr>>();
///     peer.is_some_and(|peer| peer.0.ip() == proxy)
/// });
/// # let _ = peers;
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone)]
pub struct TrustedPeers(Arc<Trusts>);

impl TrustedPeers {
    /// Those for whose requests this holds, told by what the server attached to them. It must not look
    /// at header fields, which anybody can send; and it must neither block nor panic.
    pub fn when(trusts: impl Fn(&RequestHead<'_>) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(trusts))
    }

    /// Everybody, because nobody but proxies of ours can connect: on a socket in the file system, in a
    /// pod beside its sidecar. The proxy has to remove the header fields from what clients send.
    #[must_use]
    pub fn since_only_proxies_connect() -> Self {
        Self::when(|_| true)
    }

    pub(super) fn trust(&self, head: &RequestHead<'_>) -> bool {
        head.is_request() && (self.0)(head)
    }
}

impl fmt::Debug for TrustedPeers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TrustedPeers")
    }
}
