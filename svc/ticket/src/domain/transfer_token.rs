//! The token of the link by which an offer is accepted.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// The random bytes of a token.
const TOKEN_BYTES: usize = 24;

/// The token of the link by which an offer is accepted.
#[derive(Clone)]
pub(crate) struct TransferToken(String);

/// A text that is no token.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be the token of a mailed link")]
pub(crate) struct MalformedToken;

impl TransferToken {
    /// Returns a new random token of 192 bits.
    pub(crate) fn random() -> Self {
        let bytes: [u8; TOKEN_BYTES] = sealing::random::bytes();
        Self(BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Parses a token of a link.
    pub(crate) fn parse(text: &str) -> Result<Self, MalformedToken> {
        let mut bytes = [0; TOKEN_BYTES];
        match BASE64_URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
            Ok(TOKEN_BYTES) => Ok(Self(text.to_owned())),
            _ => Err(MalformedToken),
        }
    }

    /// Returns the hash by which the transfer is found.
    pub(crate) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_tokens_are_tokens() {
        let token = TransferToken::random();
        assert_eq!(token.as_str().len(), 32);
        assert_eq!(TransferToken::parse(token.as_str()).unwrap().hash(), token.hash());
        let text = token.as_str();
        for malformed in [
            "",
            &text[1..],
            &format!("{text}A"),
            &format!("{}=", &text[1..]),
            &format!("{}+", &text[1..]),
        ] {
            assert!(TransferToken::parse(malformed).is_err(), "{malformed}");
        }
    }
}
