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
    let texts = visit.texts();
    let (status, notice) = match &refused {
        ApiError::Unavailable { .. } => (
            StatusCode::SERVICE_UNAVAILABLE,
            texts.text("order-notice-no-payment").to_string(),
        ),
        ApiError::Refused(refusal) => match refusal.status {
            StatusCode::TOO_MANY_REQUESTS => {
                let notice = texts.text("order-notice-too-many-cards");
                let notice = notice.with("minutes", refusal.minutes_to_wait());
                (refusal.status, notice.to_string())
            }
            StatusCode::UNPROCESSABLE_ENTITY if refusal.code.as_deref() == Some("amount-not-chargeable") => {
                (refusal.status, texts.text("order-notice-not-payable").to_string())
            }
            // It is paid, being paid or has ended: its page says so. The same for a form that was sent before.
            StatusCode::CONFLICT | StatusCode::PAYMENT_REQUIRED | StatusCode::UNPROCESSABLE_ENTITY => {
                return visit.redirect(&path(id));
            }
            _ => return Err(refused.into()),
        },
        ApiError::Unreadable { .. } => return Err(refused.into()),
    };
    order::respond(&visit, id, status, Some(notice), None).await
}
