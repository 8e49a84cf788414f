use std::time::Duration;

use values::Timestamp;

use super::{MailRules, MailState};

/// The event that a mail reports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Cause {
    /// When it happened, as its state has it.
    pub(crate) happened_at: Timestamp,
    /// When it was published: later, if its service published the state again.
    pub(crate) published_at: Timestamp,
}

/// The time within which a service publishes what has happened. A state that is published later is published again.
const PUBLISHING_MARGIN: Duration = Duration::from_mins(5);

impl Cause {
    /// Returns the state of a new mail about this event; `None` if it is too old for a mail.
    ///
    /// `began_at` is when the database was created or restored. What happened before may have been mailed by another
    /// instance: it is mailed only if the event was still in the queue, not if it comes from the journal (`is_recovering`) or
    /// is published again.
    pub(crate) fn first_state(
        self,
        now: Timestamp,
        began_at: Timestamp,
        is_recovering: bool,
        rules: &MailRules,
    ) -> Option<MailState> {
        if self.happened_at.until(now) > rules.max_event_age {
            return None;
        }
        let is_published_again = self.happened_at.until(self.published_at) > PUBLISHING_MARGIN;
        if is_recovering || (self.happened_at <= began_at && is_published_again) {
            return Some(MailState::PresumedSent);
        }
        Some(MailState::Queued)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: MailRules = MailRules {
        max_event_age: Duration::from_hours(24),
        give_up_after: Duration::from_hours(24),
        retention: Duration::from_hours(24),
    };

    fn state(minutes_since: [u64; 3], is_recovering: bool) -> Option<MailState> {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let [happened_at, published_at, began_at] = minutes_since.map(|minutes| now - Duration::from_mins(minutes));
        Cause {
            happened_at,
            published_at,
        }
        .first_state(now, began_at, is_recovering, &RULES)
    }

    #[test]
    fn an_event_is_mailed_unless_another_instance_may_have_mailed_it() {
        let (queued, presumed) = (Some(MailState::Queued), Some(MailState::PresumedSent));
        for ([happened, published, began], is_recovering, expected) in [
            // New, and delivered late because the service was down.
            ([0, 0, 600], false, queued),
            ([300, 300, 600], false, queued),
            // Published again: known by its key, or lost with a queue.
            ([300, 0, 600], false, queued),
            // After a restore: still in the queue, from the journal, published again.
            ([300, 300, 200], false, queued),
            ([300, 300, 200], true, presumed),
            ([300, 100, 200], false, presumed),
            ([300, 294, 200], false, presumed),
            ([300, 295, 200], false, queued),
            // After the restore.
            ([100, 0, 200], false, queued),
            ([100, 100, 200], true, presumed),
            // Too old.
            ([1441, 1441, 2000], false, None),
            ([1441, 0, 2000], true, None),
            ([1440, 1440, 2000], false, queued),
        ] {
            assert_eq!(
                state([happened, published, began], is_recovering),
                expected,
                "{happened} {published} {began}"
            );
        }
    }
}
