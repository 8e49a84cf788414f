use std::sync::Arc;

use audit::Refusals;
use db::Db;
use sealing::EncryptionKeys;
use token::DenyList;
use values::Clock;

use crate::{
    domain::{KeySet, TokenIssuer},
    keys::LiveKeys,
    passwords::{MailCounts, PasswordChecker},
};

/// The dependencies of the asynchronous use cases.
#[derive(Clone, Debug)]
pub(crate) struct AuthContext {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) issuer: TokenIssuer,
    pub(crate) live_keys: LiveKeys,
    pub(crate) passwords: PasswordChecker,
    /// The access tokens of ended sessions.
    pub(crate) denied: DenyList,
    /// What is counted for the audit log.
    pub(crate) refusals: Refusals,
    /// The keys that seal the tokens of links, shared with the notification service.
    pub(crate) mail_keys: EncryptionKeys,
    /// The mails that were requested.
    pub(crate) mail_counts: MailCounts,
    /// Whether the response to a sign-up reveals that the address has an account.
    pub(crate) reveals_addresses: bool,
}

impl AuthContext {
    pub(crate) fn keys(&self) -> Arc<KeySet> {
        self.live_keys.current()
    }
}
