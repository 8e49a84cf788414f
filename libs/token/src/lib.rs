//! Access tokens: auth signs them, every service verifies them by auth's published keys and asks nobody else.
//!
//! * A handler that takes [`SignedIn`] is for people who signed in: by a Bearer token (a program) or by the session
//!   cookie (a page). A write by cookie must come from our own site.
//! * [`Verifier`] checks a token: signature (Ed25519 and nothing else), issuer, audience, time. It keeps auth's keys.
//! * [`SameSite`] refuses a write that a browser sends for another site, also where nobody is signed in yet.
//! * [`SigningKey`], [`Claims`] and [`Jwks`] are for auth, and for tests that sign in without it.

mod claims;
mod jwks;
mod keyring;
mod remote;
mod same_site;
mod signed_in;
mod signing_key;
mod verifier;

pub use claims::{AUDIENCE, Claims, ISSUER, LIFETIME};
pub use jwks::{Jwk, Jwks};
pub use keyring::Keyring;
pub use same_site::{SameSite, TrustedOrigins};
pub use signed_in::{SESSION_COOKIE, SignedIn, cookie};
pub use signing_key::{KeyError, SigningKey};
pub use verifier::{Refused, Verifier};

#[cfg(test)]
mod testing;
