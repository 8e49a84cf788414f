//! Values and state machines: no SQL, HTTP, clock or randomness.

mod account;
mod device;
mod email;
mod password;
mod refresh_token;
mod session;
mod signing_key;
mod token_pair;

pub(crate) use account::{Account, SignUpRecord};
pub(crate) use device::{DEVICE_LIFETIME, DeviceTokens};
pub(crate) use email::Email;
pub(crate) use password::Password;
pub(crate) use refresh_token::RefreshToken;
pub(crate) use session::{CannotRefresh, EndReason, MAX_IDLE, Session, SessionState};
pub(crate) use signing_key::{KeySet, MissingKey, PUBLISHED_AFTER_RETIREMENT, RETAINED_AFTER_RETIREMENT, StoredKey};
pub(crate) use token_pair::{TokenIssuer, TokenPair};
