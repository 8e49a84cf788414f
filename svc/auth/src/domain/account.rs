use std::fmt;

use events::AccountStatus;
use text::Email;
use values::{Language, SessionId, Timestamp, UserId};

use super::{name::Name, pending_sign_up::PendingSignUp, profile::Profile};

/// What is stored instead of a password hash if the account has no password: it was restored from its events, or several sign-ups
/// with its address waited. Its user sets one by mail.
const NO_PASSWORD: &str = "$argon2id$none";

/// An account.
#[derive(Clone)]
pub(crate) struct Account(AccountState);

/// The stored state of an account.
#[derive(Clone)]
pub(crate) struct AccountState {
    pub(crate) id: UserId,
    /// The email address as it was typed.
    pub(crate) email: String,
    /// Argon2id, as a PHC string.
    pub(crate) password_hash: String,
    /// The name to print on tickets.
    pub(crate) name: Option<Name>,
    /// The language of mails.
    pub(crate) language: Language,
    /// When the address was confirmed.
    pub(crate) email_confirmed_at: Option<Timestamp>,
    /// Whether its user wants it deleted. A deleted account has no personal data.
    pub(crate) status: AccountStatus,
    /// Counts the states that are published: 1, 2, 3 …
    pub(crate) version: u64,
    pub(crate) created_at: Timestamp,
    /// When this state began.
    pub(crate) updated_at: Timestamp,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account({} version {})", self.0.id, self.0.version)
    }
}

impl Account {
    /// Creates an account whose address is not confirmed.
    pub(crate) fn new(id: UserId, email: &Email, password_hash: String, profile: Profile, now: Timestamp) -> Self {
        Self(AccountState {
            id,
            email: email.as_str().to_owned(),
            password_hash,
            name: profile.name,
            language: profile.language,
            email_confirmed_at: None,
            status: AccountStatus::Active,
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }

    /// Creates the account of a sign-up whose address was confirmed.
    pub(crate) fn confirmed(sign_up: PendingSignUp, email: &Email, now: Timestamp) -> Self {
        let mut account = Self::new(sign_up.user_id, email, sign_up.password_hash, sign_up.profile, now);
        account.0.email_confirmed_at = Some(now);
        account
    }

    pub(crate) const fn from_state(state: AccountState) -> Self {
        Self(state)
    }

    pub(crate) const fn state(&self) -> &AccountState {
        &self.0
    }

    pub(crate) const fn id(&self) -> UserId {
        self.0.id
    }

    /// Returns the email address as it was typed.
    pub(crate) fn email(&self) -> &str {
        &self.0.email
    }

    /// Returns the hash of the password. `None` if the account has none.
    pub(crate) fn password_hash(&self) -> Option<&str> {
        Some(&*self.0.password_hash).filter(|hash| *hash != NO_PASSWORD)
    }

    /// Whether the account is deleted: its row has no personal data.
    pub(crate) fn is_deleted(&self) -> bool {
        self.0.status == AccountStatus::Deleted
    }

    /// Whether the address is confirmed.
    pub(crate) const fn is_confirmed(&self) -> bool {
        self.0.email_confirmed_at.is_some()
    }

    /// Whether the address was confirmed at a time: tokens that are derived again are the same as then.
    pub(crate) fn was_confirmed(&self, at: Timestamp) -> bool {
        self.0.email_confirmed_at.is_some_and(|confirmed_at| confirmed_at <= at)
    }

    /// Changes name and language. Returns whether they are others than before.
    pub(crate) fn change_profile(&mut self, profile: Profile, now: Timestamp) -> bool {
        if self.0.name == profile.name && self.0.language == profile.language {
            return false;
        }
        self.0.name = profile.name;
        self.0.language = profile.language;
        self.begin_state(now);
        true
    }

    /// Confirms the address. Returns whether it was not confirmed before.
    pub(crate) fn confirm_email(&mut self, now: Timestamp) -> bool {
        if self.is_confirmed() {
            return false;
        }
        self.0.email_confirmed_at = Some(now);
        self.begin_state(now);
        true
    }

    /// Changes the address to one that is confirmed.
    pub(crate) fn change_email(&mut self, email: &Email, now: Timestamp) {
        email.as_str().clone_into(&mut self.0.email);
        self.0.email_confirmed_at = Some(now);
        self.begin_state(now);
    }

    /// Changes the password. Other services do not have it: the state stays the same.
    pub(crate) fn change_password(&mut self, password_hash: String) {
        self.0.password_hash = password_hash;
    }

    /// Closes the account: its user wants it deleted. Returns whether it was active.
    pub(crate) fn close(&mut self, now: Timestamp) -> bool {
        self.change_status(AccountStatus::Active, AccountStatus::Closing, now)
    }

    /// Begins another state of a closing account, about which the services are asked again. Returns whether it is closing.
    pub(crate) fn close_again(&mut self, now: Timestamp) -> bool {
        self.change_status(AccountStatus::Closing, AccountStatus::Closing, now)
    }

    /// Makes a closing account active again. Returns whether it was closing.
    pub(crate) fn reopen(&mut self, now: Timestamp) -> bool {
        self.change_status(AccountStatus::Closing, AccountStatus::Active, now)
    }

    /// Deletes the account: what is left is that it existed.
    pub(crate) fn erase(&mut self, now: Timestamp) {
        self.begin_state(now);
        self.0 = AccountState {
            email: String::new(),
            password_hash: AccountState::no_password(),
            name: None,
            language: Language::default(),
            email_confirmed_at: None,
            status: AccountStatus::Deleted,
            ..self.0
        };
    }

    fn change_status(&mut self, from: AccountStatus, to: AccountStatus, now: Timestamp) -> bool {
        if self.0.status != from {
            return false;
        }
        self.0.status = to;
        self.begin_state(now);
        true
    }

    fn begin_state(&mut self, now: Timestamp) {
        self.0.version += 1;
        // The clock may have been set back since the last change.
        self.0.updated_at = now.max(self.0.updated_at);
    }
}

impl AccountState {
    /// Returns the hash of an account that has no password.
    pub(crate) fn no_password() -> String {
        NO_PASSWORD.to_owned()
    }
}

/// The sign-up of an `Idempotency-Key`. Its tokens are derived from this, so they are not stored.
pub(crate) struct SignUpRecord {
    pub(crate) session_id: SessionId,
    /// The id of the key that signed the access token.
    pub(crate) kid: String,
    /// The time at which it was signed.
    pub(crate) signed_at: Timestamp,
}
