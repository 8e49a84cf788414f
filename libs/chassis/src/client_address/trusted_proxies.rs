use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
    sync::Arc,
};

use ipnet::{IpNet, Ipv4Net};
use poem::http::{HeaderMap, HeaderName};

use crate::list_of;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The setting that declares that there is no proxy.
const NO_PROXY: &str = "none";

/// The addresses and networks of proxies whose `X-Forwarded-For` is trusted; none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    /// `None`: not configured.
    networks: Option<Arc<[IpNet]>>,
}

impl TrustedProxies {
    /// Trusts one proxy.
    pub fn of(proxy: IpAddr) -> Self {
        Self {
            networks: Some([IpNet::from(proxy.to_canonical())].into()),
        }
    }

    /// Whether they are configured, also as `none`.
    pub(crate) const fn is_configured(&self) -> bool {
        self.networks.is_some()
    }

    /// Returns the peer of the first trusted proxy: from the right, the first entry of `X-Forwarded-For` that no trusted
    /// proxy is at. Any client can write the entries further left. An entry that is no address ends the search: the
    /// proxy that passed it on counts as the client.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        // Most peers are no proxies: their header is not looked up.
        if !self.is_trusted(client) {
            return client;
        }
        // Bytes: an unreadable entry of the client does not hide what the proxies wrote beside it.
        let lines = headers.get_all(FORWARDED_FOR).iter().rev();
        let mut hops = lines
            .flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','))
            .map(<[u8]>::trim_ascii)
            .filter(|hop| !hop.is_empty());
        while self.is_trusted(client) {
            match hops.next().and_then(address) {
                Some(hop) => client = hop,
                None => break,
            }
        }
        client
    }

    /// `address` is canonical.
    fn is_trusted(&self, address: IpAddr) -> bool {
        let mut networks = self.networks.iter().flat_map(|networks| networks.iter());
        networks.any(|network| network.contains(&address))
    }
}

/// Parses an entry of `X-Forwarded-For`. Some proxies add the port, or brackets: `192.0.2.1:4711`, `[2001:db8::1]:4711`.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let hop = str::from_utf8(hop).ok()?;
    let bare = hop.strip_prefix('[').and_then(|hop| hop.strip_suffix(']'));
    let address = match bare {
        Some(bare) => bare.parse().map(IpAddr::V6).ok(),
        None => hop.parse().ok(),
    };
    let with_port = || hop.parse::<SocketAddr>().ok().map(|address| address.ip());
    address.or_else(with_port).map(|address| address.to_canonical())
}

impl FromStr for TrustedProxies {
    type Err = String;

    /// Parses addresses and networks that are separated by commas, or `none`. An empty text configures nothing.
    fn from_str(text: &str) -> Result<Self, String> {
        let networks = if text.trim().eq_ignore_ascii_case(NO_PROXY) {
            Some(Vec::new())
        } else {
            Some(list_of(network)(text)?).filter(|networks| !networks.is_empty())
        };
        Ok(Self {
            networks: networks.map(Arc::from),
        })
    }
}

/// Parses a network, or a single address.
fn network(text: &str) -> Result<IpNet, String> {
    let network = IpNet::from_str(text)
        .or_else(|_| text.parse().map(|address: IpAddr| address.into()))
        .map_err(|_| format!("{text}: must be an address, or a network such as 10.0.0.0/28"))?;
    if network.prefix_len() == 0 {
        return Err(format!(
            "{text}: contains every client, which could then claim any address"
        ));
    }
    Ok(canonical(network))
}

