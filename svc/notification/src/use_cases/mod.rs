//! What the service does: functions over a transaction.

mod claim_mails;
mod mail_withdrawal;
mod manage_undelivered;
mod record_account;
mod record_admission;
mod record_listing;
mod record_order;
mod record_refund;
mod record_transfer;
mod request_account_mail;
mod request_mail;
mod settle_mail;
mod start;

pub(crate) use claim_mails::claim_mails;
pub(crate) use mail_withdrawal::mail_next_withdrawal;
pub(crate) use manage_undelivered::{discard_mail, retry_mail};
pub(crate) use record_account::record_account;
pub(crate) use record_admission::record_admission;
pub(crate) use record_listing::record_listing;
pub(crate) use record_order::record_order;
pub(crate) use record_refund::record_refund;
pub(crate) use record_transfer::record_transfer;
pub(crate) use request_account_mail::request_account_mail;
pub(crate) use settle_mail::{Outcome, give_up_overdue_mails, settle_mail};
pub(crate) use start::start;
