use std::time::Duration;

use token::{Claims, KeyError, MULTIPLE_FACTORS, SigningKey};
use values::Timestamp;

use super::{account::Account, refresh_token::RefreshToken};

/// The tokens of a signed-in user. Derived from the arguments of [`TokenIssuer::issue`] alone, so they can be derived again.
#[derive(Clone, Debug)]
pub(crate) struct TokenPair {
    pub(crate) account: Account,
    /// For all services, valid for 15 minutes.
    pub(crate) access_token: String,
    /// For the next pair, once.
    pub(crate) refresh_token: RefreshToken,
    /// How long the refresh token is valid.
    pub(crate) refresh_lifetime: Duration,
    /// What the browser sends to be recognised when it signs in again; only with the first pair of a session.
    pub(crate) device_token: Option<String>,
}

impl TokenPair {
    /// Adds the token by which the browser is recognised.
    pub(crate) fn with_device_token(self, token: String) -> Self {
        Self {
            device_token: Some(token),
            ..self
        }
    }
}

/// The issuer and the audience of access tokens.
#[derive(Clone, Debug)]
pub(crate) struct TokenIssuer {
    /// The `iss` claim.
    pub(crate) issuer: String,
    /// The `aud` claim.
    pub(crate) audience: String,
}

impl TokenIssuer {
    /// Signs an access token for the session of a refresh token, which expires at `expires_at`.
    pub(crate) fn issue(
        &self,
        account: Account,
        refresh_token: RefreshToken,
        expires_at: Timestamp,
        has_second_factor: bool,
        key: &SigningKey,
        at: Timestamp,
    ) -> Result<TokenPair, KeyError> {
        let RefreshToken {
            session_id, generation, ..
        } = refresh_token;
        let token_id = format!("{session_id}.{generation}");
        // RFC 8176.
        let methods: &[_] = if has_second_factor {
            &["pwd", "otp", MULTIPLE_FACTORS]
        } else {
            &["pwd"]
        };
        let claims = Claims {
            amr: methods.iter().map(|method| (*method).to_owned()).collect(),
            email_verified: Some(account.was_confirmed(at)),
            ..Claims::new(&*self.issuer, &*self.audience, account.id(), session_id, token_id, at)
        };
        let access_token = key.sign(&claims)?;
        Ok(TokenPair {
            account,
            access_token,
            refresh_token,
            refresh_lifetime: at.until(expires_at),
            device_token: None,
        })
    }
}
