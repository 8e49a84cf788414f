//! Every SQL statement of the service.

mod accounts;
mod email_keys;
mod invariants;
mod sessions;
mod sign_ups;
mod signing_keys;

pub(crate) use accounts::{find_account, find_account_by_email, insert_account};
pub(crate) use email_keys::{delete_outdated_email_key, outdated_email_keys, update_email_key};
pub(crate) use invariants::INVARIANTS;
pub(crate) use sessions::{
    delete_sessions_over, end_sessions, find_session, insert_session, newest_session, update_session,
};
pub(crate) use sign_ups::{delete_sign_ups, find_sign_up, insert_sign_up};
pub(crate) use signing_keys::{
    delete_all_keys, delete_signing_keys, has_sealed_keys, insert_refresh_key, insert_signing_key, overwrite_deleted,
    refresh_key_seed, retire_signing_key, signing_keys, update_refresh_key_seed, update_signing_key_seed,
};
