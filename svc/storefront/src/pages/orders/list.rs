//! The orders of a person.

use askama::Template;
use http::StatusCode;
use localization::TimeZone;
use values::{OrderId, Timestamp};

use crate::{
    api_client::orders::{self, CancelReason, Order, OrderStatus},
    frame::{Page, PageResult, Visit},
};

/// The number of orders on a page.
const PAGE_SIZE: u32 = 20;

#[derive(Template)]
#[template(path = "orders/list.html")]
struct ListView {
    page: Page,
    rows: Vec<Row>,
    /// The path of the next page.
    next: Option<String>,
    is_first: bool,
    zone: TimeZone,
}

struct Row {
    id: OrderId,
    title: String,
    summary: String,
    state: String,
    /// The class of the badge that shows the state.
    badge: &'static str,
    placed_at: Timestamp,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    let cursor = visit.query("cursor");
    let found = match orders::list(visit.session(), PAGE_SIZE, cursor.as_deref()).await {
        Ok(found) => found,
        // A cursor of an earlier release, or one that somebody typed.
        Err(error) if cursor.is_some() && error.is_status(StatusCode::BAD_REQUEST) => {
            return visit.redirect("/orders");
        }
        Err(error) => return Err(error.into()),
    };
    let page = visit.page("orders-title");
    let next = found.next_cursor.map(|cursor| {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("cursor", &cursor)
            .finish();
        format!("/orders?{query}")
    });
    let rows = found.items.iter().map(|order| row(&page, order)).collect();
    visit.show(&ListView {
        rows,
        next,
        is_first: cursor.is_none(),
        zone: TimeZone::UTC,
        page,
    })
}

fn row(page: &Page, order: &Order) -> Row {
    let total = if order.total.is_free() {
        page.text("order-free").to_string()
    } else {
        page.money(&order.total)
    };
    let summary = page.text("orders-item").with("quantity", order.quantity);
    Row {
        id: order.id,
        title: order.ticket.title.clone(),
        summary: summary.with("total", total).to_string(),
        state: page.text(state(order)).to_string(),
        badge: badge(order.status),
        placed_at: order.created_at,
    }
}

/// Returns the id of the text of an order's state.
fn state(order: &Order) -> &'static str {
    match (order.status, order.cancel_reason) {
        (OrderStatus::Created, _) => "orders-state-open",
        (OrderStatus::AwaitingPayment, _) => "orders-state-processing",
        (OrderStatus::Complete, _) => "orders-state-complete",
        (OrderStatus::PartiallyRefunded, _) => "orders-state-partly-refunded",
        (OrderStatus::Refunded, _) => "orders-state-refunded",
        (OrderStatus::Cancelled, Some(CancelReason::Expired)) => "orders-state-expired",
        (OrderStatus::Cancelled, Some(CancelReason::User)) => "orders-state-cancelled",
        (OrderStatus::Cancelled, Some(CancelReason::TicketWithdrawn)) => "orders-state-withdrawn",
        (OrderStatus::Cancelled, Some(CancelReason::PaymentFailed) | None) => "orders-state-payment-failed",
    }
}

fn badge(status: OrderStatus) -> &'static str {
    match status {
        OrderStatus::Created | OrderStatus::AwaitingPayment => "badge--warn",
        OrderStatus::Complete => "badge--good",
        OrderStatus::PartiallyRefunded | OrderStatus::Refunded | OrderStatus::Cancelled => "",
    }
}
