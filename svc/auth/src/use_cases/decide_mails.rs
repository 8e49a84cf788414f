use db::Tx;
use events::AccountMailKind;
use sealing::EncryptionKeys;
use values::Timestamp;

use super::mails::{Recipient, new_token, send_confirmation, send_link, send_report, send_reset};
use crate::{
    domain::{CONFIRMATION_LIFETIME, PendingSignUp},
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
    let (token, expires_at) = (new_token(), now + CONFIRMATION_LIFETIME);
    store::set_sign_up_link(tx, sign_up.user_id, &token.hash(), expires_at)?;
    let to = Recipient {
        account_id: sign_up.user_id,
        address: &sign_up.email,
        language: sign_up.profile.language,
    };
    let link = (&token, expires_at);
    send_link(tx, now, mail_keys, &to, AccountMailKind::ConfirmEmail, link)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::test_support::TestService;

    #[tokio::test]
    async fn the_link_of_a_mail_that_is_sent_again_works_for_a_whole_day() {
        let service = TestService::new().await;
        service.request_sign_up("ada@example.com", "correct horse", None).await;
        service.clock.advance(Duration::from_hours(23));
        let (now, keys) = (service.clock.now(), service.context.mail_keys.clone());
        let db = &service.context.db;
        let sign_up = db.write(move |tx| -> Result<_, db::Error> {
            store::insert_mail_request(tx, MailPurpose::ConfirmEmail, "ada@example.com", None)?;
            decide_mails(tx, now, &keys)?;
            store::newest_pending_sign_up(tx, "ada@example.com", now)
        });
        let sign_up = sign_up.await.unwrap().unwrap();
        assert_eq!(sign_up.expires_at, now + CONFIRMATION_LIFETIME);
    }
}
