//! The use cases, one per file.
//!
//! Those that check a password are asynchronous, because hashing takes long; their writes are synchronous functions over
//! one transaction.

mod audit_entries;
mod context;
mod create_missing_keys;
mod current_user;
mod end_session;
mod refresh_session;
mod revoke_keys;
mod rotate_keys;
mod seal_keys;
mod sign_in;
mod sign_out;
mod sign_up;
mod stored_keys;
mod update_email_keys;

pub(crate) use context::AuthContext;
pub(crate) use create_missing_keys::{CreateKeyError, create_missing_keys};
pub(crate) use current_user::current_user;
pub(crate) use refresh_session::{RefreshError, refresh_session};
pub(crate) use revoke_keys::{RevokeKeysError, end_sessions, revoke_keys};
pub(crate) use rotate_keys::{RotateKeysError, rotate_keys};
pub(crate) use seal_keys::{SealKeysError, seal_keys};
pub(crate) use sign_in::{SignIn, SignInError, sign_in};
pub(crate) use sign_out::{SignOut, SignOutError, sign_out};
pub(crate) use sign_up::{SignUp, SignUpError, sign_up};
pub(crate) use update_email_keys::update_email_keys;
