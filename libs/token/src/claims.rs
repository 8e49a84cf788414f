use std::time::Duration;

use serde::{Deserialize, Serialize};
use values::{SessionId, Timestamp, UserId};

/// The time for which an access token is valid, unless its session ends before. Short, because the end of a session reaches
/// other services through the broker, which may be down.
pub const ACCESS_TOKEN_LIFETIME: Duration = Duration::from_mins(15);

/// The `iss` claim, unless configured otherwise.
pub const DEFAULT_ISSUER: &str = "ticketing";

/// The `aud` claim, unless configured otherwise.
pub const DEFAULT_AUDIENCE: &str = "ticketing";

/// The value of `amr` for authentication with more than one factor (RFC 8176).
pub const MULTIPLE_FACTORS: &str = "mfa";

/// The claims of an access token (RFC 7519). Times are whole seconds since 1970.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// The issuer.
    pub iss: String,
    /// The audience.
    pub aud: String,
    /// The subject: the signed-in user.
    pub sub: UserId,
    /// The session. It stays the same when the token is refreshed.
    pub sid: SessionId,
    /// The time of signing.
    pub iat: i64,
    /// The time from which on the token is valid; absent means at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// The time at which the token expires.
    pub exp: i64,
    /// The token id, unique.
    pub jti: String,
    /// The methods by which the user authenticated (RFC 8176): `pwd`, and `otp` and `mfa` with a second factor. Empty in tokens
    /// of release 0.1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// Whether the user has confirmed the email address. Absent in tokens of release 0.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
}

impl Claims {
    /// Creates the claims of a token that is valid from `now` on for [`ACCESS_TOKEN_LIFETIME`].
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
            exp: (now + ACCESS_TOKEN_LIFETIME).seconds(),
            jti: jti.into(),
            amr: Vec::new(),
            email_verified: None,
        }
    }
}
