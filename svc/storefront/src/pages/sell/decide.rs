//! Deciding a refund.

use http::StatusCode;
use values::{OrderId, RefundId};

use super::{
    address::{listing_id, path},
    sales::respond,
};
use crate::{
    api_client::{
        ApiError,
        sales::{self, Decision},
    },
    frame::{Failure, PageResult, Visit},
};

pub(crate) async fn submit(visit: Visit) -> PageResult {
    let id = listing_id(&visit)?;
    let order: OrderId = visit.parameter("order")?;
    let refund: RefundId = visit.parameter("refund")?;
    let form = visit.form().await?;
    let decision = match form.raw("decision") {
        "approve" => Decision::Approve,
        "decline" => Decision::Decline,
        _ => return Err(Failure::Malformed),
    };
    let Err(refused) = sales::decide(visit.session(), order, refund, decision).await else {
        return visit.redirect(&format!("{}?decided={}#refunds", path(id), form.raw("decision")));
    };
    let notice = match &refused {
        ApiError::Refused(refusal) if refusal.kind == "refund-decided" => "sell-refund-decided",
        ApiError::Refused(refusal) if refusal.kind == "order-disputed" => "sell-refund-disputed",
        _ => return Err(refused.into()),
    };
    respond(&visit, id, StatusCode::CONFLICT, Some(notice)).await
}
