use std::net::IpAddr;

use token::KeyError;

use crate::{
    app::{App, NotVerified},
    email::Email,
    grant::Grant,
    password::Password,
    session::Session,
    store,
};

/// Somebody says who they are.
#[derive(Clone, Debug)]
pub(crate) struct SignIn {
    /// What they typed as their address. What cannot be one belongs to nobody.
    pub email: String,
    /// What they typed as their password.
    pub password: Password,
    /// Where the request comes from.
    pub from: IpAddr,
}

/// Why somebody is not signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// There is no such account, or it has another password: which of the two is not told, nor shown by the time taken.
    #[error("the email address or the password is wrong")]
    WrongCredentials,
    /// For now, passwords are not looked at.
    #[error(transparent)]
    NotVerified(#[from] NotVerified),
    /// Nothing could be signed.
    #[error(transparent)]
    Sign(#[from] KeyError),
    /// Nothing could be read or written.
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Starts a session for whoever knows address and password of an account.
pub(crate) async fn sign_in(app: &App, command: SignIn) -> Result<Grant, SignInError> {
    let email = Email::parse(&command.email).ok();
    let name = email.as_ref().map_or(&*command.email, Email::key).to_owned();
    let account = app
        .db()
        .read(move |conn| email.map_or(Ok(None), |email| store::account_by_email(conn, &email)))
        .await
        .map_err(|error: db::Error| error)?;
    let hash = account.as_ref().map(|account| account.password_hash.clone());
    let right = app.verify(&name, command.from, command.password, hash).await?;
    let account = account.filter(|_| right).ok_or(SignInError::WrongCredentials)?;

    let (keys, now) = (app.keys(), app.clock().now());
    let session = Session::start(account.id, now, keys.refresh());
    let refresh_token = keys.refresh().token(session.id, session.generation);
    app.db().write(move |tx| store::insert_session(tx, &session)).await?;
    Ok(app.issuer().grant(account, refresh_token, keys.signing(), now)?)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::testing::{World, from};

    fn attempt(email: &str, password: &str) -> SignIn {
        SignIn {
            email: email.to_owned(),
            password: Password::typed(password.to_owned()),
            from: from(1),
        }
    }

    #[tokio::test]
    async fn an_unknown_address_costs_one_hash_as_a_wrong_password_does() {
        let world = World::new().await;
        world.sign_up("ada@example.com", "correct horse").await.unwrap();
        for email in ["ada@example.com", "nobody@example.com", "no address", ""] {
            let before = world.app.hasher().hashed();
            let refused = sign_in(&world.app, attempt(email, "wrong horse")).await;
            assert!(matches!(refused, Err(SignInError::WrongCredentials)), "{email}");
            assert_eq!(world.app.hasher().hashed(), before + 1, "{email}");
        }
    }

    #[tokio::test]
    async fn after_ten_failures_even_the_right_password_is_not_looked_at() {
        let world = World::new().await;
        world.sign_up("ada@example.com", "correct horse").await.unwrap();
        for email in ["ADA@example.com", "nobody@example.com", "no address"] {
            for _ in 0..10 {
                let refused = sign_in(&world.app, attempt(email, "wrong horse")).await;
                assert!(matches!(refused, Err(SignInError::WrongCredentials)), "{email}");
            }
            let before = world.app.hasher().hashed();
            let refused = sign_in(&world.app, attempt(email, "correct horse")).await;
            assert!(
                matches!(refused, Err(SignInError::NotVerified(NotVerified::TooManyFailures(_)))),
                "{email}"
            );
            assert_eq!(world.app.hasher().hashed(), before, "{email}");
        }
        world.clock.advance(Duration::from_mins(15));
        sign_in(&world.app, attempt("ada@example.com", "correct horse"))
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn many_attempts_at_once_are_no_way_around_the_limit() {
        let world = World::new().await;
        let mut crowd = tokio::task::JoinSet::new();
        for _ in 0..60 {
            let app = world.app.clone();
            crowd.spawn(async move { sign_in(&app, attempt("ada@example.com", "wrong horse")).await });
        }
        crowd.join_all().await;
        let at_once = u64::try_from(world.settings.hashers()).unwrap();
        assert!(
            world.app.hasher().hashed() < 10 + at_once,
            "{}",
            world.app.hasher().hashed()
        );
    }

    #[tokio::test]
    async fn many_with_the_right_password_at_once_are_all_let_in() {
        let world = World::new().await;
        world.sign_up("ada@example.com", "correct horse").await.unwrap();
        let mut crowd = tokio::task::JoinSet::new();
        for _ in 0..30 {
            let app = world.app.clone();
            crowd.spawn(async move { sign_in(&app, attempt("ada@example.com", "correct horse")).await });
        }
        assert!(crowd.join_all().await.iter().all(Result::is_ok));
    }
}
