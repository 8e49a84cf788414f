use std::net::IpAddr;

use token::KeyError;

use super::{
    audit_entries, context::AuthContext, end_sessions::deny, start_session::start_session, use_code::use_code,
};
use crate::{
    domain::{Challenge, DeviceTokens, Session, TokenPair},
    passwords::CheckRefused,
    store,
};

/// The second step of a sign-in.
#[derive(Clone, Debug)]
pub(crate) struct ProveSecondFactor {
    /// What the first step returned.
    pub(crate) challenge: String,
    /// A code of the authenticator, or a recovery code.
    pub(crate) code: String,
    /// The network address of the client.
    pub(crate) client: IpAddr,
    /// What the browser sends to be recognised.
    pub(crate) devices: DeviceTokens,
    /// The browser or program.
    pub(crate) user_agent: Option<String>,
}

/// The user was not signed in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProveSecondFactorError {
    /// The challenge was not issued, or expired, or the password was changed.
    #[error("the challenge is not valid")]
    InvalidChallenge,
    /// The code is wrong, or was used before.
    #[error("the code is wrong")]
    WrongCode,
    /// The code was not checked.
    #[error(transparent)]
    NotChecked(#[from] CheckRefused),
    /// The access token could not be signed.
    #[error(transparent)]
    Sign(#[from] KeyError),
    /// The database could not be read or written.
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Starts a session if the code is right. A wrong one counts as a failed attempt of the account, whatever the network is: only
/// who has the password gets here.
pub(crate) async fn prove_second_factor(
    context: &AuthContext,
    command: ProveSecondFactor,
) -> Result<TokenPair, ProveSecondFactorError> {
    let (keys, now) = (context.keys(), context.clock.now());
    let challenge = Challenge::parse(&command.challenge).ok_or(ProveSecondFactorError::InvalidChallenge)?;
    let account = context
        .db
        .read(move |conn| store::find_account(conn, challenge.user_id))
        .await?
        .filter(|account| challenge.is_authentic(&command.challenge, account, now, keys.refresh()))
        .ok_or(ProveSecondFactorError::InvalidChallenge)?;
    let attempt = context.passwords.attempt_code(account.id(), command.client).await;
    let attempt = attempt.inspect_err(|refused| {
        let result = audit_entries::check_refused(*refused);
        let refused = audit_entries::refused("sign-in", Some(account.id()), command.client, result);
        context.refusals.count(refused);
    })?;
    let network = audit_entries::network(command.client);
    let session = Session::start(account.id(), now, keys.refresh())
        .of_client(command.user_agent, network)
        .with_second_factor(now);
    let (refresh_token, expires_at) = (session.refresh_token(keys.refresh()), session.expires_at());
    let session_id = session.state().id;
    let device_token = command.devices.with(session_id, account.id(), keys.refresh());
    let started = audit_entries::session_started("sign-in", account.id(), session_id, command.client);
    let (user, client, code) = (account.clone(), command.client, command.code);
    let encryption = context.live_keys.encryption().clone();
    let proved = context.db.write(move |tx| -> Result<_, ProveSecondFactorError> {
        if !use_code(tx, now, &user, &code, &encryption)? {
            return Err(ProveSecondFactorError::WrongCode);
        }
        let surplus = start_session(tx, now, &session, &user, &started, client)?;
        surplus.ok_or(ProveSecondFactorError::InvalidChallenge)
    });
    let proved = proved.await;
    if matches!(proved, Err(ProveSecondFactorError::WrongCode)) {
        attempt.fail();
        let refused = audit_entries::refused("sign-in", Some(account.id()), client, "wrong-code");
        context.refusals.count(refused);
        return Err(ProveSecondFactorError::WrongCode);
    }
    let surplus = proved?;
    attempt.succeed();
    deny(context, now, surplus);
    let tokens = context
        .issuer
        .issue(account, refresh_token, expires_at, true, keys.signing(), now)?;
    Ok(tokens.with_device_token(device_token))
}
