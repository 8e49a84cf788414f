use db::Tx;
use events::{AccountMail, AccountStatus};
use values::Timestamp;

use super::request_mail::request_mail;
use crate::{
    domain::{Cause, Details, MailKind, MailRules, NewMail},
    store,
};

/// Requests a mail about an account, to the address that the auth service names.
pub(crate) fn request_account_mail(
    tx: &Tx,
    now: Timestamp,
    published_at: Timestamp,
    requested: &AccountMail,
    rules: &MailRules,
) -> Result<(), db::Error> {
    let kind = MailKind::from(requested.kind);
    let account = store::account(tx, requested.account_id)?;
    if !kind.survives_deletion() && account.is_some_and(|account| account.status == AccountStatus::Deleted) {
        // The address would be stored after the account's data was erased.
        return Ok(());
    }
    let cause = Cause {
        happened_at: requested.requested_at,
        published_at,
    };
    let mail = NewMail {
        id: Some(requested.id),
        address: Some(requested.address.clone()),
        language: Some(requested.language),
        expires_at: requested.expires_at,
        details: Details {
            sealed_token: requested.sealed_token.clone(),
            ..Details::default()
        },
        ..NewMail::to_account(
            kind,
            format!("account-mail {}", requested.id),
            requested.account_id,
            cause,
        )
    };
    request_mail(tx, now, &mail, rules)
}
