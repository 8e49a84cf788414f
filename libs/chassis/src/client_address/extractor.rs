use std::net::{IpAddr, Ipv4Addr};

use audit::Author;
use poem::{Addr, FromRequest, Request, RequestBody};
use values::UserId;

use super::{ClientNetwork, TrustedProxies};

/// The network address of the client of a request. An IPv6 address that contains an IPv4 address is the latter.
///
/// An argument of a handler: `client: ClientAddress`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    pub(crate) fn of(request: &Request) -> Self {
        let peer = match request.remote_addr().0 {
            Addr::SocketAddr(address) => address.ip(),
            // The service listens on TCP only.
            _ => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        };
        Self(match request.data::<TrustedProxies>() {
            Some(proxies) => proxies.client(peer, request.headers()),
            None => peer.to_canonical(),
        })
    }

    /// Returns the author of what a user does from here, for the audit log.
    pub fn author(self, user: UserId) -> Author {
        Author {
            actor: user.to_string(),
            network: Some(ClientNetwork::narrowest(self.0).to_string()),
        }
    }

    /// Returns the networks of the client, the narrowest first: see [`ClientNetwork::levels`].
    pub fn networks(self) -> impl DoubleEndedIterator<Item = ClientNetwork> + Clone {
        ClientNetwork::levels(self.0)
    }
}

impl<'a> FromRequest<'a> for ClientAddress {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        Ok(Self::of(request))
    }
}
