//! Every SQL statement of the service.

mod accounts;
mod bounded_reads;
mod closures;
mod email_changes;
mod email_keys;
mod invariants;
mod mail_links;
mod mail_requests;
mod pending_sign_ups;
mod second_factors;
mod sessions;
mod sign_ups;
mod signing_keys;

pub(crate) use accounts::{
    accounts_after, erase_account, find_account, find_account_by_email, find_account_by_key, insert_account,
    update_account, update_profile,
};
pub(crate) use bounded_reads::BOUNDED_READS;
pub(crate) use closures::{
    closures_asked_until, delete_decisions, end_closure, find_closure, insert_closure, put_decision, set_closure_asked,
};
pub(crate) use email_changes::{
    delete_email_change, delete_expired_email_changes, email_change_of_link, insert_email_change, requested_address,
    update_email_change,
};
pub(crate) use email_keys::{delete_outdated_email_key, outdated_email_keys, update_email_key};
pub(crate) use invariants::INVARIANTS;
pub(crate) use mail_links::{delete_expired_links, delete_links, find_link, insert_link};
pub(crate) use mail_requests::{MailPurpose, MailRequest, delete_mail_request, insert_mail_request, mail_requests};
pub(crate) use pending_sign_ups::{
    delete_expired_sign_ups, delete_pending_sign_ups, has_other_sign_up, insert_pending_sign_up,
    newest_pending_sign_up, pending_sign_up, pending_sign_up_of_key, pending_sign_up_of_link, set_sign_up_link,
};
pub(crate) use second_factors::{
    delete_second_factor, find_second_factor, put_second_factor, recovery_code_count, replace_recovery_codes,
    second_factors_after, take_recovery_code,
};
pub(crate) use sessions::{
    delete_sessions_over, end_sessions, find_session, insert_session, newest_session, sessions_of, stored_sessions,
    surplus_sessions, update_session,
};
pub(crate) use sign_ups::{delete_sign_ups, find_sign_up, insert_sign_up};
pub(crate) use signing_keys::{
    delete_all_keys, delete_signing_keys, has_sealed_keys, insert_refresh_key, insert_signing_key, overwrite_deleted,
    refresh_key_seed, retire_signing_key, signing_keys, update_refresh_key_seed, update_signing_key_seed,
};
