use std::{fmt, net::Ipv6Addr};

/// The address on which an instance of a service listens.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Address {
    /// An IP address or a host name.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Formatted as in a URL: `10.0.0.7:4001`, `[2001:db8::7]:4001`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.parse::<Ipv6Addr>().is_ok() {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_address_is_bracketed() {
        let formatted = |host: &str| {
            Address {
                host: host.to_owned(),
                port: 1,
            }
            .to_string()
        };
        assert_eq!(formatted("2001:db8::7"), "[2001:db8::7]:1");
        assert_eq!(formatted("10.0.0.7"), "10.0.0.7:1");
        assert_eq!(formatted("node.example"), "node.example:1");
    }
}
