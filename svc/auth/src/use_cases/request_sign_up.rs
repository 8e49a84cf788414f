use idempotency::IdempotencyKey;
use values::UserId;

use super::{
    audit_entries,
    context::AuthContext,
    sign_up::{SignUp, SignUpError},
};
use crate::{
    domain::{CONFIRMATION_LIFETIME, PendingSignUp},
    store,
    store::MailPurpose,
};

/// Requests an account without revealing whether the address has one: the work until the response is the same, and a mail
/// to the address states the outcome. The account exists as soon as its address is confirmed.
///
/// Too many requests for one address send no more mails, and are answered like the others.
pub(crate) async fn request_sign_up(context: &AuthContext, command: SignUp) -> Result<(), SignUpError> {
    let now = context.clock.now();
    if let Some(key) = command.idempotency_key.clone() {
        let stored = move |conn: &rusqlite::Connection| store::pending_sign_up_of_key(conn, key.as_str(), now);
        if let Some(earlier) = context.db.read(stored).await? {
            return repeat(context, command, earlier).await;
        }
    }
    let hashed = context.passwords.hash(command.client, command.password.clone()).await;
    let hashed = hashed.inspect_err(|refused| {
        let result = audit_entries::check_refused(*refused);
        let refused = audit_entries::refused("sign-up", None, command.client, result);
        context.refusals.count(refused);
    })?;
    let elapsed = context.clock.elapsed();
    if context.mail_counts.count_address(command.email.key(), elapsed).is_err() {
        return Ok(());
    }
    let now = context.clock.now();
    let sign_up = PendingSignUp {
        user_id: UserId::new(now),
        email: command.email.as_str().to_owned(),
        password_hash: hashed.hash.clone(),
        profile: command.profile.clone(),
        expires_at: now + CONFIRMATION_LIFETIME,
    };
    let (email, key) = (command.email.clone(), command.idempotency_key.clone());
    let earlier = context.db.write(move |tx| -> Result<_, db::Error> {
        if store::insert_pending_sign_up(tx, &sign_up, &email, key.as_ref(), now)? {
            store::insert_mail_request(tx, MailPurpose::SignUp, email.key(), Some(sign_up.user_id))?;
            return Ok(None);
        }
        // A concurrent request with the same key was faster.
        let key = key.as_ref().map_or("", IdempotencyKey::as_str);
        store::pending_sign_up_of_key(tx, key, now)
    });
    match earlier.await? {
        Some(earlier) => repeat(context, command, earlier).await,
        None => Ok(()),
    }
}

/// Recognises a repeated request by its address and password. A wrong password counts as a failed attempt.
async fn repeat(context: &AuthContext, command: SignUp, earlier: PendingSignUp) -> Result<(), SignUpError> {
    let Some(key) = command
        .idempotency_key
        .filter(|_| earlier.email == command.email.as_str())
    else {
        return Err(SignUpError::KeyReused);
    };
    let (client, hash) = (command.client, earlier.password_hash);
    let checked = context
        .passwords
        .check_repeated_sign_up(key.as_str(), client, command.password, hash);
    if checked.await? {
        Ok(())
    } else {
        Err(SignUpError::KeyReused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::Email, test_support::TestService};

    #[tokio::test]
    async fn the_key_of_a_sign_up_that_has_expired_can_be_used_again() {
        let service = TestService::new().await;
        let email = Email::parse("ada@example.com").unwrap();
        for _ in 0..2 {
            service
                .request_sign_up(email.as_str(), "correct horse", Some("1"))
                .await;
            let (key, now) = (email.key().to_owned(), service.clock.now());
            let db = &service.context.db;
            let pending = db.read(move |conn| store::newest_pending_sign_up(conn, &key, now));
            assert!(pending.await.unwrap().is_some());
            service.clock.advance(CONFIRMATION_LIFETIME);
        }
    }
}
