//! Every SQL statement of the service.

mod accounts;
mod admissions;
mod bounded_reads;
mod consumption;
mod invariants;
mod listings;
mod mail_claims;
mod mail_queries;
mod mails;
mod sales;

pub(crate) use accounts::{account, erase_account_mails, upsert_account};
pub(crate) use admissions::{admission, admissions_of_order, holders_of_order, upsert_admission};
pub(crate) use bounded_reads::BOUNDED_READS;
pub(crate) use consumption::{began_at, begin, newest_event_at, record_consumption};
pub(crate) use invariants::INVARIANTS;
pub(crate) use listings::{
    listing, next_withdrawal, pending_withdrawal, save_withdrawal_position, upsert_listing, withdrawal_published_at,
};
pub(crate) use mail_claims::{
    claim, claims_since, delay, due_mails, finish, give_up_overdue, queue_interrupted, queue_waiting_for,
    recipient_claims, retry_later, wait_for_replicas,
};
pub(crate) use mail_queries::{discard, mail, mail_numbers, mails_of_account, presumed_sent, queue_again, undelivered};
pub(crate) use mails::{
    WaitingFor, add_key, delete_expired, insert_mail, presume_unsent_sent, queue_presumed, queue_presumed_with_prefix,
    supersede_by_key,
};
pub(crate) use sales::{sale, sales_of_ticket_after, upsert_sale};