/// Returns the IPv4 network that an IPv6 network stands for, because addresses are compared as IPv4 where they can be.
fn canonical(network: IpNet) -> IpNet {
    let mapped = match network {
        IpNet::V6(network) => (network.network().to_ipv4_mapped()).zip(network.prefix_len().checked_sub(96)),
        IpNet::V4(_) => None,
    };
    mapped
        .and_then(|(address, bits)| Ipv4Net::new(address, bits).ok())
        .map_or(network, IpNet::V4)
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderValue;

    use super::*;

    fn client(proxies: &str, peer: &str, forwarded: &[&str]) -> String {
        let proxies: TrustedProxies = proxies.parse().unwrap();
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn the_client_is_the_peer_of_the_first_trusted_proxy() {
        for (peer, forwarded, expected) in [
            ("192.0.2.1", &[][..], "192.0.2.1"),
            ("192.0.2.1", &["198.51.100.7"], "192.0.2.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["203.0.113.9", "198.51.100.7,10.0.0.2"], "198.51.100.7"),
            ("10.0.0.1", &["198.51.100.7", "10.0.0.3", " 10.0.0.2\t"], "198.51.100.7"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("::1", &["2001:db8::1"], "2001:db8::1"),
            ("::ffff:10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            ("::ffff:192.0.2.1", &["198.51.100.7"], "192.0.2.1"),
        ] {
            assert_eq!(
                client("10.0.0.0/8, ::1", peer, forwarded),
                expected,
                "{peer} {forwarded:?}"
            );
        }
    }

    #[test]
    fn ports_brackets_and_empty_entries_are_no_part_of_an_address() {
        for (forwarded, expected) in [
            ("198.51.100.7:4711", "198.51.100.7"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("::ffff:198.51.100.7", "198.51.100.7"),
            ("[::ffff:198.51.100.7]:80", "198.51.100.7"),
            ("198.51.100.7,", "198.51.100.7"),
            (", ,198.51.100.7 , ", "198.51.100.7"),
        ] {
            assert_eq!(client("10.0.0.0/8", "10.0.0.1", &[forwarded]), expected, "{forwarded}");
        }
    }

    #[test]
    fn an_entry_that_is_no_address_hides_nothing_and_is_never_skipped() {
        for (forwarded, expected) in [
            (&["198.51.100.7, unknown, 10.0.0.2"][..], "10.0.0.2"),
            (&["ключ, 198.51.100.7"], "198.51.100.7"),
            (&["203.0.113.9", "ключ"], "10.0.0.1"),
            (&["203.0.113.9", "ключ, 10.0.0.2"], "10.0.0.2"),
            (&["203.0.113.9, 198.51.100.7:port"], "10.0.0.1"),
            (&["203.0.113.9, [198.51.100.7]"], "10.0.0.1"),
            (&["203.0.113.9, [2001:db8::1]x"], "10.0.0.1"),
            (&["203.0.113.9, 198.51.100.007"], "10.0.0.1"),
            (&["203.0.113.9, \"198.51.100.7\""], "10.0.0.1"),
            (&["203.0.113.9, 198.51.100.7 198.51.100.8"], "10.0.0.1"),
            (&["203.0.113.9, 300.1.1.1"], "10.0.0.1"),
        ] {
            assert_eq!(client("10.0.0.0/8", "10.0.0.1", forwarded), expected, "{forwarded:?}");
        }
    }

    #[test]
    fn the_setting_has_addresses_and_networks_and_never_all_of_them() {
        assert_eq!(client("::ffff:10.0.0.0/104", "10.9.9.9", &["192.0.2.1"]), "192.0.2.1");
        assert_eq!(client("10.0.0.5", "10.0.0.6", &["192.0.2.1"]), "10.0.0.6");
        for (none, configured) in [("", false), (" , ", false), ("none", true), (" None\n", true)] {
            assert_eq!(client(none, "127.0.0.1", &["192.0.2.1"]), "127.0.0.1", "{none:?}");
            let proxies = none.parse::<TrustedProxies>().unwrap();
            assert_eq!(proxies.is_configured(), configured, "{none:?}");
        }
        for wrong in [
            "0.0.0.0/0",
            "10.0.0.1,::/0",
            "10.0.0.0/33",
            "ingress",
            "10.0.0.1 10.0.0.2",
            "none,10.0.0.1",
        ] {
            assert!(wrong.parse::<TrustedProxies>().is_err(), "{wrong}");
        }
    }
}
