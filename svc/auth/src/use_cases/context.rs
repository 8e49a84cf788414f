use std::sync::Arc;

use audit::Refusals;
use db::Db;
use token::DenyList;
use values::Clock;

use crate::{
    domain::{KeySet, TokenIssuer},
    keys::LiveKeys,
    passwords::PasswordChecker,
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
}

impl AuthContext {
    pub(crate) fn keys(&self) -> Arc<KeySet> {
        self.live_keys.current()
    }
}
