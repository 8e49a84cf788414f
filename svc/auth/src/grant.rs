use token::{Claims, KeyError, SigningKey};
use values::{SessionId, Timestamp, UserId};

use crate::{account::Account, refresh_token::RefreshToken};

/// What somebody gets who signed in: made from nothing but its arguments, so the same can be made again.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    /// Who signed in.
    pub user_id: UserId,
    /// Their address, as they typed it when they signed up.
    pub email: String,
    /// For all services, for a short while.
    pub access_token: String,
    /// For the next access token, once.
    pub refresh_token: RefreshToken,
}

/// For whom access tokens are made, and in whose name.
#[derive(Clone, Debug)]
pub(crate) struct Issuer {
    /// Their `iss`.
    pub name: String,
    /// Their `aud`.
    pub audience: String,
}

impl Issuer {
    /// Signs an access token for the session that a refresh token continues. Its name is made of both.
    pub(crate) fn grant(
        &self,
        account: Account,
        refresh_token: RefreshToken,
        key: &SigningKey,
        at: Timestamp,
    ) -> Result<Grant, KeyError> {
        let RefreshToken {
            session_id, generation, ..
        } = refresh_token;
        let jti = name(session_id, generation);
        let claims = Claims::new(&*self.name, &*self.audience, account.id, session_id, jti, at);
        let access_token = key.sign(&claims)?;
        Ok(Grant {
            user_id: account.id,
            email: account.email,
            access_token,
            refresh_token,
        })
    }
}

fn name(session_id: SessionId, generation: u32) -> String {
    format!("{session_id}.{generation}")
}
