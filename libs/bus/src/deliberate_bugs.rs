//! Deliberate bugs, by which `just torture --bug` proves that it detects real ones. They exist only with the feature
//! `torture-bugs`, which a release build refuses.

use std::sync::{LazyLock, Mutex, PoisonError};

use tokio::sync::Notify;
use values::Timestamp;

#[cfg(not(debug_assertions))]
compile_error!("the feature torture-bugs is for `just torture --bug`: builds with debug assertions only");

/// The variable that names the bug.
const VARIABLE: &str = "TICKETING_TORTURE_BUG";

/// A bug that is switched on by its name in the environment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Bug {
    /// Messages are acknowledged before they are applied.
    AckBeforeCommit,
    /// Events are published before their transaction is committed.
    PublishBeforeCommit,
    /// One of several messages that are published together is not published, but deleted from the outbox.
    DropOneMessage,
}

#[expect(clippy::disallowed_methods, reason = "no setting: no release has it")]
static ENABLED: LazyLock<Option<Bug>> = LazyLock::new(|| match std::env::var(VARIABLE).ok()?.as_str() {
    "ack-before-commit" => Some(Bug::AckBeforeCommit),
    "publish-before-commit" => Some(Bug::PublishBeforeCommit),
    "drop-one-message" => Some(Bug::DropOneMessage),
    _ => None,
});

impl Bug {
    pub(crate) fn is_enabled(self) -> bool {
        *ENABLED == Some(self)
    }
}

/// An event whose transaction is not committed yet.
pub(crate) struct UncommittedEvent {
    pub(crate) destination: String,
    pub(crate) id: String,
    pub(crate) event_type: &'static str,
    pub(crate) body: String,
    pub(crate) time: Timestamp,
}

static UNCOMMITTED: Mutex<Vec<UncommittedEvent>> = Mutex::new(Vec::new());
static ADDED: Notify = Notify::const_new();

/// Hands an event over to the relay before its transaction is committed.
pub(crate) fn publish_uncommitted(event: UncommittedEvent) {
    if Bug::PublishBeforeCommit.is_enabled() {
        UNCOMMITTED.lock().unwrap_or_else(PoisonError::into_inner).push(event);
        ADDED.notify_one();
    }
}

/// Takes the events that are published before their commit.
pub(crate) fn take_uncommitted() -> Vec<UncommittedEvent> {
    std::mem::take(&mut UNCOMMITTED.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Waits for an event to be published before its commit.
pub(crate) async fn uncommitted_added() {
    ADDED.notified().await;
}

/// Returns the rows of a page without the first one, unless it is the only one.
pub(crate) fn without_one<T>(mut page: Vec<T>) -> Vec<T> {
    if page.len() > 1 && Bug::DropOneMessage.is_enabled() {
        page.remove(0);
    }
    page
}
