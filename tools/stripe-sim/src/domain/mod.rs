//! The objects of the API and their rules. Each is stored in the transaction that changes it, together with its event.

pub(crate) mod balance_transaction;
mod charge;
pub(crate) mod confirmation;
pub(crate) mod currency;
pub(crate) mod dispute;
pub(crate) mod event;
mod evidence;
pub(crate) mod payment_intent;
pub(crate) mod payment_method;
pub(crate) mod refund;
pub(crate) mod test_card;
pub(crate) mod webhook_endpoint;

pub(crate) use balance_transaction::BalanceTransaction;
pub(crate) use charge::Charge;
pub(crate) use dispute::Dispute;
pub(crate) use event::Event;
pub(crate) use payment_intent::PaymentIntent;
pub(crate) use payment_method::PaymentMethod;
pub(crate) use refund::Refund;
pub(crate) use webhook_endpoint::WebhookEndpoint;
