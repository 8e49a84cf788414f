use std::net::IpAddr;

use audit::Entry;
use db::Tx;
use idempotency::{IdempotencyKey, RETENTION};
use rusqlite::Connection;
use sealing::EncryptionKeys;
use token::KeyError;
use values::{Timestamp, UserId};

use super::{audit_entries, context::AuthContext, mails::send_confirmation};
use crate::{
    domain::{Account, DeviceTokens, Email, MAX_IDLE, Password, Profile, Session, SignUpRecord, TokenPair},
    events::publish_account,
    passwords::CheckRefused,
    store,
};

/// The request for an account.
#[derive(Clone, Debug)]
pub(crate) struct SignUp {
    pub(crate) email: Email,
    pub(crate) password: Password,
    pub(crate) profile: Profile,
    pub(crate) idempotency_key: Option<IdempotencyKey>,
    /// The network address of the client.
    pub(crate) client: IpAddr,
    /// What the browser sends to be recognised.
    pub(crate) devices: DeviceTokens,
    /// The browser or program.
    pub(crate) user_agent: Option<String>,
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

/// Creates an account, starts its first session, and requests the mail that confirms the address.
///
/// A repeated request with the same idempotency key, email address and password returns the same tokens, whatever the limits
/// are. An address that has an account costs the same hash as a new one, and counts as a failed attempt of the network.
pub(crate) async fn sign_up(context: &AuthContext, command: SignUp) -> Result<TokenPair, SignUpError> {
    if let Some(earlier) = find_repeated(context, &command).await? {
        return repeat(context, command, earlier).await;
    }
    let refuse = |result| {
        let refused = audit_entries::refused("sign-up", None, command.client, result);
        context.refusals.count(refused);
    };
    let hashed = context.passwords.hash(command.client, command.password.clone()).await;
    let hashed = hashed.inspect_err(|refused| refuse(audit_entries::check_refused(*refused)))?;
    let (keys, now) = (context.keys(), context.clock.now());
    let account = Account::new(
        UserId::new(now),
        &command.email,
        hashed.hash.clone(),
        command.profile.clone(),
        now,
    );
    let network = audit_entries::network(command.client);
    let session = Session::start(account.id(), now, keys.refresh()).of_client(command.user_agent.clone(), network);
    let (refresh_token, expires_at) = (session.refresh_token(keys.refresh()), session.expires_at());
    let record = command.idempotency_key.clone().map(|key| {
        let record = SignUpRecord {
            session_id: session.state().id,
            kid: keys.signing().kid().to_owned(),
            signed_at: now,
        };
        (key, record)
    });
    let device_token = command.devices.with(session.state().id, account.id(), keys.refresh());
    let new = NewAccount {
        account: account.clone(),
        email: command.email.clone(),
        audited: audit_entries::session_started("sign-up", account.id(), session.state().id, command.client),
        session,
        record,
        mail_keys: context.mail_keys.clone(),
    };
    let inserted = context.db.write(move |tx| insert(tx, now, &new)).await;
    if matches!(inserted, Err(SignUpError::EmailTaken)) {
        hashed.address_is_taken();
        refuse("email-taken");
    }
    if let Some(earlier) = inserted? {
        return repeat(context, command, earlier).await;
    }
    let tokens = context
        .issuer
        .issue(account, refresh_token, expires_at, false, keys.signing(), now)?;
    Ok(tokens.with_device_token(device_token))
}

/// An earlier sign-up with the same idempotency key.
struct EarlierSignUp {
    key: IdempotencyKey,
    record: SignUpRecord,
    account: Account,
}

/// Returns the earlier sign-up that a request repeats.
async fn find_repeated(context: &AuthContext, command: &SignUp) -> Result<Option<EarlierSignUp>, SignUpError> {
    let Some(key) = command.idempotency_key.clone() else {
        return Ok(None);
    };
    let now = context.clock.now();
    Ok(context.db.read(move |conn| find_earlier(conn, &key, now)).await?)
}

fn find_earlier(conn: &Connection, key: &IdempotencyKey, now: Timestamp) -> Result<Option<EarlierSignUp>, db::Error> {
    let Some(record) = store::find_sign_up(conn, key.as_str(), now - RETENTION)? else {
        return Ok(None);
    };
    let session = store::find_session(conn, record.session_id)?;
    let account = session.map_or(Ok(None), |session| store::find_account(conn, session.state().user_id))?;
    Ok(account.map(|account| EarlierSignUp {
        key: key.clone(),
        record,
        account,
    }))
}

struct NewAccount {
    account: Account,
    email: Email,
    session: Session,
    record: Option<(IdempotencyKey, SignUpRecord)>,
    audited: Entry,
    mail_keys: EncryptionKeys,
}

/// Inserts the account with its first session. Returns the earlier sign-up if a concurrent request with the same key was
/// faster.
fn insert(tx: &Tx, now: Timestamp, new: &NewAccount) -> Result<Option<EarlierSignUp>, SignUpError> {
    if let Some((key, _)) = &new.record
        && let Some(earlier) = find_earlier(tx, key, now)?
    {
        return Ok(Some(earlier));
    }
    if !store::insert_account(tx, &new.account, &new.email)? {
        return Err(SignUpError::EmailTaken);
    }
    publish_account(tx, now, &new.account)?;
    send_confirmation(tx, now, &new.mail_keys, &new.account)?;
    store::insert_session(tx, &new.session)?;
    audit::append(tx, now, &new.audited)?;
    if let Some((key, record)) = &new.record {
        store::insert_sign_up(tx, key.as_str(), record)?;
    }
    Ok(None)
}

/// Derives the tokens of an earlier sign-up again, if the password is right.
///
/// A wrong one counts as a failed attempt. Otherwise passwords could be guessed with a guessed key.
async fn repeat(context: &AuthContext, command: SignUp, earlier: EarlierSignUp) -> Result<TokenPair, SignUpError> {
    let EarlierSignUp { key, record, account } = earlier;
    if account.email() != command.email.as_str() {
        return Err(SignUpError::KeyReused);
    }
    let (client, hash) = (command.client, account.password_hash().unwrap_or_default().to_owned());
    let checked = context
        .passwords
        .check_repeated_sign_up(key.as_str(), client, command.password, hash);
    if !checked.await? {
        return Err(SignUpError::KeyReused);
    }
    let keys = context.keys();
    let signing_key = keys.get(&record.kid).ok_or(SignUpError::KeyGone(record.kid))?;
    let refresh_token = keys.refresh().token(record.session_id, 0);
    let device_token = command.devices.with(record.session_id, account.id(), keys.refresh());
    // As in the first response.
    let (expires_at, signed_at) = (record.signed_at + MAX_IDLE, record.signed_at);
    let tokens = context
        .issuer
        .issue(account, refresh_token, expires_at, false, signing_key, signed_at)?;
    Ok(tokens.with_device_token(device_token))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        settings::Settings,
        test_support::{TestService, client_address},
    };

