//! Credentials in requests.

use std::fmt::Display;

use input::{EmailAddress, Text, TextRule};

use super::{
    code_rule::{ChallengeRule, CodeRule},
    delivery::DeliveryRule,
    devices::DeviceTokenRule,
    profile::{LanguageRule, NameRule},
};
use crate::domain::Password;

input::object! {
    /// The credentials of a new account.
    #[secret]
    pub(super) struct NewAccount {
        /// An email address. Upper and lower case do not matter.
        pub(super) email as "email": Text<EmailAddress>,
        /// 8 to 128 characters of any script; none of the most used passwords, and not the address.
        pub(super) password as "password": Text<NewPassword>,
        /// The name to print on tickets.
        pub(super) name as "name": Option<Text<NameRule>>,
        /// The language of mails: `en` or `de`. Without it, that of the header `Accept-Language`.
        pub(super) language as "language": Option<Text<LanguageRule>>,
        /// How the tokens are delivered: `json` in the body, for programs; `cookies` in cookies that scripts cannot read, for
        /// pages.
        pub(super) delivery as "delivery": Text<DeliveryRule> = "json",
    }
    check(password, email): password.0.ensure_not_address(&email.0),
    example: {"email": "ada@example.com", "password": "correct horse battery staple"}
}

input::object! {
    /// The credentials of an account.
    #[secret]
    pub(super) struct Credentials {
        /// The email address. Upper and lower case do not matter.
        pub(super) email as "email": String,
        /// The password.
        pub(super) password as "password": String,
        /// The `deviceToken` of an earlier sign-up or sign-in to this account from this device. With it, failed attempts of others
        /// do not prevent the sign-in. A browser sends a cookie instead.
        pub(super) device_token as "deviceToken": Option<Text<DeviceTokenRule>>,
        /// How the tokens are delivered: `json` in the body, for programs; `cookies` in cookies that scripts cannot read, for
        /// pages.
        pub(super) delivery as "delivery": Text<DeliveryRule> = "json",
    }
    example: {"email": "ada@example.com", "password": "correct horse battery staple"}
}

input::object! {
    /// The second step of a sign-in.
    #[secret]
    pub(super) struct ChallengeResponse {
        /// The `challenge` of the first step.
        pub(super) challenge as "challenge": Text<ChallengeRule>,
        /// The six digits that the authenticator shows, or a recovery code.
        pub(super) code as "code": Text<CodeRule>,
        /// The `deviceToken` of an earlier sign-up or sign-in to this account from this device. A browser sends a cookie instead.
        pub(super) device_token as "deviceToken": Option<Text<DeviceTokenRule>>,
        /// How the tokens are delivered: `json` in the body, for programs; `cookies` in cookies that scripts cannot read, for
        /// pages.
        pub(super) delivery as "delivery": Text<DeliveryRule> = "json",
    }
    example: {
        "challenge": "01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e.1800000000000.q8kzq0m1J9Y0b7n3c5v2x8z4l6k1j3h5g7f9d2s4a6Q",
        "code": "287082"
    }
}

/// The password of a new account.
pub(super) struct NewPassword;

impl TextRule for NewPassword {
    type Value = Password;
    const MIN_CHARS: usize = Password::MIN_CHARS;
    const MAX_CHARS: usize = Password::MAX_CHARS;

    fn parse(text: String) -> Result<Password, impl Display> {
        Password::parse(text)
    }
}
