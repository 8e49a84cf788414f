use std::time::Duration;

use subtle::ConstantTimeEq;
use values::{Timestamp, UserId};

use super::{account::Account, refresh_token::RefreshKey};

/// The time within which a second factor is to be proved after the password.
pub(crate) const CHALLENGE_LIFETIME: Duration = Duration::from_mins(5);

/// What a client receives that has sent the right password of an account with a second factor. Nothing is stored: a challenge is
/// derived from the account, its password and the time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Challenge {
    pub(crate) user_id: UserId,
    issued_at: Timestamp,
}

impl Challenge {
    /// Derives the text that a client receives.
    pub(crate) fn issue(account: &Account, now: Timestamp, key: &RefreshKey) -> String {
        let code = key.challenge_code(account, now);
        format!("{}.{}.{code}", account.id(), now.millis())
    }

    /// Parses what a client has sent. Whether it is authentic depends on the account.
    pub(crate) fn parse(sent: &str) -> Option<Self> {
        let (user_id, rest) = sent.split_once('.')?;
        let (issued_at, _) = rest.split_once('.')?;
        Some(Self {
            user_id: user_id.parse().ok()?,
            issued_at: Timestamp::from_millis(issued_at.parse().ok()?),
        })
    }

    /// Whether the text was issued for the account, for its present password, and not too long ago.
    pub(crate) fn is_authentic(self, sent: &str, account: &Account, now: Timestamp, key: &RefreshKey) -> bool {
        let expected = Self::issue(account, self.issued_at, key);
        let is_recent = self.issued_at.until(now).max(now.until(self.issued_at)) < CHALLENGE_LIFETIME;
        is_recent && bool::from(expected.as_bytes().ct_eq(sent.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Email, Profile};

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn account(password_hash: &str) -> Account {
        let profile = Profile {
            name: None,
            language: values::Language::English,
        };
        let email = Email::parse("ada@example.com").unwrap();
        Account::new(UserId::new(NOW), &email, password_hash.to_owned(), profile, NOW)
    }

    #[test]
    fn a_challenge_is_valid_for_its_account_and_password_and_for_five_minutes() {
        let (key, ada) = (RefreshKey::new([1; 32]), account("a"));
        let sent = Challenge::issue(&ada, NOW, &key);
        let challenge = Challenge::parse(&sent).unwrap();
        assert_eq!(challenge.user_id, ada.id());
        assert!(challenge.is_authentic(&sent, &ada, NOW, &key));
        assert!(!challenge.is_authentic(&sent, &ada, NOW + CHALLENGE_LIFETIME, &key));
        assert!(!challenge.is_authentic(&sent, &account("a"), NOW, &key));
        assert!(!challenge.is_authentic(&sent, &ada, NOW, &RefreshKey::new([2; 32])));
        let mut changed = ada.clone();
        changed.change_password("b".to_owned());
        assert!(!challenge.is_authentic(&sent, &changed, NOW, &key));
        let later = sent.replace("1800000000000", "1800000100000");
        assert!(!Challenge::parse(&later).unwrap().is_authentic(&later, &ada, NOW, &key));
        for nonsense in ["", ".", "..", "a.b.c", &ada.id().to_string()] {
            assert_eq!(Challenge::parse(nonsense), None);
        }
    }
}
