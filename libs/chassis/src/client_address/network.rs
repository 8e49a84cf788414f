use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

/// A network that clients are counted by: an IPv4 address, or an IPv6 network of 64, 56 or 48 bits.
///
/// Providers assign whole networks of IPv6 to one customer: 64 bits to a phone, 56 or 48 to a house or a company. So a
/// client that is counted by its address alone has 2^64 of them. A client is counted by all [levels](Self::levels), and
/// each wider one, which several customers may share, has a larger [allowance](Self::allowance).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ClientNetwork {
    /// The first address of the network.
    first: IpAddr,
    bits: u8,
}

/// The bits of the levels of IPv6, and how many times the allowance of the narrowest each has.
const IPV6_LEVELS: [(u8, u32); 3] = [(64, 1), (56, 4), (48, 16)];

/// The bits of an IPv4 address.
const IPV4_BITS: u8 = 32;

impl ClientNetwork {
    /// Returns the networks of an address, the narrowest first: one for IPv4, three for IPv6. An IPv4 address in an IPv6
    /// address counts as IPv4.
    pub fn levels(address: IpAddr) -> impl DoubleEndedIterator<Item = Self> + Clone {
        let (ipv4, ipv6) = match address.to_canonical() {
            IpAddr::V4(address) => (Some(address), None),
            IpAddr::V6(address) => (None, Some(address)),
        };
        let ipv4 = ipv4.into_iter().map(|address| Self {
            first: address.into(),
            bits: IPV4_BITS,
        });
        let ipv6 = ipv6.into_iter().flat_map(|address| {
            IPV6_LEVELS.map(|(bits, _)| Self {
                first: prefix(address, bits).into(),
                bits,
            })
        });
        ipv4.chain(ipv6)
    }

    /// Returns the narrowest network of an address.
    pub fn narrowest(address: IpAddr) -> Self {
        match address.to_canonical() {
            ipv4 @ IpAddr::V4(_) => Self {
                first: ipv4,
                bits: IPV4_BITS,
            },
            IpAddr::V6(address) => {
                let [(bits, _), ..] = IPV6_LEVELS;
                Self {
                    first: prefix(address, bits).into(),
                    bits,
                }
            }
        }
    }

    /// Returns the allowance of this network, if a network of the narrowest level has `narrowest`: 1, 4 or 16 times that.
    pub fn allowance(self, narrowest: u32) -> u32 {
        let level = IPV6_LEVELS.iter().find(|(bits, _)| *bits == self.bits);
        narrowest.saturating_mul(level.map_or(1, |(_, times)| *times))
    }
}

/// Returns the first address of the network of so many bits.
fn prefix(address: Ipv6Addr, bits: u8) -> Ipv6Addr {
    let mask = u128::MAX.checked_shl(u32::from(128 - bits)).unwrap_or(0);
    Ipv6Addr::from_bits(address.to_bits() & mask)
}

impl fmt::Display for ClientNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(address: &str) -> Vec<(String, u32)> {
        ClientNetwork::levels(address.parse().unwrap())
            .map(|network| (network.to_string(), network.allowance(10)))
            .collect()
    }

    #[test]
    fn ipv4_is_counted_by_address_and_ipv6_by_three_networks() {
        assert_eq!(levels("192.0.2.7"), [("192.0.2.7/32".to_owned(), 10)]);
        assert_eq!(levels("::ffff:192.0.2.7"), levels("192.0.2.7"));
        assert_eq!(
            levels("2001:db8:1:2345:6789::1"),
            [
                ("2001:db8:1:2345::/64".to_owned(), 10),
                ("2001:db8:1:2300::/56".to_owned(), 40),
                ("2001:db8:1::/48".to_owned(), 160),
            ]
        );
    }

    #[test]
    fn the_narrowest_network_is_the_first_level() {
        for address in ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1", "::", "::1"] {
            let address: IpAddr = address.parse().unwrap();
            let first = ClientNetwork::levels(address).next();
            assert_eq!(first, Some(ClientNetwork::narrowest(address)), "{address}");
        }
    }

    #[test]
    fn neighbours_share_the_wider_networks_only() {
        let shared = |one: &str, other: &str| {
            let others: Vec<_> = ClientNetwork::levels(other.parse().unwrap()).collect();
            ClientNetwork::levels(one.parse().unwrap())
                .filter(|network| others.contains(network))
                .map(|network| network.bits)
                .collect::<Vec<_>>()
        };
        assert_eq!(shared("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff"), [64, 56, 48]);
        assert_eq!(shared("2001:db8::1", "2001:db8:0:1::1"), [56, 48]);
        assert_eq!(shared("2001:db8::1", "2001:db8:0:100::1"), [48]);
        assert_eq!(shared("2001:db8::1", "2001:db8:1::1"), [0_u8; 0]);
        // The IPv4 address 0.0.0.0 and the IPv6 address :: are different clients.
        assert_eq!(shared("0.0.0.0", "::"), [0_u8; 0]);
    }
}
