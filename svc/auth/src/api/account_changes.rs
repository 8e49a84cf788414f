//! What the operations on accounts receive and return.

use std::fmt::Display;

use input::{EmailAddress, Text, TextRule};
use poem_openapi::{Enum, Object, types::Example};

use super::credentials::NewPassword;
use crate::{
    domain::{CONFIRMATION_LIFETIME, LinkToken},
    use_cases::EmailChangeProgress,
};

/// The token of a link in a mail.
pub(super) struct LinkTokenRule;

impl TextRule for LinkTokenRule {
    type Value = LinkToken;
    const MIN_CHARS: usize = 1;
    const MAX_CHARS: usize = LinkToken::MAX_SENT_CHARS;

    fn parse(text: String) -> Result<LinkToken, impl Display> {
        Ok::<_, &'static str>(LinkToken::from_sent(text))
    }
}

input::object! {
    /// The token of a link in a mail.
    #[secret]
    pub(super) struct UsedLink {
        /// The last part of the link.
        pub(super) token as "token": Text<LinkTokenRule>,
    }
    example: {"token": "q8kzq0m1J9Y0b7n3c5v2x8z4l6k1j3h5g7f9d2s4a6Q"}
}

input::object! {
    /// An email address that a mail is requested for.
    #[secret]
    pub(super) struct MailAddress {
        /// The email address, which may have no account.
        pub(super) email as "email": Text<EmailAddress>,
    }
    example: {"email": "ada@example.com"}
}

input::object! {
    /// A new password, with the token of the link in the mail.
    #[secret]
    pub(super) struct PasswordReset {
        /// The last part of the link.
        pub(super) token as "token": Text<LinkTokenRule>,
        /// The new password: 8 to 128 characters, none of the most used passwords, and not the address.
        pub(super) password as "password": Text<NewPassword>,
    }
    example: {"token": "q8kzq0m1J9Y0b7n3c5v2x8z4l6k1j3h5g7f9d2s4a6Q", "password": "correct horse battery staple"}
}

input::object! {
    /// A change of the password.
    #[secret]
    pub(super) struct PasswordChange {
        /// The present password.
        pub(super) current_password as "currentPassword": String,
        /// The new password: 8 to 128 characters, none of the most used passwords, and not the address.
        pub(super) password as "password": Text<NewPassword>,
    }
    example: {"currentPassword": "correct horse battery staple", "password": "a better horse battery staple"}
}

input::object! {
    /// A change of the email address.
    #[secret]
    pub(super) struct NewAddress {
        /// The new email address.
        pub(super) email as "email": Text<EmailAddress>,
        /// The password.
        pub(super) password as "password": String,
    }
    example: {"email": "ada@lovelace.example", "password": "correct horse battery staple"}
}

/// A mail is sent if there is a reason; the response does not state whether.
#[derive(Object)]
#[oai(rename = "MailRequested", rename_all = "camelCase", example)]
pub(super) struct MailRequestedView {
    /// The number of seconds for which the link in the mail can be used.
    pub(super) expires_in: u64,
}

impl Example for MailRequestedView {
    fn example() -> Self {
        Self {
            expires_in: CONFIRMATION_LIFETIME.as_secs(),
        }
    }
}

/// The progress of a change of the email address.
#[derive(Object)]
#[oai(rename = "EmailChange", rename_all = "camelCase", example)]
pub(super) struct EmailChangeView {
    /// `waiting` until the other address has confirmed, then `changed`.
    pub(super) status: EmailChangeStatus,
}

/// Whether an email address is changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Enum)]
pub(super) enum EmailChangeStatus {
    /// The other address has not confirmed yet.
    #[oai(rename = "waiting")]
    Waiting,
    /// The address is changed.
    #[oai(rename = "changed")]
    Changed,
}

impl Example for EmailChangeView {
    fn example() -> Self {
        EmailChangeProgress::Changed.into()
    }
}

impl From<EmailChangeProgress> for EmailChangeView {
    fn from(progress: EmailChangeProgress) -> Self {
        let status = match progress {
            EmailChangeProgress::Waiting => EmailChangeStatus::Waiting,
            EmailChangeProgress::Changed => EmailChangeStatus::Changed,
        };
        Self { status }
    }
}
