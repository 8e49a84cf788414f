use std::collections::HashMap;

use jsonwebtoken::DecodingKey;

use crate::{Jwk, Jwks, crypto};

/// Public keys by their ids, parsed for verification.
#[derive(Clone, Debug, Default)]
pub struct Keyring(HashMap<String, DecodingKey>);

impl Keyring {
    /// Parses the usable keys of a document: Ed25519 signature keys with an id. Ignores the others.
    pub fn new(jwks: &Jwks) -> Self {
        crypto::install();
        Self(
            jwks.keys
                .iter()
                .filter_map(|jwk| Some((jwk.kid.clone(), decoding_key(jwk)?)))
                .collect(),
        )
    }

    pub(crate) fn get(&self, kid: &str) -> Option<&DecodingKey> {
        self.0.get(kid)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn decoding_key(jwk: &Jwk) -> Option<DecodingKey> {
    let usable = jwk.kty == "OKP"
        && jwk.crv == "Ed25519"
        && !jwk.kid.is_empty()
        && matches!(&*jwk.alg, "" | "EdDSA" | "Ed25519")
        && matches!(&*jwk.usage, "" | "sig");
    let key = DecodingKey::from_ed_components(&jwk.x).ok().filter(|_| usable)?;
    (key.try_get_as_bytes().ok()?.len() == 32).then_some(key)
}
