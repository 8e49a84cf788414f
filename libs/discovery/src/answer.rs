use serde::Deserialize;

use crate::Address;

/// An instance, as `/v1/health/service` describes it. What we do not need is not read.
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
    /// Empty where it is the node's.
    #[serde(rename = "Address", default)]
    address: String,
    #[serde(rename = "Port")]
    port: u16,
}

/// The addresses that an answer names, each once and always in the same order, so that equal answers are equal.
pub(crate) fn addresses(body: &[u8]) -> serde_json::Result<Vec<Address>> {
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
    fn a_service_without_an_address_is_at_its_node() {
        let body = br#"[
            {"Node": {"Node": "b", "Address": "10.0.0.2"}, "Service": {"Address": "", "Port": 4001}, "Checks": []},
            {"Node": {"Node": "a", "Address": "10.0.0.1"}, "Service": {"Address": "192.0.2.1", "Port": 4002}},
            {"Node": {"Node": "b", "Address": "10.0.0.2"}, "Service": {"Port": 4001}}
        ]"#;
        let told: Vec<_> = addresses(body).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(told, ["10.0.0.2:4001", "192.0.2.1:4002"]);
        assert_eq!(addresses(b"[]").unwrap(), []);
        assert!(addresses(br#"{"error": "no"}"#).is_err());
    }
}
