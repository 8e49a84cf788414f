use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use values::SessionId;
use zeroize::Zeroizing;

/// What a refresh token is, for the key that makes it: nothing else made with it can be taken for one.
const PURPOSE: &[u8] = b"ticketing refresh token\0";

/// A refresh token: which session, its how-many-eth token, and the proof that we made it. For clients it is opaque.
///
/// It is derived, not drawn: so the answer to a repeated sign-up can be made again, without having stored it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RefreshToken {
    /// The session that it continues.
    pub session_id: SessionId,
    /// How many came before it in this session.
    pub generation: u32,
    text: Zeroizing<String>,
}

impl RefreshToken {
    /// As the client gets it.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// What is stored of it.
    pub(crate) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.text.as_bytes()).into()
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefreshToken({} {})", self.session_id, self.generation)
    }
}

/// The secret that refresh tokens are made and recognised with.
#[derive(Clone)]
pub(crate) struct RefreshKey(Zeroizing<[u8; 32]>);

impl RefreshKey {
    /// The key that these random bytes are.
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self(Zeroizing::new(seed))
    }

    /// The token of a session; the same whenever it is asked for.
    pub(crate) fn token(&self, session_id: SessionId, generation: u32) -> RefreshToken {
        let proof = BASE64_URL_SAFE_NO_PAD.encode(self.proof(session_id, generation));
        RefreshToken {
            session_id,
            generation,
            text: Zeroizing::new(format!("{session_id}.{generation}.{proof}")),
        }
    }

    /// The token that a client sent, if it is one that we made.
    pub(crate) fn recognise(&self, sent: &str) -> Option<RefreshToken> {
        let (session_id, rest) = sent.split_once('.')?;
        let (generation, _) = rest.split_once('.')?;
        let token = self.token(session_id.parse().ok()?, generation.parse().ok()?);
        bool::from(token.text.as_bytes().ct_eq(sent.as_bytes())).then_some(token)
    }

    fn proof(&self, session_id: SessionId, generation: u32) -> [u8; 32] {
        let mut hmac = match Hmac::<Sha256>::new_from_slice(&*self.0) {
            Ok(hmac) => hmac,
            Err(error) => unreachable!("a key of HMAC may have any length: {error}"),
        };
        hmac.update(PURPOSE);
        hmac.update(format!("{session_id}.{generation}").as_bytes());
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
    fn a_token_does_not_show_in_logs() {
        let token = RefreshKey::new([1; 32]).token(SessionId::new(Timestamp::from_millis(0)), 0);
        assert!(!format!("{token:?}").contains(token.as_str()));
    }
}
