use std::time::Duration;

use serde::{Deserialize, Serialize};
use values::{SessionId, Timestamp, UserId};

/// How long an access token is good for. Short, because nobody can take one back.
pub const LIFETIME: Duration = Duration::from_mins(15);

/// Who signs, unless configured otherwise.
pub const ISSUER: &str = "ticketing";

/// Whom the tokens are for, unless configured otherwise.
pub const AUDIENCE: &str = "ticketing";

/// What an access token says (RFC 7519). Times are whole seconds since 1970.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// Who signed it.
    pub iss: String,
    /// Whom it is for.
    pub aud: String,
    /// Who is signed in.
    pub sub: UserId,
    /// In which session: it lives on when the token is renewed.
    pub sid: SessionId,
    /// When it was signed.
    pub iat: i64,
    /// From when on it is good; absent means at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// From when on it is good no more.
    pub exp: i64,
    /// Its own name, never used twice.
    pub jti: String,
}

impl Claims {
    /// A token signed now, good for [`LIFETIME`].
    pub fn new(
        issuer: impl Into<String>,
        audience: impl Into<String>,
        user: UserId,
        session: SessionId,
        jti: impl Into<String>,
        now: Timestamp,
    ) -> Self {
        Self {
            iss: issuer.into(),
            aud: audience.into(),
            sub: user,
            sid: session,
            iat: now.seconds(),
            nbf: None,
            exp: (now + LIFETIME).seconds(),
            jti: jti.into(),
        }
    }
}
