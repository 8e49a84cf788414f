use serde::Deserialize;

use crate::Address;

/// An entry of the response of `/v1/health/service`, without the fields that are not used.
#[derive(Debug, Deserialize)]
struct Instance {
    #[serde(rename = "Node")]
    node: Node,
    #[serde(rename = "Service")]
    service: Service,
}

#[derive(Debug, Deserialize)]
struct Node {
    #[serde(rename = "Address")]
    address: String,
}

#[derive(Debug, Deserialize)]
struct Service {
    /// Empty if it is the node's.
    #[serde(rename = "Address", default)]
    address: String,
    #[serde(rename = "Port")]
    port: u16,
}

/// Returns the addresses in a response, sorted and without duplicates, so that two responses can be compared.
pub(crate) fn parse_addresses(body: &[u8]) -> serde_json::Result<Vec<Address>> {
    let instances: Vec<Instance> = serde_json::from_slice(body)?;
    let address = |Instance { node, service }| Address {
        host: if service.address.is_empty() {
            node.address
        } else {
            service.address
        },
        port: service.port,
    };
    let mut addresses: Vec<_> = instances.into_iter().map(address).collect();
    addresses.sort_unstable();
    addresses.dedup();
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_without_an_address_has_that_of_its_node() {
        let body = br#"[
            {"Node": {"Node": "b", "Address": "10.0.0.2"}, "Service": {"Address": "", "Port": 4001}, "Checks": []},
            {"Node": {"Node": "a", "Address": "10.0.0.1"}, "Service": {"Address": "192.0.2.1", "Port": 4002}},
            {"Node": {"Node": "b", "Address": "10.0.0.2"}, "Service": {"Port": 4001}}
        ]"#;
        let parsed: Vec<_> = parse_addresses(body).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(parsed, ["10.0.0.2:4001", "192.0.2.1:4002"]);
        assert_eq!(parse_addresses(b"[]").unwrap(), []);
        assert!(parse_addresses(br#"{"error": "no"}"#).is_err());
    }
}
