//! State machines and values. They import no SQL and no HTTP; the time is passed in.

mod captured_funds;
mod card_limits;
mod card_token;
mod decline;
mod dispute;
mod due_work;
mod failure;
mod intent;
mod ledger;
mod network_attempts;
mod order;
mod payment;
mod platform_fee;
mod reconciliation;
mod recovery_gap;
mod refund;
mod refund_failure;
mod retry;
mod since;
mod stripe_event;
mod stripe_key;

pub(crate) use captured_funds::{CapturedFunds, CapturedFundsState, FollowUpReport, RefundSummary, StripeFee};
pub use card_limits::CardLimits;
pub(crate) use card_limits::{Attempt, LimitScope, TooManyCards, check_attempts, first_counted_id};
pub(crate) use card_token::CardToken;
pub(crate) use dispute::{Dispute, DisputeStatus, published_dispute};
pub(crate) use due_work::{DueWork, WorkKind};
pub(crate) use failure::{Failure, FailureKind};
pub(crate) use intent::{ChargedFunds, Intent, IntentStatus, StripeResult};
pub(crate) use ledger::{AccountAmounts, CapturedSale, EntryReason, LedgerKey, SellerBalance};
pub(crate) use network_attempts::{CardAttempts, CountedNetwork};
pub(crate) use order::{CaptureDecision, NotPayable, PayableOrder};
pub(crate) use payment::{BuyerAction, Payment, PaymentMethod, PaymentState, PaymentStatus, StripeCall};
pub use platform_fee::{BasisPoints, InvalidBasisPoints};
pub(crate) use reconciliation::differences;
pub(crate) use recovery_gap::RecoveryGap;
pub(crate) use refund::{
    Refund, RefundCall, RefundResult, RefundState, RefundStatus, StripeRefund, StripeRefundStatus,
};
pub(crate) use refund_failure::{EXCEEDS_REMAINDER, NOTHING_CAPTURED};
pub(crate) use retry::{Retry, RetrySchedule};
pub use since::Since;
pub use stripe_event::HANDLED_EVENT_TYPES;
pub(crate) use stripe_event::{EventOutcome, StripeEvent};
pub(crate) use stripe_key::STRIPE_KEY_USE;
