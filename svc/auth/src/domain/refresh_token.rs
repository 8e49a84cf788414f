use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use values::{SessionId, Timestamp, UserId};
use zeroize::Zeroizing;

use super::account::Account;

/// Separates refresh tokens from any other use of the key.
const REFRESH_SEPARATOR: &[u8] = b"ticketing refresh token\0";

/// Separates device tokens from any other use of the key.
const DEVICE_SEPARATOR: &[u8] = b"ticketing device token\0";

/// Separates challenges from any other use of the key.
const CHALLENGE_SEPARATOR: &[u8] = b"ticketing sign-in challenge\0";

/// A refresh token: session, generation, and a message authentication code. Opaque for clients.
///
/// It is derived, not random, so that the response to a repeated sign-up can be derived again without storing it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RefreshToken {
    /// The session that it refreshes.
    pub(crate) session_id: SessionId,
    /// The number of earlier tokens of the session.
    pub(crate) generation: u32,
    text: Zeroizing<String>,
}

impl RefreshToken {
    /// Returns the token as the client receives it.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the hash that is stored.
    pub(crate) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.text.as_bytes()).into()
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefreshToken({} {})", self.session_id, self.generation)
    }
}

/// The secret with which refresh tokens and device tokens are derived and recognised.
#[derive(Clone)]
pub(crate) struct RefreshKey(Zeroizing<[u8; 32]>);

impl RefreshKey {
    /// Creates the key from random bytes.
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self(Zeroizing::new(seed))
    }

    /// Derives a token of a session. Deterministic.
    pub(crate) fn token(&self, session_id: SessionId, generation: u32) -> RefreshToken {
        let code = self.code(REFRESH_SEPARATOR, &format!("{session_id}.{generation}"));
        let code = BASE64_URL_SAFE_NO_PAD.encode(code);
        RefreshToken {
            session_id,
            generation,
            text: Zeroizing::new(format!("{session_id}.{generation}.{code}")),
        }
    }

    /// Parses the token of a client. `None` if it was not derived with this key.
    pub(crate) fn recognise(&self, sent: &str) -> Option<RefreshToken> {
        let (session_id, rest) = sent.split_once('.')?;
        let (generation, _) = rest.split_once('.')?;
        let token = self.token(session_id.parse().ok()?, generation.parse().ok()?);
        bool::from(token.text.as_bytes().ct_eq(sent.as_bytes())).then_some(token)
    }

    /// Derives the token by which a browser is recognised that has signed in to an account, in this session.
    pub(crate) fn device_token(&self, session_id: SessionId, user_id: UserId) -> String {
        let code = self.code(DEVICE_SEPARATOR, &format!("{session_id}.{user_id}"));
        format!("{session_id}.{}", BASE64_URL_SAFE_NO_PAD.encode(code))
    }

    /// Returns the session of a device token. `None` if it was not derived with this key for this account.
    pub(crate) fn recognise_device(&self, sent: &str, user_id: UserId) -> Option<SessionId> {
        let (session_id, _) = sent.split_once('.')?;
        let session_id = session_id.parse().ok()?;
        let token = self.device_token(session_id, user_id);
        bool::from(token.as_bytes().ct_eq(sent.as_bytes())).then_some(session_id)
    }

    /// Derives the authentication code of a sign-in that waits for a second factor.
    pub(super) fn challenge_code(&self, account: &Account, issued_at: Timestamp) -> String {
        let password = account.password_hash().unwrap_or_default();
        let text = format!("{}.{}.{password}", account.id(), issued_at.millis());
        BASE64_URL_SAFE_NO_PAD.encode(self.code(CHALLENGE_SEPARATOR, &text))
    }

    fn code(&self, separator: &[u8], text: &str) -> [u8; 32] {
        let mut hmac = match Hmac::<Sha256>::new_from_slice(&*self.0) {
            Ok(hmac) => hmac,
            Err(error) => unreachable!("a key of HMAC may have any length: {error}"),
        };
        hmac.update(separator);
        hmac.update(text.as_bytes());
        hmac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for RefreshKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[refresh key]")
    }
}

#[cfg(test)]
mod tests {
    use values::Timestamp;

    use super::*;

    #[test]
    fn a_refresh_token_is_recognised_and_any_change_of_it_is_not() {
        let key = RefreshKey::new([1; 32]);
        let session = SessionId::new(Timestamp::from_millis(1_800_000_000_000));
        let token = key.token(session, 4);
        assert_eq!(key.recognise(token.as_str()), Some(token.clone()));
        assert_eq!(key.token(session, 4).as_str(), token.as_str());

        assert_eq!(RefreshKey::new([2; 32]).recognise(token.as_str()), None);
        for position in 0..token.as_str().len() {
            let mut forged = token.as_str().to_owned().into_bytes();
            forged[position] ^= 1;
            assert_eq!(
                key.recognise(&String::from_utf8(forged).unwrap()),
                None,
                "byte {position}"
            );
        }
        let upper = token
            .as_str()
            .replacen(&session.to_string(), &session.to_string().to_uppercase(), 1);
        for forged in [
            "",
            ".",
            "..",
            &format!("{}=", token.as_str()),
            &token.as_str()[1..],
            &upper,
        ] {
            assert_eq!(key.recognise(forged), None, "{forged}");
        }
    }

    #[test]
    fn a_refresh_token_is_never_logged() {
        let token = RefreshKey::new([1; 32]).token(SessionId::new(Timestamp::from_millis(0)), 0);
        assert!(!format!("{token:?}").contains(token.as_str()));
    }
}
