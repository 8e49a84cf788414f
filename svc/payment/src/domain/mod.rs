//! The state machines and values: no SQL, no HTTP, no clock of their own.

mod captured_funds;
mod card_token;
mod decline;
mod dispute;
mod failure;
mod intent;
mod ledger;
mod order;
mod payment;
mod platform_fee;
mod reconciliation;
mod recovery_gap;
mod refund;
mod refund_failure;
mod since;
mod stripe_event;

pub(crate) use captured_funds::{Aftermath, Gone, Taking};
pub(crate) use card_token::Token;
pub(crate) use dispute::{Dispute, DisputeStatus, that_counts};
pub(crate) use failure::{Failure, FailureKind};
pub(crate) use intent::{Intent, IntentStatus, Learned};
pub(crate) use ledger::{Amounts, Page, Taken, Why};
pub(crate) use order::{Bill, NotPayable, Ruling};
pub(crate) use payment::{Call, Means, NextStep, Payment, Status};
pub use platform_fee::{BasisPoints, NoShare};
pub(crate) use reconciliation::{Standing, differences};
pub(crate) use recovery_gap::Amnesia;
pub(crate) use refund::{Answer, GivenBack, GivenBackStatus, Refund, RefundCall, State};
pub(crate) use refund_failure::{NOTHING, TOO_MUCH};
pub use since::Since;
pub(crate) use stripe_event::{Effect, Letter, POINTING};
