use std::net::IpAddr;

use db::Tx;
use idempotency::{IdempotencyKey, RETENTION};
use rusqlite::Connection;
use token::KeyError;
use values::{Timestamp, UserId};

use super::context::AuthContext;
use crate::{
    domain::{Account, Email, MAX_IDLE, Password, Session, SignUpRecord, TokenPair},
    passwords::{CheckRefused, Purpose, QueueFull},
    store,
};

/// The request for an account.
#[derive(Clone, Debug)]
pub(crate) struct SignUp {
    pub(crate) email: Email,
    pub(crate) password: Password,
    pub(crate) idempotency_key: Option<IdempotencyKey>,
    /// The network address of the client.
    pub(crate) client: IpAddr,
}

/// No account was created.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignUpError {
    /// The email address has an account.
    #[error("this email address has an account already")]
    EmailTaken,
    /// The key was used with another email address or password.
    #[error("this idempotency key was used for another sign-up")]
    KeyReused,
    /// The password was not hashed or checked.
    #[error(transparent)]
    NotChecked(#[from] CheckRefused),
    /// The key that signed the first response is not stored any more. It is retained longer than the record.
    #[error("the signing key {0} is gone")]
    KeyGone(String),
    /// The access token could not be signed.
    #[error(transparent)]
    Sign(#[from] KeyError),
    /// The database could not be read or written.
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<QueueFull> for SignUpError {
    fn from(full: QueueFull) -> Self {
        Self::NotChecked(full.into())
    }
}

/// Creates an account and starts its first session.
///
/// A repeated request with the same idempotency key, email address and password returns the same tokens.
pub(crate) async fn sign_up(context: &AuthContext, command: SignUp) -> Result<TokenPair, SignUpError> {
    if let Some(earlier) = check_before_hashing(context, &command).await? {
        return repeat(context, command, earlier).await;
    }
    let password_hash = context.passwords.hash(command.client, command.password.clone()).await?;
    let (keys, now) = (context.keys(), context.clock.now());
    let account = Account {
        id: UserId::new(now),
        email: command.email.as_str().to_owned(),
        password_hash,
    };
    let session = Session::start(account.id, now, keys.refresh());
    let (refresh_token, expires_at) = (session.refresh_token(keys.refresh()), session.expires_at());
    let record = command.idempotency_key.clone().map(|key| {
        let record = SignUpRecord {
            session_id: session.state().id,
            kid: keys.signing().kid().to_owned(),
            signed_at: now,
        };
        (key, record)
    });
    let new = NewAccount {
        account: account.clone(),
        email: command.email.clone(),
        session,
        record,
    };
    match context.db.write(move |tx| insert(tx, now, &new)).await? {
        Some(earlier) => repeat(context, command, earlier).await,
        None => Ok(context
            .issuer
            .issue(account, refresh_token, expires_at, keys.signing(), now)?),
    }
}

/// An earlier sign-up with the same idempotency key.
struct EarlierSignUp {
    record: SignUpRecord,
    account: Account,
}

/// Returns an earlier sign-up, or an error if the address is taken, without the cost of hashing a password.
async fn check_before_hashing(context: &AuthContext, command: &SignUp) -> Result<Option<EarlierSignUp>, SignUpError> {
    let (email, key, now) = (
        command.email.clone(),
        command.idempotency_key.clone(),
        context.clock.now(),
    );
    context
        .db
        .read(move |conn| {
            if let Some(earlier) = key.map_or(Ok(None), |key| find_earlier(conn, &key, now))? {
                return Ok(Some(earlier));
            }
            store::find_account_by_email(conn, &email)?.map_or(Ok(None), |_| Err(SignUpError::EmailTaken))
        })
        .await
}

fn find_earlier(conn: &Connection, key: &IdempotencyKey, now: Timestamp) -> Result<Option<EarlierSignUp>, db::Error> {
    let Some(record) = store::find_sign_up(conn, key.as_str(), now - RETENTION)? else {
        return Ok(None);
    };
    let session = store::find_session(conn, record.session_id)?;
    let account = session.map_or(Ok(None), |session| store::find_account(conn, session.state().user_id))?;
    Ok(account.map(|account| EarlierSignUp { record, account }))
}

struct NewAccount {
    account: Account,
    email: Email,
    session: Session,
    record: Option<(IdempotencyKey, SignUpRecord)>,
}

/// Inserts the account with its first session. Returns the earlier sign-up if a concurrent request with the same key was
/// faster.
fn insert(tx: &Tx, now: Timestamp, new: &NewAccount) -> Result<Option<EarlierSignUp>, SignUpError> {
    if let Some((key, _)) = &new.record
        && let Some(earlier) = find_earlier(tx, key, now)?
    {
        return Ok(Some(earlier));
    }
    if !store::insert_account(tx, &new.account, &new.email, now)? {
        return Err(SignUpError::EmailTaken);
    }
    store::insert_session(tx, &new.session)?;
    if let Some((key, record)) = &new.record {
        store::insert_sign_up(tx, key.as_str(), record)?;
    }
    Ok(None)
}

/// Derives the tokens of an earlier sign-up again, if the password is right.
///
/// A wrong one counts as a failed attempt to sign in. Otherwise passwords could be guessed with a guessed key.
async fn repeat(context: &AuthContext, command: SignUp, earlier: EarlierSignUp) -> Result<TokenPair, SignUpError> {
    let EarlierSignUp { record, account } = earlier;
    if account.email != command.email.as_str() {
        return Err(SignUpError::KeyReused);
    }
    let hash = Some(account.password_hash.clone());
    if !context
        .passwords
        .check(
            Purpose::SignUp,
            command.email.key(),
            command.client,
            command.password,
            hash,
        )
        .await?
    {
        return Err(SignUpError::KeyReused);
    }
    let keys = context.keys();
    let signing_key = keys.get(&record.kid).ok_or(SignUpError::KeyGone(record.kid))?;
    let refresh_token = keys.refresh().token(record.session_id, 0);
    Ok(context.issuer.issue(
        account,
        refresh_token,
        // As in the first response.
        record.signed_at + MAX_IDLE,
        signing_key,
        record.signed_at,
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{TestService, client_address};

    fn command(email: &str, password: &str, key: Option<&str>) -> SignUp {
        SignUp {
            email: Email::parse(email).unwrap(),
            password: Password::parse(password.to_owned()).unwrap(),
            idempotency_key: key.map(|key| key.parse().unwrap()),
            client: client_address(1),
        }
    }

    #[tokio::test]
    async fn of_concurrent_sign_ups_with_one_address_one_succeeds() {
        let service = TestService::new().await;
        let mut requests = tokio::task::JoinSet::new();
        for spelling in [
            "ada@example.com",
            "ADA@example.com",
            "Ada@Example.Com",
            "ada@EXAMPLE.com",
        ] {
            let context = service.context.clone();
            requests.spawn(async move { sign_up(&context, command(spelling, "correct horse", None)).await });
        }
        let outcomes = requests.join_all().await;
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
    async fn a_guessed_idempotency_key_cannot_be_used_to_guess_passwords() {
        let service = TestService::new().await;
        sign_up(&service.context, command("ada@example.com", "correct horse", Some("1")))
            .await
            .unwrap();
        for _ in 0..10 {
            let refused = sign_up(&service.context, command("ada@example.com", "wrong horse", Some("1"))).await;
            assert!(matches!(refused, Err(SignUpError::KeyReused)));
        }
        let refused = sign_up(&service.context, command("ada@example.com", "correct horse", Some("1"))).await;
        assert!(matches!(
            refused,
            Err(SignUpError::NotChecked(CheckRefused::TooManyFailures(_)))
        ));
    }

    #[tokio::test]
    async fn an_idempotency_key_can_be_reused_after_a_day() {
        let service = TestService::new().await;
        sign_up(&service.context, command("ada@example.com", "correct horse", Some("1")))
            .await
            .unwrap();
        service.clock.advance(RETENTION);
        let tokens = sign_up(&service.context, command("bob@example.com", "correct horse", Some("1")))
            .await
            .unwrap();
        assert_eq!(tokens.email, "bob@example.com");
    }
}
