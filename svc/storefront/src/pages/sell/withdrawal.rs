//! The refunds of a withdrawn listing.

use http::StatusCode;
use values::TicketId;

use super::address::{listing_id, path};
use crate::{
    api_client::{ApiError, sales},
    frame::{Failure, Page, PageResult, Visit},
};

/// How far the refunds of a withdrawn listing are.
pub(crate) struct Progress {
    pub(crate) text: String,
    /// Whether some failed, and can be requested again.
    pub(crate) can_retry: bool,
}

/// Returns how far the refunds are.
pub(crate) async fn progress(visit: &Visit, page: &Page, id: TicketId) -> Result<Progress, Failure> {
    let withdrawal = match sales::withdrawal(visit.session(), id).await {
        Ok(withdrawal) => withdrawal,
        Err(ApiError::Unavailable { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let Some(withdrawal) = withdrawal else {
        return Ok(Progress {
            text: page.text("sell-withdrawal-pending").to_string(),
            can_retry: false,
        });
    };
    let id = match (withdrawal.orders, withdrawal.pending, withdrawal.failed) {
        (0, ..) => "sell-withdrawal-none",
        (_, 0, 0) => "sell-withdrawal-done",
        (_, _, 0) => "sell-withdrawal-running",
        _ => "sell-withdrawal-failed",
    };
    let text = page.text(id).with("orders", withdrawal.orders);
    let text = text.with("refunded", withdrawal.refunded);
    Ok(Progress {
        text: text.with("failed", withdrawal.failed).to_string(),
        can_retry: withdrawal.failed > 0,
    })
}

pub(crate) async fn retry(visit: Visit) -> PageResult {
    let id = listing_id(&visit)?;
    match sales::retry_withdrawal(visit.session(), id).await {
        // The order service has not received the withdrawal: the page says so.
        Err(error) if !error.is_status(StatusCode::CONFLICT) => Err(error.into()),
        _ => visit.redirect(&path(id)),
    }
}
