//! Values and state machines: no SQL, HTTP, clock or randomness.

mod account;
mod challenge;
mod closure;
mod common_passwords;
mod device;
mod email_change;
mod link;
mod name;
mod password;
mod pending_sign_up;
mod profile;
mod refresh_token;
mod seal;
mod second_factor;
mod session;
mod signing_key;
mod token_pair;
mod user_agent;

pub(crate) use account::{Account, AccountState, SignUpRecord};
pub(crate) use challenge::{CHALLENGE_LIFETIME, Challenge};
pub(crate) use closure::{ClosureOutcome, ClosureRequest, ClosureRound, DecidingService};
pub use common_passwords::common_password_digest;
pub(crate) use device::{DEVICE_LIFETIME, DeviceTokens};
pub(crate) use email_change::EmailChange;
pub(crate) use link::{CONFIRMATION_LIFETIME, LinkHash, LinkPurpose, LinkToken, RESET_LIFETIME};
pub(crate) use name::Name;
pub(crate) use password::{InvalidPassword, Password};
pub(crate) use pending_sign_up::PendingSignUp;
pub(crate) use profile::Profile;
pub(crate) use refresh_token::RefreshToken;
pub(crate) use seal::{CannotOpen, SeedPurpose, StoredSeed};
pub(crate) use second_factor::{
    RECOVERY_CODES, RecoveryCode, SECRET_BYTES, SecondFactor, otpauth_uri, recovery_hash, secret_text,
};
pub(crate) use session::{CannotRefresh, EndReason, MAX_IDLE, Session, SessionState};
pub(crate) use signing_key::{KeySet, PUBLISHED_AFTER_RETIREMENT, RETAINED_AFTER_RETIREMENT, StoredKey, UnusableKeys};
pub(crate) use text::Email;
pub(crate) use token_pair::{TokenIssuer, TokenPair};
pub(crate) use user_agent::describe_user_agent;
