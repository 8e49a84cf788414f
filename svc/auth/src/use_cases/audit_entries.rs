//! What the audit log of this service has.

use std::net::IpAddr;

use audit::{Author, Entry, OK};
use chassis::ClientNetwork;
use values::{SessionId, UserId};

use crate::{domain::EndReason, passwords::CheckRefused};

/// Returns the entry of an account that was created, or a session that was started.
pub(super) fn session_started(action: &'static str, user_id: UserId, session_id: SessionId, client: IpAddr) -> Entry {
    Entry {
        action,
        actor: Some(user_id.to_string()),
        subject: Some(session_id.to_string()),
        network: Some(network(client)),
        result: OK,
    }
}

/// Returns the entry of a sign-up or sign-in that was refused. Its author is not known; `user_id` is the account.
pub(super) fn refused(action: &'static str, user_id: Option<UserId>, client: IpAddr, result: &'static str) -> Entry {
    Entry {
        action,
        actor: None,
        subject: user_id.map(|id| id.to_string()),
        network: Some(network(client)),
        result,
    }
}

/// Returns the entry of a session that was ended.
pub(super) fn session_ended(user_id: UserId, session_id: SessionId, client: IpAddr, reason: EndReason) -> Entry {
    Entry {
        action: "session-end",
        actor: Some(user_id.to_string()),
        subject: Some(session_id.to_string()),
        network: Some(network(client)),
        result: match reason {
            EndReason::SignedOut => "signed-out",
            EndReason::RefreshReused => "refresh-reused",
        },
    }
}

/// Returns the entry of a change that a user has made to the own account.
pub(super) fn account_changed(action: &'static str, user_id: UserId, client: IpAddr) -> Entry {
    Entry {
        action,
        actor: Some(user_id.to_string()),
        subject: Some(user_id.to_string()),
        network: Some(network(client)),
        result: OK,
    }
}

/// Returns the entry of an operation on the signing keys. `kid` is the key that signs from then on.
pub(super) fn keys_changed(action: &'static str, kid: &str) -> Entry {
    Author::operator().did(action, kid)
}

pub(super) const fn check_refused(refused: CheckRefused) -> &'static str {
    match refused {
        CheckRefused::TooManyFailures(_) => "too-many-failures",
        CheckRefused::TooManySignUps(_) => "too-many-sign-ups",
        CheckRefused::QueueFull(_) => "busy",
    }
}

pub(super) fn network(client: IpAddr) -> String {
    ClientNetwork::narrowest(client).to_string()
}