    fn command(email: &str, password: &str, key: Option<&str>) -> SignUp {
        SignUp {
            email: Email::parse(email).unwrap(),
            password: Password::parse(password.to_owned()).unwrap(),
            profile: Profile {
                name: None,
                language: values::Language::English,
            },
            idempotency_key: key.map(|key| key.parse().unwrap()),
            client: client_address(1),
            devices: DeviceTokens::default(),
            user_agent: None,
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
    async fn a_repeated_sign_up_gets_its_tokens_whatever_its_network_has_done() {
        let service = TestService::with(Settings {
            failures_per_address: 4,
            ..Settings::default()
        })
        .await;
        let first = sign_up(&service.context, command("ada@example.com", "correct horse", Some("1")))
            .await
            .unwrap();
        for _ in 0..4 {
            let refused = sign_up(&service.context, command("ada@example.com", "correct horse", None)).await;
            assert!(matches!(refused, Err(SignUpError::EmailTaken)));
        }
        let refused = sign_up(&service.context, command("bob@example.com", "correct horse", None)).await;
        assert!(matches!(
            refused,
            Err(SignUpError::NotChecked(CheckRefused::TooManyFailures(_)))
        ));
        let again = sign_up(&service.context, command("ada@example.com", "correct horse", Some("1")))
            .await
            .unwrap();
        assert_eq!(again.access_token, first.access_token);
        assert_eq!(again.device_token, first.device_token);
    }

    #[tokio::test]
    async fn sign_ups_of_a_network_are_limited() {
        let service = TestService::with(Settings {
            sign_ups_per_address: 4,
            ..Settings::default()
        })
        .await;
        for number in 0..4 {
            let email = format!("user{number}@example.com");
            service.sign_up(&email, "correct horse").await.unwrap();
        }
        let hashes = service.hash_count();
        let refused = service.sign_up("late@example.com", "correct horse").await;
        assert!(matches!(
            refused,
            Err(SignUpError::NotChecked(CheckRefused::TooManySignUps(_)))
        ));
        assert_eq!(service.hash_count(), hashes);
        let elsewhere = SignUp {
            client: client_address(2),
            ..command("late@example.com", "correct horse", None)
        };
        sign_up(&service.context, elsewhere).await.unwrap();
    }

    #[tokio::test]
    async fn a_taken_address_costs_the_same_hash_as_a_new_one() {
        let service = TestService::new().await;
        service.sign_up("ada@example.com", "correct horse").await.unwrap();
        for email in ["ada@example.com", "bob@example.com", "ADA@EXAMPLE.COM"] {
            let before = service.hash_count();
            let _ = service.sign_up(email, "another horse").await;
            assert_eq!(service.hash_count(), before + 1, "{email}");
        }
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
        assert_eq!(tokens.account.email(), "bob@example.com");
    }
}
