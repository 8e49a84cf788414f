//! Values and state machines: no SQL, HTTP, clock or randomness.

mod account;
mod device;
mod email;
mod password;
mod refresh_token;
mod seal;
mod session;
mod signing_key;
mod token_pair;

pub(crate) use account::{Account, SignUpRecord};
pub(crate) use device::{DEVICE_LIFETIME, DeviceTokens};
pub(crate) use email::Email;
pub(crate) use password::Password;
pub(crate) use refresh_token::RefreshToken;
pub(crate) use seal::{CannotOpen, NONCE_BYTES, SeedPurpose, StoredSeed};
pub use seal::{EncryptionKeys, MalformedEncryptionKey};
pub(crate) use session::{CannotRefresh, EndReason, MAX_IDLE, Session, SessionState};
pub(crate) use signing_key::{KeySet, PUBLISHED_AFTER_RETIREMENT, RETAINED_AFTER_RETIREMENT, StoredKey, UnusableKeys};
pub(crate) use token_pair::{TokenIssuer, TokenPair};
