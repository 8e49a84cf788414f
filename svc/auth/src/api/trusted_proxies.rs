use std::{net::IpAddr, sync::Arc};

use ipnet::IpNet;
use poem::http::HeaderMap;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The networks of proxies whose `X-Forwarded-For` is trusted.
#[derive(Clone, Debug, Default)]
pub(super) struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    /// Trusts the proxies in these networks.
    pub(super) fn new(networks: impl Into<Arc<[IpNet]>>) -> Self {
        Self(networks.into())
    }

    /// Returns the peer of the first trusted proxy. Any client can write the entries further left in `X-Forwarded-For`.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer;
        // Bytes: an unreadable entry of the client does not hide what the proxies wrote beside it.
        let lines = headers.get_all(FORWARDED_FOR).into_iter();
        let hops = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
        let hops = hops.collect::<Vec<_>>();
        for hop in hops.into_iter().rev() {
            if !self.is_trusted(client) {
                break;
            }
            let hop = str::from_utf8(hop)
                .ok()
                .and_then(|hop| hop.trim().parse::<IpAddr>().ok());
            match hop {
                Some(address) => client = address.to_canonical(),
                None => break,
            }
        }
        client
    }

    fn is_trusted(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address.to_canonical()))
    }
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderValue;

    use super::*;

    #[test]
    fn the_client_is_the_peer_of_the_first_trusted_proxy() {
        let proxies = TrustedProxies::new(["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()].to_vec());
        for (peer, forwarded, client) in [
            ("192.0.2.1", &[][..], "192.0.2.1"),
            ("192.0.2.1", &["198.51.100.7"], "192.0.2.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["203.0.113.9", "198.51.100.7,10.0.0.2"], "198.51.100.7"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", &["198.51.100.7, unknown, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["ключ, 198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["203.0.113.9", "ключ"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.9", "ключ, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["::ffff:198.51.100.7"], "198.51.100.7"),
            ("::1", &["2001:db8::1"], "2001:db8::1"),
            ("::ffff:10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
        ] {
            let mut headers = HeaderMap::new();
            for line in forwarded {
                headers.append(FORWARDED_FOR, HeaderValue::from_bytes(line.as_bytes()).unwrap());
            }
            let found = proxies.client(peer.parse().unwrap(), &headers);
            assert_eq!(found, client.parse::<IpAddr>().unwrap(), "{peer} {forwarded:?}");
        }
    }
}
