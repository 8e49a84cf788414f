use std::{fmt, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use values::text_enum;
use zeroize::Zeroizing;

/// The time within which an address is to be confirmed. Texts of mails and pages state it.
pub(crate) const CONFIRMATION_LIFETIME: Duration = Duration::from_hours(24);

/// The time within which a new password can be set. Texts of mails and pages state it.
pub(crate) const RESET_LIFETIME: Duration = Duration::from_mins(30);

text_enum! {
    /// What the link in a mail is for.
    pub(crate) enum LinkPurpose {
        /// The user confirms the address of the account.
        ConfirmEmail = "confirm-email",
        /// The user sets a new password.
        ResetPassword = "reset-password",
    }
}

/// The secret in the link of a mail: 256 random bits. Only its hash is stored.
#[derive(Clone)]
pub(crate) struct LinkToken(Zeroizing<String>);

/// SHA-256 of a [`LinkToken`]. The token cannot be guessed, so the hash needs neither salt nor time.
pub(crate) type LinkHash = [u8; 32];

impl LinkToken {
    /// The maximum number of characters that a client may send; a token has 43.
    pub(crate) const MAX_SENT_CHARS: usize = 100;

    /// Creates a token from random bytes.
    pub(crate) fn new(random: [u8; 32]) -> Self {
        Self(Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(random)))
    }

    /// Wraps what a client has sent. Any text has a hash, which is that of no token.
    pub(crate) fn from_sent(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Returns the hash that is stored.
    pub(crate) fn hash(&self) -> LinkHash {
        Sha256::digest(self.as_bytes()).into()
    }
}

impl fmt::Debug for LinkToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[link token]")
    }
}
