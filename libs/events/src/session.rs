use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use values::{SessionId, Timestamp, UserId};

/// A session that has ended before it expired: its access tokens are refused from now on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// The session.
    pub id: SessionId,
    /// Always 1: a session ends once, and its other states are not published.
    pub version: u64,
    /// The user who was signed in.
    pub user_id: UserId,
    /// When it ended.
    pub ended_at: Timestamp,
    /// When the last of its access tokens expires.
    pub tokens_expire_at: Timestamp,
}

/// A key that signed access tokens and was revoked: tokens with its signature are refused from now on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SigningKey {
    /// The key id, as in the header of a token: the thumbprint of the key (RFC 7638).
    pub kid: String,
    /// Always 1: a key is revoked once, and its other states are not published.
    pub version: u64,
    /// When it was revoked.
    pub revoked_at: Timestamp,
}
