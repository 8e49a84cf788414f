use db::Tx;
use values::Timestamp;

use super::mail_withdrawal::mail_all_withdrawals;
use crate::{domain::MailRules, store};

/// Prepares the mails after a start of the service.
///
/// An attempt that was interrupted is repeated: the server may have accepted the mail, and a mail that arrives twice with the
/// same Message-ID is better than none. In a restored database, all mails that are not sent were sent by the instance before,
/// unless mail was down: they are presumed sent, for an operator to decide.
pub(crate) fn start(tx: &Tx, now: Timestamp, rules: &MailRules) -> Result<(), db::Error> {
    let is_restored = db::restored::is_outdated(tx)?;
    store::begin(tx, now, is_restored)?;
    if is_restored {
        mail_all_withdrawals(tx, now, rules)?;
        let presumed = store::presume_unsent_sent(tx, now, rules)?;
        if presumed > 0 {
            tracing::warn!(
                presumed,
                "mails of the restored database are presumed sent, see `undelivered list --presumed-sent`"
            );
        }
    } else {
        let interrupted = store::queue_interrupted(tx, now)?;
        if interrupted > 0 {
            tracing::info!(interrupted, "sending of mails was interrupted, they are sent again");
        }
    }
    Ok(())
}
