//! The views and calls of the payment service for sellers.

use serde::Deserialize;
use values::{Currency, OrderId, Timestamp};

use super::{ApiError, ApiRequest, Caller, Service};

/// What a seller has earned.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Balance {
    pub(crate) currencies: Vec<CurrencyBalance>,
}

/// Amounts in minor units.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CurrencyBalance {
    pub(crate) currency: Currency,
    pub(crate) sold: i64,
    pub(crate) fees: i64,
    pub(crate) refunded: i64,
    pub(crate) disputed: i64,
    pub(crate) net: i64,
    /// What was paid to the seller; a release without payouts does not state it.
    #[serde(default)]
    pub(crate) paid_out: i64,
}

/// A change of the balance, in minor units.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LedgerLine {
    pub(crate) at: Timestamp,
    pub(crate) reason: LedgerReason,
    pub(crate) order_id: OrderId,
    pub(crate) currency: Currency,
    pub(crate) sold: i64,
    pub(crate) fee: i64,
    pub(crate) refunded: i64,
    pub(crate) disputed: i64,
    pub(crate) net: i64,
}

/// Why the balance changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LedgerReason {
    Completed,
    Refund,
    RefundFailed,
    Dispute,
    /// A reason of a later release.
    #[serde(other)]
    Other,
}

/// A page of changes.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LedgerPage {
    pub(crate) items: Vec<LedgerLine>,
    pub(crate) next_cursor: Option<String>,
}

/// Returns the balance of the person.
pub(crate) async fn balance(caller: &impl Caller) -> Result<Balance, ApiError> {
    let request = ApiRequest::get(Service::Payment, "/api/v1/payments/balance");
    caller.send(request).await?.json()
}

/// Returns a page of the changes of the balance, the newest first.
pub(crate) async fn lines(caller: &impl Caller, limit: u32, cursor: Option<&str>) -> Result<LedgerPage, ApiError> {
    let path = format!("/api/v1/payments/ledger?limit={limit}");
    let request = ApiRequest::get_at(Service::Payment, path, cursor);
    caller.send(request).await?.json()
}
