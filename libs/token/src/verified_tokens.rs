//! Tokens whose signature was verified before, so that it is verified once per token and not once per request.

use std::{fmt, sync::Arc};

use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use crate::{Claims, Keyring};

/// The number of tokens that are stored. One takes up about half a kibibyte.
const MAX_TOKENS: usize = 8192;

/// The SHA-256 of a token: the token itself is not stored.
type TokenHash = [u8; 32];

/// A token with a valid signature.
///
/// Everything else about it can change: its expiry, the denials of its session and its key, and the set of keys have to be
/// checked for each request.
pub(crate) struct VerifiedToken {
    pub(crate) claims: Claims,
    /// The id of the key that has signed it.
    pub(crate) kid: String,
    /// The keys by which it was verified.
    keyring: Arc<Keyring>,
}

impl VerifiedToken {
    pub(crate) fn new(claims: Claims, kid: &str, keyring: Arc<Keyring>) -> Self {
        Self {
            claims,
            kid: kid.to_owned(),
            keyring,
        }
    }

    /// Whether it was verified by these keys. Others may lack its key, so they have to verify it again.
    pub(crate) fn is_verified_by(&self, keyring: &Arc<Keyring>) -> bool {
        Arc::ptr_eq(&self.keyring, keyring)
    }
}

/// A bounded number of verified tokens. Tokens that are used once do not displace those that are used often.
///
/// A token that was refused is not stored, so the sender of forged ones displaces nothing.
pub(crate) struct VerifiedTokens(Cache<TokenHash, Arc<VerifiedToken>>);

impl Default for VerifiedTokens {
    fn default() -> Self {
        Self(Cache::new(MAX_TOKENS))
    }
}

impl VerifiedTokens {
    pub(crate) fn get(&self, token: &str) -> Option<Arc<VerifiedToken>> {
        self.0.get(&hash(token))
    }

    pub(crate) fn insert(&self, token: &str, verified: VerifiedToken) -> Arc<VerifiedToken> {
        let verified = Arc::new(verified);
        self.0.insert(hash(token), Arc::clone(&verified));
        verified
    }
}

fn hash(token: &str) -> TokenHash {
    Sha256::digest(token).into()
}

impl fmt::Debug for VerifiedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} verified tokens", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::claims;

    #[test]
    fn the_number_of_stored_tokens_is_bounded() {
        let (tokens, keyring) = (VerifiedTokens::default(), Arc::new(Keyring::default()));
        for number in 0..3 * MAX_TOKENS {
            let verified = VerifiedToken::new(claims(), "1", Arc::clone(&keyring));
            tokens.insert(&number.to_string(), verified);
        }
        assert!(tokens.0.len() > MAX_TOKENS / 2, "{tokens:?}");
        assert!(tokens.0.len() <= MAX_TOKENS, "{tokens:?}");
    }
}
