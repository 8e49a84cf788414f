use std::net::{IpAddr, Ipv4Addr};

use poem::{Addr, FromRequest, Request, RequestBody};

use super::app::App;

/// The network address of the client of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct ClientAddress(pub(super) IpAddr);

impl<'a> FromRequest<'a> for ClientAddress {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        let peer = match request.remote_addr().0 {
            Addr::SocketAddr(address) => address.ip(),
            // The service listens on TCP only.
            _ => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        };
        let trusted = request.data::<App>().map(App::trusted_proxies);
        Ok(Self(
            trusted.map_or(peer, |trusted| trusted.client(peer, request.headers())),
        ))
    }
}
