//! Codes of admissions: signed, and sealed in the database and in events.

use passes::{CodeKey, CodeSecret, MalformedCode, PublicKey, SignedCode};
use sealing::{CannotOpen, EncryptionKeys};
use values::{AdmissionId, TicketId, TransferId};

use super::transfer_token::TransferToken;

/// What the key that signs codes is sealed for.
const KEY_PURPOSE: &[u8] = b"admission code key";

/// The code of an admission as it is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct StoredCode {
    /// By which it is found.
    pub(crate) hash: [u8; 32],
    /// The text of the QR code, sealed.
    pub(crate) sealed: Vec<u8>,
}

/// The keys of codes.
#[derive(Clone, Debug)]
pub(crate) struct Codes {
    encryption: EncryptionKeys,
    key: CodeKey,
}

/// A stored code cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum UnreadableCode {
    #[error("the code of an admission is {0}")]
    Sealed(#[from] CannotOpen),
    #[error("the code of an admission is malformed")]
    Malformed(#[from] MalformedCode),
}

impl Codes {
    /// Returns the seed of a new key that signs codes, sealed.
    pub(crate) fn seal_new_key(encryption: &EncryptionKeys) -> Vec<u8> {
        let seed: [u8; 32] = sealing::random::bytes();
        encryption.seal(KEY_PURPOSE, &seed, sealing::random::bytes())
    }

    /// Opens the key that signs codes.
    pub(crate) fn open(encryption: EncryptionKeys, sealed_key: &[u8]) -> Result<Self, CannotOpen> {
        let seed = encryption.open(KEY_PURPOSE, sealed_key)?;
        let seed: &[u8; 32] = seed.as_slice().try_into().map_err(|_| CannotOpen::Damaged)?;
        let key = CodeKey::from_seed(seed);
        Ok(Self { encryption, key })
    }

    /// Returns the key that verifies codes.
    pub(crate) fn public_key(&self) -> PublicKey {
        self.key.public_key()
    }

    /// Returns a new random code.
    pub(crate) fn new_code(&self, ticket: TicketId, admission: AdmissionId) -> StoredCode {
        let secret = CodeSecret::new(sealing::random::bytes());
        let text = self.key.sign(ticket, admission, secret).text();
        StoredCode {
            hash: secret.hash(),
            sealed: self.seal(&events::Admission::code_purpose(admission), text.as_bytes()),
        }
    }

    /// Encrypts the token of an offer.
    pub(crate) fn seal_token(&self, transfer: TransferId, token: &TransferToken) -> Vec<u8> {
        self.seal(&events::Transfer::token_purpose(transfer), token.as_str().as_bytes())
    }

    /// Decrypts the token of an offer.
    #[cfg(test)]
    pub(crate) fn open_token(&self, transfer: TransferId, sealed: &[u8]) -> Option<String> {
        let purpose = events::Transfer::token_purpose(transfer);
        let opened = self.encryption.open(purpose.as_bytes(), sealed);
        String::from_utf8(opened.ok()?.to_vec()).ok()
    }

    /// Returns the code of an admission.
    pub(crate) fn read(&self, admission: AdmissionId, code: &StoredCode) -> Result<SignedCode, UnreadableCode> {
        let text = self
            .encryption
            .open(events::Admission::code_purpose(admission).as_bytes(), &code.sealed)?;
        let text = std::str::from_utf8(&text).map_err(|_| MalformedCode)?;
        Ok(SignedCode::parse(text)?)
    }

    /// Encrypts a text for a purpose.
    fn seal(&self, purpose: &str, text: &[u8]) -> Vec<u8> {
        self.encryption.seal(purpose.as_bytes(), text, sealing::random::bytes())
    }
}
