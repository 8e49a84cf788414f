use std::{collections::BTreeMap, net::IpAddr};

use db::Tx;
use events::AccountStatus;
use token::SignedIn;
use values::Timestamp;

use super::{
    audit_entries::{account_changed, refused},
    check_password::{ChangeAccountError, Reauthentication, check_password},
    context::AuthContext,
    current_user::current_user,
    use_code::use_code,
};
use crate::{
    domain::{Account, ClosureRequest, ClosureRound, Email},
    events::{publish_account, publish_reopened_account},
    passwords::TooManyMails,
    store,
};

/// The deletion of an account was neither requested nor withdrawn.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestDeletionError {
    /// The account has a second factor, and no code was sent.
    #[error("a code of the second factor is required")]
    CodeRequired,
    /// The code is wrong, or was used before.
    #[error("the code is wrong")]
    WrongCode,
    /// There is no request that can be withdrawn.
    #[error("the deletion of the account was not requested")]
    NotRequested,
    /// The user has requested it, or other mails to the address, several times within an hour.
    #[error(transparent)]
    TooMany(#[from] TooManyMails),
    /// The user was not authenticated.
    #[error(transparent)]
    Account(#[from] ChangeAccountError),
    /// The database could not be read or written.
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Requests the deletion of the account from all services. A request that is open stays.
pub(crate) async fn request_deletion(
    context: &AuthContext,
    current: Reauthentication,
    code: Option<String>,
) -> Result<ClosureRequest, RequestDeletionError> {
    let (signed_in, client) = (current.signed_in, current.client);
    let account = check_password(context, current).await?;
    let user_id = account.id();
    if account.state().status == AccountStatus::Active {
        // The result is mailed.
        let email = Email::parse(account.email()).ok();
        let key = email.as_ref().map_or(account.email(), Email::key);
        context.mail_counts.count_address(key, context.clock.elapsed())?;
    }
    let attempt = context.passwords.attempt_code(user_id, client).await;
    let attempt = attempt.map_err(ChangeAccountError::NotChecked)?;
    let (now, encryption) = (context.clock.now(), context.live_keys.encryption().clone());
    let requested = context.db.write(move |tx| -> Result<_, RequestDeletionError> {
        let account = current_user(tx, now, signed_in)?.ok_or(ChangeAccountError::SessionOver)?;
        let factor = store::find_second_factor(tx, user_id)?;
        if factor.is_some_and(|factor| factor.enabled_at.is_some()) {
            let code = code.ok_or(RequestDeletionError::CodeRequired)?;
            if !use_code(tx, now, &account, &code, &encryption)? {
                return Ok(None);
            }
        }
        Ok(Some(close_account(tx, now, account, client)?))
    });
    let Some(request) = requested.await? else {
        attempt.fail();
        let refused = refused("deletion-request", Some(user_id), client, "wrong-code");
        context.refusals.count(refused);
        return Err(RequestDeletionError::WrongCode);
    };
    attempt.succeed();
    Ok(request)
}

/// Closes an active account: the services are asked whether anything prevents its deletion.
fn close_account(
    tx: &Tx,
    now: Timestamp,
    mut account: Account,
    client: IpAddr,
) -> Result<ClosureRequest, RequestDeletionError> {
    let user_id = account.id();
    if !account.close(now) {
        return store::find_closure(tx, user_id)?.ok_or(RequestDeletionError::NotRequested);
    }
    store::update_profile(tx, &account)?;
    let request = ClosureRequest {
        user_id,
        version: account.state().version,
        round: ClosureRound::First,
        requested_at: now,
        ended_at: None,
        decisions: BTreeMap::new(),
    };
    store::insert_closure(tx, &request)?;
    publish_account(tx, now, &account)?;
    audit::append_limited(tx, now, &account_changed("deletion-request", user_id, client))?;
    Ok(request)
}

/// Withdraws the open request of the signed-in user: the account is active again.
pub(crate) fn withdraw_deletion(
    tx: &Tx,
    now: Timestamp,
    signed_in: SignedIn,
    client: IpAddr,
) -> Result<(), RequestDeletionError> {
    let mut account = current_user(tx, now, signed_in)?.ok_or(ChangeAccountError::SessionOver)?;
    if !account.reopen(now) {
        return Err(RequestDeletionError::NotRequested);
    }
    store::update_profile(tx, &account)?;
    store::delete_decisions(tx, account.id())?;
    store::end_closure(tx, account.id(), now)?;
    publish_reopened_account(tx, now, &account)?;
    audit::append_limited(tx, now, &account_changed("deletion-withdraw", account.id(), client))?;
    Ok(())
}
