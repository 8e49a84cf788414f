use poem_openapi::{Object, types::Example};
use serde::{Deserialize, Serialize};

/// The keys with which access tokens are verified (RFC 7517).
#[derive(Clone, PartialEq, Eq, Debug, Default, Object, Serialize, Deserialize)]
#[oai(example)]
pub struct Jwks {
    /// The key that signs, and the keys of tokens that are still valid.
    pub keys: Vec<Jwk>,
}

/// A public key (RFC 7517; for Ed25519, RFC 8037).
#[derive(Clone, PartialEq, Eq, Debug, Object, Serialize, Deserialize)]
pub struct Jwk {
    /// Always `OKP`.
    pub kty: String,
    /// Always `Ed25519`.
    #[serde(default)]
    pub crv: String,
    /// The public key: 32 bytes, base64url without padding.
    #[serde(default)]
    pub x: String,
    /// The key id, as in the header of a token: the thumbprint of the key (RFC 7638).
    #[serde(default)]
    pub kid: String,
    /// Always `EdDSA`.
    #[serde(default)]
    pub alg: String,
    /// Always `sig`.
    #[oai(rename = "use")]
    #[serde(default, rename = "use")]
    pub usage: String,
}

impl Example for Jwks {
    fn example() -> Self {
        // The key of RFC 8037, appendix A.
        Self {
            keys: vec![Jwk {
                kty: "OKP".to_owned(),
                crv: "Ed25519".to_owned(),
                x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".to_owned(),
                kid: "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k".to_owned(),
                alg: "EdDSA".to_owned(),
                usage: "sig".to_owned(),
            }],
        }
    }
}
