//! Access tokens: auth signs them, every service verifies them with auth's published keys.
//!
//! * [`SignedIn`] is the extractor of an operation that requires a signed-in user: by a Bearer token (programs) or by
//!   the session cookie (pages). A write by cookie must come from our own site.
//! * [`Verifier`] checks a token: signature (Ed25519 only), issuer, audience, time. It caches auth's keys.
//! * [`DenyList`] has the tokens that are refused before they expire: their session has ended, or their key was revoked.
//! * [`CsrfGuard`] refuses a write that a browser sends for another site, for operations without a signed-in user.
//! * [`SigningKey`], [`Claims`] and [`Jwks`] are for auth, and for tests that sign in without it.

mod claims;
mod cookie;
mod crypto;
mod csrf;
mod deny_list;
mod jwks;
mod keyring;
mod remote_keys;
mod signed_in;
mod signing_key;
mod verified_tokens;
mod verifier;

pub use claims::{ACCESS_TOKEN_LIFETIME, Claims, DEFAULT_AUDIENCE, DEFAULT_ISSUER, MULTIPLE_FACTORS};
pub use cookie::{Cookie, DEVICE_COOKIE, REFRESH_COOKIE, cookie_value};
pub use csrf::{CsrfGuard, TrustedOrigins};
pub use deny_list::{Denial, DenyList};
pub use jwks::{Jwk, Jwks};
pub use keyring::Keyring;
pub use signed_in::{AuthenticatedUser, SESSION_COOKIE, SignedIn};
pub use signing_key::{KeyError, SigningKey};
pub use verifier::{Verifier, VerifyError};

#[cfg(test)]
mod test_support;
