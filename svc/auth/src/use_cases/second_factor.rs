//! The second factor of the signed-in user: enrolled, confirmed, renewed, removed.

use std::net::IpAddr;

use db::Tx;
use events::AccountMailKind;
use rusqlite::Connection;
use sealing::random;
use token::SignedIn;
use values::Timestamp;

use super::{
    audit_entries::{account_changed, refused},
    check_password::{ChangeAccountError, Reauthentication, check_password},
    context::AuthContext,
    current_user::current_user,
    mails::send_report,
    use_code::use_code,
};
use crate::{
    domain::{Account, RECOVERY_CODES, RecoveryCode, SECRET_BYTES, SecondFactor, otpauth_uri, secret_text},
    store,
};

/// The second factor was not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecondFactorError {
    /// It is enabled already.
    #[error("the second factor is enabled already")]
    Enabled,
    /// There is none, or none that waits for a code.
    #[error("there is no such second factor")]
    Missing,
    /// The code is wrong, or was used before.
    #[error("the code is wrong")]
    WrongCode,
    /// The secret cannot be written as a URI or read.
    #[error("the secret cannot be used: {0}")]
    Unusable(String),
    /// The user was not authenticated.
    #[error(transparent)]
    Account(#[from] ChangeAccountError),
    /// The database could not be read or written.
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// The status of the second factor.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SecondFactorStatus {
    pub(crate) enabled_at: Option<Timestamp>,
    pub(crate) recovery_codes: u32,
}

/// What an authenticator needs. It is shown once.
pub(crate) struct Enrolment {
    pub(crate) secret: String,
    pub(crate) uri: String,
}

/// Returns the status of the signed-in user's second factor. `None` if the session is over.
pub(crate) fn second_factor_status(
    conn: &Connection,
    now: Timestamp,
    signed_in: SignedIn,
) -> Result<Option<SecondFactorStatus>, db::Error> {
    let Some(account) = current_user(conn, now, signed_in)? else {
        return Ok(None);
    };
    let factor = store::find_second_factor(conn, account.id())?;
    Ok(Some(SecondFactorStatus {
        enabled_at: factor.and_then(|factor| factor.enabled_at),
        recovery_codes: store::recovery_code_count(conn, account.id())?,
    }))
}

/// Creates the secret of a second factor, which is enabled by a code. An earlier one that was not enabled is replaced.
pub(crate) async fn enrol_second_factor(
    context: &AuthContext,
    current: Reauthentication,
) -> Result<Enrolment, SecondFactorError> {
    let signed_in = current.signed_in;
    let account = check_password(context, current).await?;
    let secret: [u8; SECRET_BYTES] = random::bytes();
    let uri = otpauth_uri(&secret, account.email()).map_err(|error| SecondFactorError::Unusable(error.to_string()))?;
    let now = context.clock.now();
    let factor = SecondFactor::new(
        account.id(),
        secret,
        now,
        context.live_keys.encryption(),
        random::bytes(),
    );
    let stored = context.db.write(move |tx| -> Result<_, SecondFactorError> {
        current_user(tx, now, signed_in)?.ok_or(ChangeAccountError::SessionOver)?;
        let present = store::find_second_factor(tx, factor.user_id)?;
        if present.is_some_and(|present| present.enabled_at.is_some()) {
            return Err(SecondFactorError::Enabled);
        }
        Ok(store::put_second_factor(tx, &factor)?)
    });
    stored.await?;
    Ok(Enrolment {
        secret: secret_text(&secret),
        uri,
    })
}

