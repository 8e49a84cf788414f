//! The views and calls of the payment service.

use serde::{Deserialize, Serialize};
use values::{OrderId, PaymentId};

use super::{ApiError, ApiRequest, Caller, Service};

/// A payment attempt for one order.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Payment {
    pub(crate) id: PaymentId,
    pub(crate) status: PaymentStatus,
    /// Why the last card was refused; in a final status, why the payment failed.
    pub(crate) failure: Option<PaymentFailure>,
    /// Present while the buyer has to act.
    pub(crate) client_secret: Option<String>,
    /// Present together with `client_secret`.
    pub(crate) publishable_key: Option<String>,
}

/// Why a card was refused.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PaymentFailure {
    /// A decline code of Stripe, such as `insufficient_funds`.
    pub(crate) code: String,
}

/// The status of a payment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PaymentStatus {
    Started,
    RequiresPaymentMethod,
    RequiresAction,
    Authorized,
    Capturing,
    Captured,
    Voiding,
    Voided,
    Failed,
}

impl PaymentStatus {
    /// Whether it can still bring money, or holds some.
    pub(crate) const fn is_live(self) -> bool {
        !matches!(self, Self::Voided | Self::Failed)
    }
}

#[derive(Deserialize)]
struct PaymentPage {
    items: Vec<Payment>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewPayment {
    order_id: OrderId,
}

/// Starts a payment in the browser, or returns the one that the browser can continue. A free order is paid at once.
pub(crate) async fn start(caller: &impl Caller, order_id: OrderId, idempotency_key: &str) -> Result<Payment, ApiError> {
    let request = ApiRequest::post(Service::Payment, "/api/v1/payments").json(&NewPayment { order_id });
    caller.send(request.idempotency_key(idempotency_key)).await?.json()
}

/// Returns the payment of an order that counts: the live one, else the last one.
pub(crate) async fn of_order(caller: &impl Caller, order: OrderId) -> Result<Option<Payment>, ApiError> {
    let path = format!("/api/v1/payments?orderId={order}&limit=100");
    let page: PaymentPage = caller.send(ApiRequest::get(Service::Payment, path)).await?.json()?;
    let live = page.items.iter().find(|payment| payment.status.is_live());
    Ok(live.or(page.items.first()).cloned())
}
