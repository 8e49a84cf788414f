//! The state of an order for the script of its page.

use http::header;
use poem::Response;
use serde::Serialize;

use super::{address::order_id, order::current};
use crate::frame::{Failure, PageResult, Visit};

#[derive(Serialize)]
struct OrderState {
    /// Another one means that the page is another one.
    revision: String,
    /// In milliseconds since 1970, by the clock of the services; absent once the tickets are not held any more.
    deadline: Option<i64>,
    now: i64,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    let current = current(&visit, order_id(&visit)?).await?;
    let state = OrderState {
        revision: current.revision(),
        deadline: current.step.has_deadline().then(|| current.order.expires_at.millis()),
        now: visit.now().millis(),
    };
    let body = serde_json::to_vec(&state).map_err(|_| Failure::Internal)?;
    Ok(Response::builder()
        .content_type("application/json")
        .header(header::CACHE_CONTROL, "no-store")
        .body(body))
}
