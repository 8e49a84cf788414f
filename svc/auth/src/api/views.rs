use poem_openapi::{Enum, Object, types::Example};
use token::ACCESS_TOKEN_LIFETIME;
use values::{Language, UserId};

use crate::domain::{Account, TokenPair};

/// A user.
#[derive(Object)]
#[oai(rename = "User", rename_all = "camelCase", example)]
pub(super) struct UserView {
    /// The id of the user, in all services.
    pub(super) id: UserId,
    /// The email address as it was typed.
    pub(super) email: String,
    /// Whether the user has confirmed the address, by the link in a mail.
    pub(super) email_confirmed: bool,
    /// The name to print on tickets.
    #[oai(nullable)]
    pub(super) name: Option<String>,
    /// The language of mails.
    pub(super) language: LanguageView,
}

/// A language in which mails are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Enum)]
#[oai(rename = "Language")]
pub(super) enum LanguageView {
    /// English.
    #[oai(rename = "en")]
    English,
    /// German.
    #[oai(rename = "de")]
    German,
}

impl From<Language> for LanguageView {
    fn from(language: Language) -> Self {
        match language {
            Language::English => Self::English,
            Language::German => Self::German,
        }
    }
}

impl Example for UserView {
    fn example() -> Self {
        let id = "01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e".parse();
        Self {
            id: id.unwrap_or_else(|_| UserId::new(values::Timestamp::from_millis(0))),
            email: "ada@example.com".to_owned(),
            email_confirmed: true,
            name: Some("Ada Lovelace".to_owned()),
            language: LanguageView::English,
        }
    }
}

/// The signed-in user and, unless they were delivered as cookies, the tokens.
#[derive(Object)]
#[oai(rename = "Tokens", rename_all = "camelCase", example)]
pub(super) struct TokensView {
    /// The signed-in user.
    pub(super) user: UserView,
    /// For `Authorization: Bearer`, in all services; absent if it was delivered as a cookie.
    #[oai(skip_serializing_if_is_none)]
    pub(super) access_token: Option<String>,
    /// Always `Bearer`; absent with `accessToken`.
    #[oai(skip_serializing_if_is_none)]
    pub(super) token_type: Option<String>,
    /// The number of seconds for which the access token is valid.
    pub(super) expires_in: u64,
    /// Can be exchanged for the next pair of tokens, once; absent if it was delivered as a cookie.
    #[oai(skip_serializing_if_is_none)]
    pub(super) refresh_token: Option<String>,
    /// Recognises the device when its user signs in again; after signing up and in, unless it was delivered as a cookie.
    #[oai(skip_serializing_if_is_none)]
    pub(super) device_token: Option<String>,
}

impl Example for TokensView {
    fn example() -> Self {
        Self {
            user: UserView::example(),
            access_token: Some("eyJ0eXAiOiJKV1QiLCJhbGciOiJFZERTQSIsImtpZCI6IuKApiJ9.e30.c2lnbmF0dXJl".to_owned()),
            token_type: Some("Bearer".to_owned()),
            expires_in: ACCESS_TOKEN_LIFETIME.as_secs(),
            refresh_token: Some(
                "01936f5e-8c1b-7a51-8f0e-5f1d2c3b4a59.0.q8kzq0m1J9Y0b7n3c5v2x8z4l6k1j3h5g7f9d2s4a6Q".to_owned(),
            ),
            device_token: Some(
                "01936f5e-8c1b-7a51-8f0e-5f1d2c3b4a59.hJ2m5p8s1v4y7b0e3h6k9n2q5t8w1z4c7f0i3l6o9r0".to_owned(),
            ),
        }
    }
}

impl TokensView {
    /// Returns the view without the tokens, which are delivered as cookies.
    pub(super) fn without_tokens(tokens: &TokenPair) -> Self {
        Self {
            user: UserView::from(&tokens.account),
            access_token: None,
            token_type: None,
            expires_in: ACCESS_TOKEN_LIFETIME.as_secs(),
            refresh_token: None,
            device_token: None,
        }
    }

    /// Returns the view with the tokens.
    pub(super) fn with_tokens(tokens: &TokenPair) -> Self {
        Self {
            access_token: Some(tokens.access_token.clone()),
            token_type: Some("Bearer".to_owned()),
            refresh_token: Some(tokens.refresh_token.as_str().to_owned()),
            device_token: tokens.device_token.clone(),
            ..Self::without_tokens(tokens)
        }
    }
}

/// The password is right; a code is needed.
#[derive(Object)]
#[oai(rename = "Challenge", rename_all = "camelCase", example)]
pub(super) struct ChallengeView {
    /// For the second step.
    pub(super) challenge: String,
    /// The number of seconds for which it is valid.
    pub(super) expires_in: u64,
}

impl Example for ChallengeView {
    fn example() -> Self {
        Self {
            challenge: "01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e.1800000000000.q8kzq0m1J9Y0b7n3c5v2x8z4l6k1j3h5g7f9d2s4a6Q"
                .to_owned(),
            expires_in: 300,
        }
    }
}

/// A confirmed address.
#[derive(Object)]
#[oai(rename = "ConfirmedEmail", rename_all = "camelCase", example)]
pub(super) struct ConfirmedView {
    /// The email address.
    pub(super) email: String,
    /// Whether the account has no password, so that its user has to set one by mail.
    pub(super) needs_password: bool,
}

impl Example for ConfirmedView {
    fn example() -> Self {
        Self {
            email: "ada@example.com".to_owned(),
            needs_password: false,
        }
    }
}

/// The password was changed.
#[derive(Object)]
#[oai(rename = "PasswordChanged", rename_all = "camelCase", example)]
pub(super) struct DoneView {
    /// Always true.
    pub(super) changed: bool,
}

impl DoneView {
    pub(super) const DONE: Self = Self { changed: true };
}

impl Example for DoneView {
    fn example() -> Self {
        Self::DONE
    }
}

/// The ended session.
#[derive(Object)]
#[oai(rename = "SignedOut", rename_all = "camelCase", example)]
pub(super) struct SignedOutView {
    /// The id of the session.
    pub(super) session_id: values::SessionId,
}

impl Example for SignedOutView {
    fn example() -> Self {
        let id = "01936f5e-8c1b-7a51-8f0e-5f1d2c3b4a59".parse();
        Self {
            session_id: id.unwrap_or_else(|_| values::SessionId::new(values::Timestamp::from_millis(0))),
        }
    }
}

impl From<&Account> for UserView {
    fn from(account: &Account) -> Self {
        Self {
            id: account.id(),
            email: account.email().to_owned(),
            email_confirmed: account.is_confirmed(),
            name: account.state().name.as_ref().map(|name| name.as_str().to_owned()),
            language: account.state().language.into(),
        }
    }
}
