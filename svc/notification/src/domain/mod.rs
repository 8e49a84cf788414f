//! Mails and the replicas that they are written from.

mod cause;
mod kind;
mod mail;
mod material;
mod replicas;
mod rules;
mod state;

pub(crate) use cause::Cause;
pub(crate) use kind::MailKind;
pub(crate) use mail::{Claim, Details, Mail, NewMail};
pub(crate) use material::{Gathered, Material};
pub(crate) use replicas::{Account, Admission, Listing, Sale};
pub(crate) use rules::{MailRules, RateLimits};
pub(crate) use state::MailState;
