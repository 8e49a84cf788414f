//! Requesting a refund.

use http::StatusCode;
use values::OrderId;

use super::{
    address::{order_id, path},
    order::{self, RefundEntries},
};
use crate::{
    api_client::{
        ApiError,
        orders::{self, NewRefund},
    },
    forms::Form,
    frame::{Failure, PageResult, Visit},
};

pub(crate) async fn submit(visit: Visit) -> PageResult {
    let id = order_id(&visit)?;
    let form = visit.form().await?;
    let Err((status, notice)) = request(&visit, id, &form).await? else {
        return visit.redirect(&format!("{}#refunds", path(id)));
    };
    let notice = visit.texts().text(notice).to_string();
    let entries = RefundEntries {
        quantity: form.trimmed("quantity"),
        reason: form.trimmed("reason"),
    };
    order::respond(&visit, id, status, Some(notice), Some(entries)).await
}

/// Requests the refund of a form. The inner error is the status of the page, and the id of the text that explains it.
async fn request(visit: &Visit, id: OrderId, form: &Form) -> Result<Result<(), (StatusCode, &'static str)>, Failure> {
    let invalid = StatusCode::UNPROCESSABLE_ENTITY;
    let Some(quantity) = form.parsed("quantity").filter(|quantity| *quantity > 0) else {
        return Ok(Err((invalid, "order-notice-refund-quantity")));
    };
    let refund = NewRefund {
        quantity,
        reason: form.optional("reason"),
    };
    let Err(refused) = orders::request_refund(visit.session(), id, &refund, form.raw("key")).await else {
        return Ok(Ok(()));
    };
    let notice = match &refused {
        ApiError::Refused(refusal) if refusal.kind == "account-closing" => return Err(refused.into()),
        ApiError::Refused(refusal) if refusal.kind == "seller-closing" => "order-notice-refund-seller-left",
        ApiError::Refused(refusal) if refusal.kind == "too-many-refunds" => "order-notice-refund-too-many",
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
    Ok(Err((status, notice)))
}
