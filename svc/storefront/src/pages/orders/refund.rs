//! Requesting a refund.

use http::StatusCode;

use super::{
    address::{order_id, path},
    order,
};
use crate::{
    api_client::{
        ApiError,
        orders::{self, NewRefund},
    },
    frame::{PageResult, Visit},
};

pub(crate) async fn submit(visit: Visit) -> PageResult {
    let id = order_id(&visit)?;
    let form = visit.form().await?;
    let invalid = StatusCode::UNPROCESSABLE_ENTITY;
    let Some(quantity) = form.parsed("quantity").filter(|quantity| *quantity > 0) else {
        return order::respond(&visit, id, invalid, Some("order-notice-refund-quantity")).await;
    };
    let refund = NewRefund {
        quantity,
        reason: form.optional("reason"),
    };
    let Err(refused) = orders::request_refund(visit.session(), id, &refund, form.raw("key")).await else {
        return visit.redirect(&format!("{}#refunds", path(id)));
    };
    let notice = match &refused {
        ApiError::Refused(refusal) if refusal.kind == "account-closing" => return Err(refused.into()),
        ApiError::Refused(refusal) if refusal.kind == "seller-closing" => "order-notice-refund-seller-left",
        ApiError::Refused(refusal) if refusal.status == StatusCode::CONFLICT => "order-notice-refund-impossible",
        ApiError::Refused(refusal) if refusal.errors.iter().any(|error| error.field == "reason") => {
            "order-notice-refund-reason"
        }
        ApiError::Refused(refusal) if refusal.errors.iter().any(|error| error.field == "quantity") => {
            "order-notice-refund-quantity"
        }
        // The form was sent before with other values: the request that it made is on the page.
        ApiError::Refused(refusal) if refusal.kind == "idempotency-key-reused" => "order-notice-refund-impossible",
        _ => return Err(refused.into()),
    };
    let status = refused.refusal().map_or(invalid, |refusal| refusal.status);
    order::respond(&visit, id, status, Some(notice)).await
}
