//! The cryptography of jsonwebtoken: Ed25519 alone.
//!
//! The provider of its feature `rust_crypto` brings RSA, whose implementation has an open advisory (RUSTSEC-2023-0071), and
//! the NIST curves. Tokens use neither.

use ed25519_dalek::{PUBLIC_KEY_LENGTH, SECRET_KEY_LENGTH, Signature, SignatureError, Signer, Verifier};
use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, EncodingKey,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::{ErrorKind, Result},
    jwk::{EllipticCurve, ThumbprintHash},
};
use sha2::{Digest, Sha256};

/// The PKCS #8 prefix of the 32 bytes of an Ed25519 private key (RFC 8410, section 7).
const PKCS8_PREFIX: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |_, key| Ok(Box::new(TokenSigner(signing_key(key)?))),
    verifier_factory: |_, key| Ok(Box::new(TokenVerifier(verifying_key(key)?))),
    key_utils: KeyUtils {
        ed_pub_components_from_private_key,
        compute_digest: |data, hash| match hash {
            ThumbprintHash::SHA256 => Ok(Sha256::digest(data).to_vec()),
            _ => Err(ErrorKind::UnsupportedAlgorithm.into()),
        },
        ..KeyUtils::new_unimplemented()
    },
};

struct TokenSigner(ed25519_dalek::SigningKey);

struct TokenVerifier(ed25519_dalek::VerifyingKey);

/// Makes jsonwebtoken use this module. Has to run before a token is signed or verified; repeated calls have no effect.
pub(crate) fn install() {
    // An error means that it is installed already: nothing else in the program installs a provider.
    let _ = PROVIDER.install_default();
}

/// Returns the private key of a seed. jsonwebtoken recognises it by the length of its PKCS #8 form.
pub(crate) fn encoding_key(seed: &[u8; SECRET_KEY_LENGTH]) -> EncodingKey {
    EncodingKey::from_ed_der(&[&PKCS8_PREFIX[..], seed].concat())
}

fn signing_key(key: &EncodingKey) -> Result<ed25519_dalek::SigningKey> {
    match key.family() {
        AlgorithmFamily::Ed => from_pkcs8(key.as_bytes()),
        _ => Err(ErrorKind::InvalidKeyFormat.into()),
    }
}

fn from_pkcs8(der: &[u8]) -> Result<ed25519_dalek::SigningKey> {
    let seed = der.strip_prefix(&PKCS8_PREFIX).and_then(|seed| seed.try_into().ok());
    Ok(ed25519_dalek::SigningKey::from_bytes(
        seed.ok_or(ErrorKind::InvalidEddsaKey)?,
    ))
}

fn verifying_key(key: &DecodingKey) -> Result<ed25519_dalek::VerifyingKey> {
    if key.family() != AlgorithmFamily::Ed {
        return Err(ErrorKind::InvalidKeyFormat.into());
    }
    let bytes = <&[u8; PUBLIC_KEY_LENGTH]>::try_from(key.try_get_as_bytes()?);
    let bytes = bytes.map_err(|_| ErrorKind::InvalidEddsaKey)?;
    Ok(ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| ErrorKind::InvalidEddsaKey)?)
}

fn ed_pub_components_from_private_key(der: &[u8], curve: &EllipticCurve) -> Result<Vec<u8>> {
    match curve {
        EllipticCurve::Ed25519 => Ok(from_pkcs8(der)?.verifying_key().to_bytes().to_vec()),
        _ => Err(ErrorKind::UnsupportedAlgorithm.into()),
    }
}

impl Signer<Vec<u8>> for TokenSigner {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, SignatureError> {
        Ok(self.0.sign(message).to_bytes().to_vec())
    }
}

impl JwtSigner for TokenSigner {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

impl Verifier<Vec<u8>> for TokenVerifier {
    /// Refuses weak keys and malleable signatures, too.
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), SignatureError> {
        self.0.verify_strict(message, &Signature::from_slice(signature)?)
    }
}

impl JwtVerifier for TokenVerifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}
