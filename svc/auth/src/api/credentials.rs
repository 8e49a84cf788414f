//! Credentials in requests.

use std::fmt::Display;

use input::{Text, TextRule};

use super::{delivery::DeliveryRule, devices::DeviceTokenRule};
use crate::domain::{Email, Password};

input::object! {
    /// The credentials of a new account.
    #[secret]
    pub(super) struct NewAccount {
        /// An email address. Upper and lower case do not matter.
        pub(super) email as "email": Text<NewEmail>,
        /// 8 to 128 characters of any script.
        pub(super) password as "password": Text<NewPassword>,
        /// How the tokens are delivered: `json` in the body, for programs; `cookies` in cookies that scripts cannot read, for
        /// pages.
        pub(super) delivery as "delivery": Text<DeliveryRule> = "json",
    }
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

/// A pattern of a letter or digit of any script.
macro_rules! letter {
    () => {
        r"[^\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f\s]"
    };
}

/// A pattern of a part of a domain: letters, digits and inner hyphens.
macro_rules! label {
    () => {
        concat!(
            letter!(),
            r"([^\x00-\x2c\x2e\x2f\x3a-\x40\x5b-\x60\x7b-\x7f\s]*",
            letter!(),
            ")?"
        )
    };
}

/// The email address of a new account.
pub(super) struct NewEmail;

impl TextRule for NewEmail {
    type Value = Email;
    const MAX_CHARS: usize = Email::MAX_BYTES;
    /// Parts between dots: of any characters before the @, of letters, digits and inner hyphens after it. The ideographic
    /// full stops count as dots in a domain.
    const PATTERN: Option<&'static str> = Some(concat!(
        r"^[^@\s.]+(\.[^@\s.]+)*@",
        label!(),
        r"([.\u3002\uff0e\uff61]",
        label!(),
        ")+$"
    ));
    const FORMAT: Option<&'static str> = Some("idn-email");

    fn parse(text: String) -> Result<Email, impl Display> {
        Email::parse(&text)
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
