//! `/v1`: one file per resource of Stripe's API. A handler reads the parameters, calls `domain`, and returns a
//! response.

mod balance_transactions;
mod charges;
mod disputes;
mod events;
mod expand;
mod payment_intents;
mod payment_methods;
mod refunds;
mod response;
mod router;
mod webhook_endpoints;

pub(crate) use response::Response;
pub(crate) use router::dispatch;
