use db::Tx;

use crate::{domain::Email, store};

/// The number of accounts that one transaction updates.
const PAGE_SIZE: u32 = 500;

/// Computes the keys of some accounts again that an earlier release has stored. Returns how many; 0 means that none is left.
///
/// Addresses that had different keys before have different ones now, so no account is lost or merged.
pub(crate) fn update_email_keys(tx: &Tx) -> Result<usize, db::Error> {
    let outdated = store::outdated_email_keys(tx, PAGE_SIZE)?;
    for (id, typed) in &outdated {
        let is_updated = match Email::parse(typed) {
            Ok(email) => store::update_email_key(tx, *id, &email)?,
            Err(_) => false,
        };
        if !is_updated {
            tracing::error!(user = %id, "key of an email address could not be updated, it stays as it is");
        }
        store::delete_outdated_email_key(tx, *id)?;
    }
    Ok(outdated.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{DeviceTokens, Password},
        test_support::{TestService, client_address},
        use_cases::{SignIn, sign_in},
    };

    async fn sign_in_as(service: &TestService, email: &str, password: &str) -> bool {
        let command = SignIn {
            email: email.to_owned(),
            password: Password::from_typed(password.to_owned()),
            client: client_address(1),
            devices: DeviceTokens::default(),
            user_agent: None,
        };
        sign_in(&service.context, command).await.is_ok()
    }

    async fn execute(service: &TestService, sql: &'static str) {
        let executed = service.context.db.write(move |tx| -> Result<(), db::Error> {
            tx.execute_batch(sql)?;
            Ok(())
        });
        executed.await.unwrap();
    }

    async fn update(service: &TestService) -> usize {
        service.context.db.write(update_email_keys).await.unwrap()
    }

    #[tokio::test]
    async fn accounts_of_an_earlier_release_keep_their_address_and_merge_with_no_other() {
        let service = TestService::new().await;
        service.sign_up("straße@example.com", "correct horse").await.unwrap();
        service.sign_up("ada@example.com", "correct horse").await.unwrap();
        // As the earlier release has stored it.
        execute(
            &service,
            "UPDATE users SET email_key = 'strasse@example.com' WHERE email = 'straße@example.com'",
        )
        .await;
        assert!(!sign_in_as(&service, "straße@example.com", "correct horse").await);
        assert_eq!(update(&service).await, 1, "ASCII has the same key in all releases");
        assert_eq!(update(&service).await, 0);
        assert!(sign_in_as(&service, "STRAßE@example.com", "correct horse").await);
        service.sign_up("strasse@example.com", "another horse").await.unwrap();
        assert!(sign_in_as(&service, "strasse@example.com", "another horse").await);
        assert!(sign_in_as(&service, "straße@example.com", "correct horse").await);
    }

    #[tokio::test]
    async fn a_key_that_another_account_has_stays_as_it_is() {
        let service = TestService::new().await;
        for email in ["straße@example.com", "ada@example.com"] {
            service.sign_up(email, "correct horse").await.unwrap();
        }
        execute(
            &service,
            "UPDATE users SET email_key = 'old' WHERE email = 'straße@example.com';
             UPDATE users SET email_key = 'straße@example.com' WHERE email = 'ada@example.com'",
        )
        .await;
        assert_eq!((update(&service).await, update(&service).await), (1, 0));
        assert!(sign_in_as(&service, "straße@example.com", "correct horse").await);
    }
}