/// Enables the second factor by a code of the authenticator. Returns the recovery codes, which are shown once. The session has
/// proved it.
pub(crate) async fn enable_second_factor(
    context: &AuthContext,
    signed_in: SignedIn,
    code: String,
    client: IpAddr,
) -> Result<Vec<RecoveryCode>, SecondFactorError> {
    let attempt = context.passwords.attempt_code(signed_in.user_id, client).await;
    let attempt = attempt.map_err(ChangeAccountError::NotChecked)?;
    let (now, encryption) = (context.clock.now(), context.live_keys.encryption().clone());
    let enabled = context.db.write(move |tx| -> Result<_, SecondFactorError> {
        let account = current_user(tx, now, signed_in)?.ok_or(ChangeAccountError::SessionOver)?;
        let factor = store::find_second_factor(tx, account.id())?;
        let mut factor = factor.ok_or(SecondFactorError::Missing)?;
        if factor.enabled_at.is_some() {
            return Err(SecondFactorError::Enabled);
        }
        let is_right = factor.use_code(&code, now, &encryption);
        if !is_right.map_err(|error| SecondFactorError::Unusable(error.to_string()))? {
            return Err(SecondFactorError::WrongCode);
        }
        factor.enabled_at = Some(now);
        store::put_second_factor(tx, &factor)?;
        if let Some(session) = store::find_session(tx, signed_in.session_id)? {
            store::update_session(tx, &session.with_second_factor(now))?;
        }
        audit::append(tx, now, &account_changed("second-factor-enable", account.id(), client))?;
        send_report(tx, now, &(&account).into(), AccountMailKind::SecondFactorEnabled)?;
        Ok(renew(tx, &account)?)
    });
    match enabled.await {
        Ok(codes) => {
            attempt.succeed();
            Ok(codes)
        }
        Err(error) => {
            if matches!(error, SecondFactorError::WrongCode) {
                attempt.fail();
            }
            Err(error)
        }
    }
}

/// Replaces the recovery codes, which are shown once.
pub(crate) async fn renew_recovery_codes(
    context: &AuthContext,
    current: Reauthentication,
    code: String,
) -> Result<Vec<RecoveryCode>, SecondFactorError> {
    with_code(context, current, code, "recovery-codes-renew", renew).await
}

/// Removes the second factor.
pub(crate) async fn remove_second_factor(
    context: &AuthContext,
    current: Reauthentication,
    code: String,
) -> Result<(), SecondFactorError> {
    let now = context.clock.now();
    let remove = move |tx: &Tx, account: &Account| {
        store::delete_second_factor(tx, account.id())?;
        send_report(tx, now, &account.into(), AccountMailKind::SecondFactorWeakened)
    };
    with_code(context, current, code, "second-factor-remove", remove).await
}

/// Runs `change` for a user who has sent the password and a code.
async fn with_code<T: Send + 'static>(
    context: &AuthContext,
    current: Reauthentication,
    code: String,
    action: &'static str,
    change: impl FnOnce(&Tx, &Account) -> Result<T, db::Error> + Send + 'static,
) -> Result<T, SecondFactorError> {
    let client = current.client;
    let account = check_password(context, current).await?;
    let user_id = account.id();
    let attempt = context.passwords.attempt_code(user_id, client).await;
    let attempt = attempt.map_err(ChangeAccountError::NotChecked)?;
    let (now, encryption) = (context.clock.now(), context.live_keys.encryption().clone());
    let changed = context.db.write(move |tx| -> Result<Option<T>, SecondFactorError> {
        let factor = store::find_second_factor(tx, account.id())?;
        factor
            .filter(|factor| factor.enabled_at.is_some())
            .ok_or(SecondFactorError::Missing)?;
        if !use_code(tx, now, &account, &code, &encryption)? {
            return Ok(None);
        }
        audit::append(tx, now, &account_changed(action, account.id(), client))?;
        Ok(Some(change(tx, &account)?))
    });
    let Some(changed) = changed.await? else {
        attempt.fail();
        context
            .refusals
            .count(refused(action, Some(user_id), client, "wrong-code"));
        return Err(SecondFactorError::WrongCode);
    };
    attempt.succeed();
    Ok(changed)
}

fn renew(tx: &Tx, account: &Account) -> Result<Vec<RecoveryCode>, db::Error> {
    let codes: Vec<_> = (0..RECOVERY_CODES)
        .map(|_| RecoveryCode::new(random::bytes()))
        .collect();
    let hashes: Vec<_> = codes.iter().map(RecoveryCode::hash).collect();
    store::replace_recovery_codes(tx, account.id(), &hashes)?;
    Ok(codes)
}
