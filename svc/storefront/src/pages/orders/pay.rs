//! Starting the payment of an order.

use http::StatusCode;

use super::{
    address::{order_id, path},
    order,
};
use crate::{
    api_client::{ApiError, payments},
    frame::{PageResult, Visit},
};

pub(crate) async fn submit(visit: Visit) -> PageResult {
    let id = order_id(&visit)?;
    let form = visit.form().await?;
    let Err(refused) = payments::start(visit.session(), id, form.raw("key")).await else {
        return visit.redirect(&path(id));
    };
    let (status, notice) = match &refused {
        ApiError::Unavailable { .. } => (StatusCode::SERVICE_UNAVAILABLE, "order-notice-no-payment"),
        ApiError::Refused(refusal) => match refusal.status {
            StatusCode::TOO_MANY_REQUESTS => (refusal.status, "order-notice-too-many-cards"),
            StatusCode::UNPROCESSABLE_ENTITY if refusal.code.as_deref() == Some("amount-not-chargeable") => {
                (refusal.status, "order-notice-not-payable")
            }
            // It is paid, being paid or has ended: its page says so. The same for a form that was sent before.
            StatusCode::CONFLICT | StatusCode::PAYMENT_REQUIRED | StatusCode::UNPROCESSABLE_ENTITY => {
                return visit.redirect(&path(id));
            }
            _ => return Err(refused.into()),
        },
        ApiError::Unreadable { .. } => return Err(refused.into()),
    };
    let notice = visit.texts().text(notice).to_string();
    order::respond(&visit, id, status, Some(notice), None).await
}
