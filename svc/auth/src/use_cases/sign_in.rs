use std::net::IpAddr;

use token::KeyError;

use super::{audit_entries, context::AuthContext, end_sessions::deny, start_session::start_session};
use crate::{
    domain::{Account, Challenge, DeviceTokens, Email, Password, Session, TokenPair},
    passwords::CheckRefused,
    store,
};

/// The request to sign in.
#[derive(Clone, Debug)]
pub(crate) struct SignIn {
    /// The email address as it was typed. A text that is not one matches no account.
    pub(crate) email: String,
    pub(crate) password: Password,
    /// The network address of the client.
    pub(crate) client: IpAddr,
    /// What the browser sends to be recognised.
    pub(crate) devices: DeviceTokens,
    /// The browser or program.
    pub(crate) user_agent: Option<String>,
}

/// A user was not signed in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignInError {
    /// No such account, or another password. Neither the response nor its timing tells them apart.
    #[error("the email address or the password is wrong")]
    WrongCredentials,
    /// The password was not checked.
    #[error(transparent)]
    NotChecked(#[from] CheckRefused),
    /// The access token could not be signed.
    #[error(transparent)]
    Sign(#[from] KeyError),
    /// The database could not be read or written.
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// The password is right.
#[derive(Debug)]
pub(crate) enum SignInOutcome {
    /// The user is signed in.
    SignedIn(Box<TokenPair>),
    /// The account has a second factor: what the second step needs.
    Challenged(String),
}

/// Starts a session if the email address and the password are those of an account. If the account has a second factor, returns a
/// challenge instead.
pub(crate) async fn sign_in(context: &AuthContext, command: SignIn) -> Result<SignInOutcome, SignInError> {
    let email = Email::parse(&command.email).ok();
    let account_key = email.as_ref().map_or(&*command.email, Email::key).to_owned();
    let found = context.db.read(move |conn| -> Result<_, db::Error> {
        let account = email.map_or(Ok(None), |email| store::find_account_by_email(conn, &email))?;
        let factor = account
            .as_ref()
            .map(|account| store::find_second_factor(conn, account.id()));
        let factor = factor.transpose()?.flatten();
        Ok((account, factor.is_some_and(|factor| factor.enabled_at.is_some())))
    });
    let (account, has_second_factor) = found.await?;
    let hash = account
        .as_ref()
        .and_then(|account| account.password_hash().map(ToOwned::to_owned));
    let (keys, now) = (context.keys(), context.clock.now());
    let device = account
        .as_ref()
        .and_then(|account| command.devices.recognise(account.id(), now, keys.refresh()));
    let (passwords, password, client) = (&context.passwords, command.password, command.client);
    let matches = if has_second_factor {
        passwords
            .check_first(&account_key, client, device, password, hash)
            .await
    } else {
        passwords.check(&account_key, client, device, password, hash).await
    };
    let refusal = match &matches {
        Ok(true) => None,
        Ok(false) => Some("wrong-credentials"),
        Err(refused) => Some(audit_entries::check_refused(*refused)),
    };
    if let Some(result) = refusal {
        let user_id = account.as_ref().map(Account::id);
        context
            .refusals
            .count(audit_entries::refused("sign-in", user_id, command.client, result));
    }
    let matches = matches?;
    let account = account.filter(|_| matches).ok_or(SignInError::WrongCredentials)?;

    let (keys, now) = (context.keys(), context.clock.now());
    if has_second_factor {
        return Ok(SignInOutcome::Challenged(Challenge::issue(
            &account,
            now,
            keys.refresh(),
        )));
    }
    let network = audit_entries::network(command.client);
    let session = Session::start(account.id(), now, keys.refresh()).of_client(command.user_agent, network);
    let (refresh_token, expires_at) = (session.refresh_token(keys.refresh()), session.expires_at());
    let device_token = command.devices.with(session.state().id, account.id(), keys.refresh());
    let started = audit_entries::session_started("sign-in", account.id(), session.state().id, command.client);
    let checked = account.clone();
    let surplus = context
        .db
        .write(move |tx| start_session(tx, now, &session, &checked, &started, client));
    deny(context, now, surplus.await?.ok_or(SignInError::WrongCredentials)?);
    let tokens = context
        .issuer
        .issue(account, refresh_token, expires_at, false, keys.signing(), now)?;
    Ok(SignInOutcome::SignedIn(Box::new(
        tokens.with_device_token(device_token),
    )))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        passwords::TooManyFailures,
        test_support::{TestService, client_address},
    };

    fn attempt(email: &str, password: &str) -> SignIn {
        SignIn {
            email: email.to_owned(),
            password: Password::from_typed(password.to_owned()),
            client: client_address(1),
            devices: DeviceTokens::default(),
            user_agent: None,
        }
    }

    #[tokio::test]
    async fn an_unknown_address_costs_one_hash_like_a_wrong_password() {
        let service = TestService::new().await;
        service.sign_up("ada@example.com", "correct horse").await.unwrap();
        for email in ["ada@example.com", "nobody@example.com", "no address", ""] {
            let before = service.hash_count();
            let refused = sign_in(&service.context, attempt(email, "wrong horse")).await;
            assert!(matches!(refused, Err(SignInError::WrongCredentials)), "{email}");
            assert_eq!(service.hash_count(), before + 1, "{email}");
        }
    }

    #[tokio::test]
    async fn after_ten_failures_not_even_the_right_password_is_checked() {
        let service = TestService::new().await;
        service.sign_up("ada@example.com", "correct horse").await.unwrap();
        for email in ["ADA@example.com", "nobody@example.com", "no address"] {
            for _ in 0..10 {
                let refused = sign_in(&service.context, attempt(email, "wrong horse")).await;
                assert!(matches!(refused, Err(SignInError::WrongCredentials)), "{email}");
            }
            let before = service.hash_count();
            let refused = sign_in(&service.context, attempt(email, "correct horse")).await;
            assert!(
                matches!(refused, Err(SignInError::NotChecked(CheckRefused::TooManyFailures(_)))),
                "{email}"
            );
            assert_eq!(service.hash_count(), before, "{email}");
        }
        service.clock.advance(Duration::from_mins(15));
        sign_in(&service.context, attempt("ada@example.com", "correct horse"))
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn a_browser_that_signed_in_before_is_not_locked_out_by_failures_elsewhere() {
        let service = TestService::new().await;
        let owner = service.sign_up("ada@example.com", "correct horse").await.unwrap();
        let known = DeviceTokens::parse(&owner.device_token.unwrap());
        for network in 2..12 {
            for _ in 0..10 {
                let guess = SignIn {
                    client: client_address(network),
                    ..attempt("ada@example.com", "wrong horse")
                };
                let refused = sign_in(&service.context, guess).await;
                assert!(refused.is_err());
            }
        }
        assert!(service.hash_count() <= 51, "the account is slowed down");
        let stranger = sign_in(&service.context, attempt("ada@example.com", "correct horse")).await;
        assert!(matches!(
            stranger,
            Err(SignInError::NotChecked(CheckRefused::TooManyFailures(TooManyFailures(wait)))) if wait <= Duration::from_secs(10)
        ));
        let recognised = SignIn {
            devices: known.clone(),
            ..attempt("ADA@example.com", "correct horse")
        };
        let signed_in = sign_in(&service.context, recognised.clone()).await.unwrap();
        let SignInOutcome::SignedIn(tokens) = signed_in else {
            panic!("{signed_in:?}");
        };
        assert!(tokens.device_token.is_some());
        // The same browser is a stranger to another account.
        service.sign_up("bob@example.com", "correct horse").await.unwrap();
        for _ in 0..10 {
            let guess = SignIn {
                devices: known.clone(),
                ..attempt("bob@example.com", "wrong horse")
            };
            assert!(sign_in(&service.context, guess).await.is_err());
        }
        let refused = sign_in(&service.context, attempt("bob@example.com", "correct horse")).await;
        assert!(matches!(refused, Err(SignInError::NotChecked(_))));
        sign_in(&service.context, recognised).await.unwrap();
    }

    #[tokio::test]
    async fn a_clock_that_is_set_back_prolongs_no_lock() {
        let service = TestService::new().await;
        service.sign_up("ada@example.com", "correct horse").await.unwrap();
        for _ in 0..10 {
            let refused = sign_in(&service.context, attempt("ada@example.com", "wrong horse")).await;
            assert!(matches!(refused, Err(SignInError::WrongCredentials)));
        }
        service.clock.set_back(Duration::from_hours(1));
        let locked = sign_in(&service.context, attempt("ada@example.com", "correct horse")).await;
        assert!(matches!(
            locked,
            Err(SignInError::NotChecked(CheckRefused::TooManyFailures(TooManyFailures(wait)))) if wait <= Duration::from_mins(15)
        ));
        service.clock.advance(Duration::from_mins(15));
        sign_in(&service.context, attempt("ada@example.com", "correct horse"))
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn concurrent_attempts_do_not_exceed_the_limit() {
        let service = TestService::new().await;
        let mut requests = tokio::task::JoinSet::new();
        for _ in 0..60 {
            let context = service.context.clone();
            requests.spawn(async move { sign_in(&context, attempt("ada@example.com", "wrong horse")).await });
        }
        let outcomes = requests.join_all().await;
        let wrong = |outcome: &&Result<_, _>| matches!(outcome, Err(SignInError::WrongCredentials));
        assert_eq!(outcomes.iter().filter(wrong).count(), 10);
        assert_eq!(service.hash_count(), 10);
    }

    #[tokio::test]
    async fn concurrent_requests_with_the_right_password_all_sign_in() {
        let service = TestService::new().await;
        service.sign_up("ada@example.com", "correct horse").await.unwrap();
        let mut requests = tokio::task::JoinSet::new();
        for _ in 0..30 {
            let context = service.context.clone();
            requests.spawn(async move { sign_in(&context, attempt("ada@example.com", "correct horse")).await });
        }
        assert!(requests.join_all().await.iter().all(Result::is_ok));
    }
}
