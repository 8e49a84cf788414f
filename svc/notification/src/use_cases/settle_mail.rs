use std::time::Duration;

use db::Tx;
use values::Timestamp;

use crate::{
    domain::{Claim, Mail, MailKind, MailRules, MailState},
    store,
};

/// The result of an attempt to send a mail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// The server has accepted it.
    Sent,
    /// It may be accepted later.
    Later(String),
    /// The server will not accept it.
    Refused(String),
}

/// Stores the result of an attempt. `jitter` is a part of the delay before the next one.
pub(crate) fn settle_mail(
    tx: &Tx,
    now: Timestamp,
    mail: &Mail,
    outcome: &Outcome,
    jitter: impl FnOnce(Duration) -> Duration,
    rules: &MailRules,
) -> Result<MailState, db::Error> {
    let claim = released(mail);
    // The mail that confirms the deletion of an account is personal data of it.
    let keep_for = if mail.kind == MailKind::AccountDeleted {
        Duration::ZERO
    } else {
        rules.retention
    };
    match outcome {
        Outcome::Sent => {
            end_mail(tx, claim, MailState::Sent, None, now, now + keep_for)?;
            Ok(MailState::Sent)
        }
        Outcome::Refused(reason) => {
            end_mail(tx, claim, MailState::Undelivered, Some(reason), now, now + keep_for)?;
            Ok(MailState::Undelivered)
        }
        Outcome::Later(reason) => {
            let due_at = now + jitter(Mail::retry_delay(mail.attempts));
            if due_at >= mail.give_up_at {
                end_mail(tx, claim, MailState::Undelivered, Some(reason), now, now + keep_for)?;
                return Ok(MailState::Undelivered);
            }
            store::retry_later(tx, claim, reason, due_at)?;
            Ok(MailState::Queued)
        }
    }
}

/// Gives up a bounded number of mails that were not sent in time. Returns their number.
pub(crate) fn give_up_overdue_mails(tx: &Tx, now: Timestamp, rules: &MailRules) -> Result<usize, db::Error> {
    store::give_up_overdue(tx, now, now + rules.retention)
}

pub(super) fn end_mail(
    tx: &Tx,
    claim: Claim,
    state: MailState,
    reason: Option<&str>,
    now: Timestamp,
    delete_at: Timestamp,
) -> Result<(), db::Error> {
    store::finish(tx, claim, state, reason, now, delete_at)?;
    Ok(())
}

/// Returns the claim of a mail in its attempt.
pub(super) fn released(mail: &Mail) -> Claim {
    Claim {
        id: mail.id,
        attempt: mail.attempts,
    }
}
