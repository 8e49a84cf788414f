use db::Tx;
use events::AccountMailKind;
use sealing::EncryptionKeys;
use values::Timestamp;

use super::mails::{Recipient, new_token, send_confirmation, send_link, send_report, send_reset};
use crate::{
    domain::PendingSignUp,
    store,
    store::{MailPurpose, MailRequest},
};

/// Decides a bounded number of the requests for mails: what is sent, if anything. Returns how many.
pub(crate) fn decide_mails(tx: &Tx, now: Timestamp, mail_keys: &EncryptionKeys) -> Result<usize, db::Error> {
    let requests = store::mail_requests(tx)?;
    for request in &requests {
        decide(tx, now, mail_keys, request)?;
        store::delete_mail_request(tx, request)?;
    }
    Ok(requests.len())
}

fn decide(tx: &Tx, now: Timestamp, mail_keys: &EncryptionKeys, request: &MailRequest) -> Result<(), db::Error> {
    let account = store::find_account_by_key(tx, &request.email_key)?;
    match (request.purpose, account) {
        (MailPurpose::SignUp, Some(account)) => send_report(tx, now, &(&account).into(), AccountMailKind::EmailTaken),
        (MailPurpose::SignUp, None) => {
            let sign_up = request.sign_up_id.map(|id| store::pending_sign_up(tx, id, now));
            confirm_sign_up(tx, now, mail_keys, sign_up.transpose()?.flatten())
        }
        (MailPurpose::ConfirmEmail, Some(account)) if !account.is_confirmed() => {
            send_confirmation(tx, now, mail_keys, &account)
        }
        (MailPurpose::ConfirmEmail, None) => {
            let sign_up = store::newest_pending_sign_up(tx, &request.email_key, now)?;
            confirm_sign_up(tx, now, mail_keys, sign_up)
        }
        (MailPurpose::ResetPassword, Some(account)) => send_reset(tx, now, mail_keys, &account),
        (MailPurpose::ConfirmEmail, Some(_)) | (MailPurpose::ResetPassword, None) => Ok(()),
    }
}

fn confirm_sign_up(
    tx: &Tx,
    now: Timestamp,
    mail_keys: &EncryptionKeys,
    sign_up: Option<PendingSignUp>,
) -> Result<(), db::Error> {
    let Some(sign_up) = sign_up else { return Ok(()) };
    let token = new_token();
    store::set_sign_up_link(tx, sign_up.user_id, &token.hash())?;
    let to = Recipient {
        account_id: sign_up.user_id,
        address: &sign_up.email,
        language: sign_up.profile.language,
    };
    let link = (&token, sign_up.expires_at);
    send_link(tx, now, mail_keys, &to, AccountMailKind::ConfirmEmail, link)
}
