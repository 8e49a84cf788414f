//! The use cases, one per file.
//!
//! Those that check a password are asynchronous, because hashing takes long; their writes are synchronous functions over
//! one transaction.

mod audit_entries;
mod change_email;
mod change_password;
mod change_profile;
mod check_password;
mod confirm_email;
mod context;
mod create_missing_keys;
mod current_user;
mod decide_deletion;
mod decide_mails;
mod end_session;
mod end_sessions;
mod mails;
mod prove_second_factor;
mod refresh_session;
mod request_deletion;
mod request_mail;
mod request_sign_up;
mod revoke_keys;
mod rotate_keys;
mod seal_keys;
mod seal_second_factors;
mod second_factor;
mod sign_in;
mod sign_out;
mod sign_up;
mod start_session;
mod stored_keys;
mod update_email_keys;
mod use_code;

pub(crate) use change_email::{
    EmailChangeProgress, RequestEmailChangeError, confirm_email_change, request_email_change,
};
pub(crate) use change_password::{ResetPasswordError, change_password, reset_password};
pub(crate) use change_profile::{ChangeProfile, NameChange, change_profile};
pub(crate) use check_password::{ChangeAccountError, Reauthentication};
pub(crate) use confirm_email::{UseLinkError, confirm_email};
pub(crate) use context::AuthContext;
pub(crate) use create_missing_keys::{CreateKeyError, create_missing_keys};
pub(crate) use current_user::current_user;
pub(crate) use decide_deletion::{record_decision, repeat_closures};
pub(crate) use decide_mails::decide_mails;
pub(crate) use end_sessions::{EndSessionError, end_one_session, end_other_sessions};
pub(crate) use prove_second_factor::{ProveSecondFactor, ProveSecondFactorError, prove_second_factor};
pub(crate) use refresh_session::{RefreshError, refresh_session};
pub(crate) use request_deletion::{RequestDeletionError, request_deletion, withdraw_deletion};
pub(crate) use request_mail::{RequestMailError, request_mail};
pub(crate) use request_sign_up::request_sign_up;
pub(crate) use revoke_keys::{RevokeKeysError, end_sessions, revoke_keys};
pub(crate) use rotate_keys::{RotateKeysError, rotate_keys};
pub(crate) use seal_keys::{SealKeysError, seal_keys};
pub(crate) use seal_second_factors::seal_second_factors;
pub(crate) use second_factor::{
    SecondFactorError, SecondFactorStatus, enable_second_factor, enrol_second_factor, remove_second_factor,
    renew_recovery_codes, second_factor_status,
};
pub(crate) use sign_in::{SignIn, SignInError, SignInOutcome, sign_in};
pub(crate) use sign_out::{SignOut, SignOutError, sign_out};
pub(crate) use sign_up::{SignUp, SignUpError, sign_up};
pub(crate) use update_email_keys::update_email_keys;
