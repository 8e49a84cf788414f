use std::fmt;

use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    jwk::{self, AlgorithmParameters, ThumbprintHash},
};

use crate::{Claims, Jwk, crypto};

/// The key could not be used.
#[derive(Debug, thiserror::Error)]
#[error("the signing key cannot be used: {0}")]
pub struct KeyError(#[from] jsonwebtoken::errors::Error);

/// A private key that signs access tokens (Ed25519). Signing is deterministic: the same claims give the same token.
#[derive(Clone)]
pub struct SigningKey {
    key: EncodingKey,
    public: Jwk,
}

impl SigningKey {
    /// Creates the key from 32 random bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, KeyError> {
        crypto::install();
        let key = crypto::encoding_key(seed);
        let public = jwk::Jwk::from_encoding_key(&key, Algorithm::EdDSA)?;
        let kid = public.thumbprint(ThumbprintHash::SHA256)?;
        let x = match public.algorithm {
            AlgorithmParameters::OctetKeyPair(pair) => pair.x,
            _ => String::new(),
        };
        let public = Jwk {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            x,
            kid,
            alg: "EdDSA".to_owned(),
            usage: "sig".to_owned(),
        };
        Ok(Self { key, public })
    }

    /// Returns the key id: the thumbprint of the key (RFC 7638).
    pub fn kid(&self) -> &str {
        &self.public.kid
    }

    /// Returns the public key.
    pub const fn public(&self) -> &Jwk {
        &self.public
    }

    /// Signs an access token.
    pub fn sign(&self, claims: &Claims) -> Result<String, KeyError> {
        let header = Header {
            kid: Some(self.public.kid.clone()),
            ..Header::new(Algorithm::EdDSA)
        };
        Ok(jsonwebtoken::encode(&header, claims, &self.key)?)
    }
}

/// Only the key id: the rest is secret.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&self.public.kid).finish()
    }
}

#[cfg(test)]
mod tests {
    use poem_openapi::types::Example;

    use super::*;
    use crate::Jwks;

    #[test]
    fn the_key_of_rfc_8037_has_the_public_key_and_the_id_given_there() {
        let seed = [
            0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49,
            0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
        ];
        let key = SigningKey::from_seed(&seed).unwrap();
        assert_eq!(*key.public(), Jwks::example().keys[0]);
        assert_eq!(format!("{key:?}"), format!("SigningKey({:?})", key.kid()));
    }
}
