use std::net::IpAddr;

use db::Tx;
use idempotency::{Key, RETENTION};
use token::KeyError;
use values::{Timestamp, UserId};

use crate::{
    account::Account,
    app::{App, NotVerified},
    email::Email,
    grant::Grant,
    hasher::LineIsFull,
    password::Password,
    session::Session,
    store::{self, SignUpKey},
};

/// Somebody wants an account.
#[derive(Clone, Debug)]
pub(crate) struct SignUp {
    /// Their address; nobody else may have it.
    pub email: Email,
    /// The password that they chose.
    pub password: Password,
    /// What they name this request by.
    pub key: Option<Key>,
    /// Where the request comes from.
    pub from: IpAddr,
}

/// Why there is no new account.
#[derive(Debug, thiserror::Error)]
pub enum SignUpError {
    /// Somebody has this address already.
    #[error("this email address has an account already")]
    EmailTaken,
    /// The key stands for another sign-up.
    #[error("this idempotency key was used for another sign-up")]
    KeyReused,
    /// For now, passwords are not looked at.
    #[error(transparent)]
    NotVerified(#[from] NotVerified),
    /// The key that signed the first answer is gone; it is kept longer than the answer.
    #[error("the signing key {0} is gone")]
    KeyGone(String),
    /// Nothing could be signed.
    #[error(transparent)]
    Sign(#[from] KeyError),
    /// Nothing could be read or written.
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<LineIsFull> for SignUpError {
    fn from(full: LineIsFull) -> Self {
        Self::NotVerified(full.into())
    }
}

/// Makes an account, and signs its owner in.
///
/// By the same key, address and password the same is given again: the account is not made twice.
pub(crate) async fn sign_up(app: &App, command: SignUp) -> Result<Grant, SignUpError> {
    if let Some(before) = look(app, &command).await? {
        return again(app, command, before).await;
    }
    let hash = app.hasher().hash(command.password.clone()).await?;
    let (keys, now) = (app.keys(), app.clock().now());
    let account = Account {
        id: UserId::new(now),
        email: command.email.as_str().to_owned(),
        password_hash: hash,
    };
    let session = Session::start(account.id, now, keys.refresh());
    let refresh_token = keys.refresh().token(session.id, session.generation);
    let by_key = command.key.clone().map(|key| {
        let sign_up = SignUpKey {
            session_id: session.id,
            kid: keys.signing().kid().to_owned(),
            at: now,
        };
        (key, sign_up)
    });
    let entry = Entry {
        account: account.clone(),
        email: command.email.clone(),
        session,
        by_key,
    };
    match app.db().write(move |tx| enter(tx, now, &entry)).await? {
        Some(before) => again(app, command, before).await,
        None => Ok(app.issuer().grant(account, refresh_token, keys.signing(), now)?),
    }
}

/// A sign-up that was done before by the same key.
struct Before {
    by_key: SignUpKey,
    account: Account,
}

/// Whether the key was used before, and the address is free: before a password is hashed for nothing.
async fn look(app: &App, command: &SignUp) -> Result<Option<Before>, SignUpError> {
    let (email, key, now) = (command.email.clone(), command.key.clone(), app.clock().now());
    app.db()
        .read(move |conn| {
            if let Some(before) = key.map_or(Ok(None), |key| before(conn, &key, now))? {
                return Ok(Some(before));
            }
            store::account_by_email(conn, &email)?.map_or(Ok(None), |_| Err(SignUpError::EmailTaken))
        })
        .await
}

fn before(conn: &rusqlite::Connection, key: &Key, now: Timestamp) -> Result<Option<Before>, db::Error> {
    let Some(by_key) = store::sign_up_key(conn, key.as_str(), now - RETENTION)? else {
        return Ok(None);
    };
    let session = store::session(conn, by_key.session_id)?;
    let account = session.map_or(Ok(None), |session| store::account(conn, session.user_id))?;
    Ok(account.map(|account| Before { by_key, account }))
}

struct Entry {
    account: Account,
    email: Email,
    session: Session,
    by_key: Option<(Key, SignUpKey)>,
}

/// Enters the account with its first session, unless somebody was faster: by the same key, which is told, or with the
/// same address.
fn enter(tx: &Tx, now: Timestamp, entry: &Entry) -> Result<Option<Before>, SignUpError> {
    if let Some((key, _)) = &entry.by_key
        && let Some(before) = before(tx, key, now)?
    {
        return Ok(Some(before));
    }
    if !store::insert_account(tx, &entry.account, &entry.email, now)? {
        return Err(SignUpError::EmailTaken);
    }
    store::insert_session(tx, &entry.session)?;
    if let Some((key, sign_up)) = &entry.by_key {
        store::insert_sign_up_key(tx, key.as_str(), sign_up)?;
    }
    Ok(None)
}

/// Gives what was given before, to whoever knows the password.
///
/// A wrong one counts as a failed attempt to sign in: by an easy key, passwords could be tried here.
async fn again(app: &App, command: SignUp, before: Before) -> Result<Grant, SignUpError> {
    let Before { by_key, account } = before;
    if account.email != command.email.as_str() {
        return Err(SignUpError::KeyReused);
    }
    let hash = Some(account.password_hash.clone());
    if !app
        .verify(command.email.key(), command.from, command.password, hash)
        .await?
    {
        return Err(SignUpError::KeyReused);
    }
    let keys = app.keys();
    let signed = keys.get(&by_key.kid).ok_or(SignUpError::KeyGone(by_key.kid))?;
    let refresh_token = keys.refresh().token(by_key.session_id, 0);
    Ok(app.issuer().grant(account, refresh_token, signed, by_key.at)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, from};

    fn command(email: &str, password: &str, key: Option<&str>) -> SignUp {
        SignUp {
            email: Email::parse(email).unwrap(),
            password: Password::parse(password.to_owned()).unwrap(),
            key: key.map(|key| key.parse().unwrap()),
            from: from(1),
        }
    }

    #[tokio::test]
    async fn of_many_who_want_one_address_at_once_one_gets_it() {
        let world = World::new().await;
        let mut crowd = tokio::task::JoinSet::new();
        for spelling in [
            "ada@example.com",
            "ADA@example.com",
            "Ada@Example.Com",
            "ada@EXAMPLE.com",
        ] {
            let app = world.app.clone();
            crowd.spawn(async move { sign_up(&app, command(spelling, "correct horse", None)).await });
        }
        let outcomes = crowd.join_all().await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        assert_eq!(
            outcomes
                .iter()
                .filter(|outcome| matches!(outcome, Err(SignUpError::EmailTaken)))
                .count(),
            3
        );
    }

    #[tokio::test]
    async fn an_easy_key_is_no_way_to_try_passwords() {
        let world = World::new().await;
        sign_up(&world.app, command("ada@example.com", "correct horse", Some("1")))
            .await
            .unwrap();
        for _ in 0..10 {
            let refused = sign_up(&world.app, command("ada@example.com", "wrong horse", Some("1"))).await;
            assert!(matches!(refused, Err(SignUpError::KeyReused)));
        }
        let refused = sign_up(&world.app, command("ada@example.com", "correct horse", Some("1"))).await;
        assert!(matches!(
            refused,
            Err(SignUpError::NotVerified(NotVerified::TooManyFailures(_)))
        ));
    }

    #[tokio::test]
    async fn after_a_day_a_key_is_new_again() {
        let world = World::new().await;
        sign_up(&world.app, command("ada@example.com", "correct horse", Some("1")))
            .await
            .unwrap();
        world.clock.advance(RETENTION);
        let grant = sign_up(&world.app, command("bob@example.com", "correct horse", Some("1")))
            .await
            .unwrap();
        assert_eq!(grant.email, "bob@example.com");
    }
}
