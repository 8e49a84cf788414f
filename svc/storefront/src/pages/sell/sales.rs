//! The sales of a listing: its orders, and the refunds to decide.

use askama::Template;
use http::StatusCode;
use localization::TimeZone;
use values::{Money, OrderId, RefundId, TicketId, Timestamp};

use super::{
    super::parts::Places,
    address::{listing_id, path, path_at},
    chart::{self, Day, Sale},
    withdrawal,
};
use crate::{
    api_client::{
        ApiError,
        listings::{self, ListingOrder, ListingOrderState},
        sales::{self, RequestedRefund},
        tickets::{Ticket, TicketStatus},
    },
    frame::{Failure, Page, PageResult, Policy, Visit},
};

/// The number of orders on a page.
const PAGE_SIZE: u32 = 50;

/// The most orders that the plot shows.
const PLOTTED_ORDERS: usize = 1000;

#[derive(Template)]
#[template(path = "sell/sales.html")]
struct SalesView {
    page: Page,
    path: String,
    ticket: Ticket,
    zone: TimeZone,
    places: Places,
    is_withdrawn: bool,
    /// How far the refunds of a withdrawn listing are.
    withdrawal: Option<withdrawal::Progress>,
    /// What became of the form that was sent.
    notice: Option<String>,
    /// Absent if the order service does not respond.
    refunds: Option<Vec<RefundRow>>,
    /// The id of the notice after a refund was decided.
    decided: Option<&'static str>,
    /// On the first page of orders, once something is sold.
    plot: Option<Plot>,
    orders: Vec<OrderRow>,
    next: Option<String>,
    is_first: bool,
}

/// The sales over time, as a picture and as a table.
struct Plot {
    description: String,
    /// The content of the `svg` element.
    content: String,
    width: u32,
    height: u32,
    days: Vec<Day>,
    /// A sentence about orders that are not shown.
    omission: Option<String>,
}

struct OrderRow {
    id: OrderId,
    /// Name and address, as far as they are known.
    buyer: Option<String>,
    email: Option<String>,
    quantity: u32,
    total: Money,
    refunded: Option<Money>,
    state: String,
    /// The class of the badge that shows the state.
    badge: &'static str,
    is_disputed: bool,
    placed_at: Timestamp,
}

struct RefundRow {
    id: RefundId,
    order: OrderId,
    summary: String,
    /// Name or address, if the order is on the page.
    buyer: Option<String>,
    reason: Option<String>,
    at: Timestamp,
    approve_label: String,
    decline_label: String,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    respond(&visit, listing_id(&visit)?, StatusCode::OK, None).await
}

/// Responds with the page, and what became of a form that was sent.
pub(super) async fn respond(
    visit: &Visit,
    id: TicketId,
    status: StatusCode,
    notice: Option<&'static str>,
) -> PageResult {
    let session = visit.session();
    // The cursor is of the page of orders, not of its forms.
    let cursor = visit.query("cursor").filter(|_| notice.is_none());
    let orders = match listings::orders(session, id, PAGE_SIZE, cursor.as_deref()).await {
        Ok(orders) => orders,
        // A cursor of an earlier release, or one that somebody typed.
        Err(error) if cursor.is_some() && error.is_status(StatusCode::BAD_REQUEST) => {
            return visit.redirect(&path(id));
        }
        Err(error) => return Err(error.into()),
    };
    let ticket = listings::get(session, id).await?.ticket;
    let page = visit.page("sell-sales-title").about(&ticket.title);
    let is_withdrawn = ticket.status == TicketStatus::Withdrawn;
    let refunds = match sales::requested_refunds(session).await {
        Ok(refunds) => Some(refunds),
        Err(ApiError::Unavailable { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let plot = if cursor.is_none() && !orders.items.is_empty() {
        plot(visit, &page, &ticket).await?
    } else {
        None
    };
    let of_listing = |refunds: Vec<RequestedRefund>| {
        let own = refunds.into_iter().filter(|refund| refund.ticket_id == id);
        own.map(|refund| refund_row(&page, refund, &orders.items)).collect()
    };
    let view = SalesView {
        path: path(id),
        zone: ticket.zone(),
        places: Places::of(&page, &ticket),
        withdrawal: if is_withdrawn {
            Some(withdrawal::progress(visit, &page, id).await?)
        } else {
            None
        },
        is_withdrawn,
        notice: notice.map(|id| page.text(id).to_string()),
        refunds: refunds.map(of_listing),
        decided: match visit.query("decided").as_deref() {
            Some("approve") => Some("sell-refund-approved"),
            Some("decline") => Some("sell-refund-declined"),
            _ => None,
        },
        plot,
        orders: orders.items.into_iter().map(|order| order_row(&page, order)).collect(),
        next: orders.next_cursor.map(|cursor| path_at(&path(id), &cursor)),
        is_first: cursor.is_none(),
        ticket,
        page,
    };
    visit.show_with(status, &view, &Policy::default())
}

async fn plot(visit: &Visit, page: &Page, ticket: &Ticket) -> Result<Option<Plot>, Failure> {
    let (orders, has_more) = listings::newest_orders(visit.session(), ticket.id, PLOTTED_ORDERS).await?;
    let is_sold = |order: &&ListingOrder| {
        matches!(
            order.state,
            ListingOrderState::Complete | ListingOrderState::PartiallyRefunded
        )
    };
    let sales = orders.iter().filter(is_sold).map(|order| Sale {
        at: order.placed_at,
        quantity: order.quantity.saturating_sub(order.refunded_quantity),
    });
    let (sales, zone): (Vec<_>, _) = (sales.collect(), ticket.zone());
    let days = chart::days(&sales, &zone);
    let content = chart::draw(&sales, visit.now(), page.language(), &zone);
    let (Some(first), Some(last), Some(content)) = (days.first(), days.last(), content) else {
        return Ok(None);
    };
    let description = page.text("sell-chart-description").with("count", last.total);
    let description = description.with("first", page.date(&first.at, &zone));
    let count = u64::try_from(orders.len()).unwrap_or(u64::MAX);
    let omission = page.text("sell-chart-part").with("count", count).to_string();
    let (width, height) = chart::SIZE;
    Ok(Some(Plot {
        description: description.with("last", page.date(&last.at, &zone)).to_string(),
        content,
        width,
        height,
        omission: Some(omission).filter(|_| has_more),
        days,
    }))
}

fn order_row(page: &Page, order: ListingOrder) -> OrderRow {
    let (state, badge) = match order.state {
        ListingOrderState::Created => ("sell-state-open", "badge--warn"),
        ListingOrderState::AwaitingPayment => ("sell-state-processing", "badge--warn"),
        ListingOrderState::Complete => ("sell-state-paid", "badge--good"),
        ListingOrderState::PartiallyRefunded => ("sell-state-partly-refunded", ""),
        ListingOrderState::Refunded => ("sell-state-refunded", ""),
        ListingOrderState::Cancelled => ("sell-state-cancelled", ""),
    };
    OrderRow {
        id: order.order_id,
        buyer: order.buyer_name,
        email: order.buyer_email,
        quantity: order.quantity,
        total: order.total,
        refunded: Some(order.refunded).filter(|_| order.refunded_quantity > 0),
        state: page.text(state).to_string(),
        badge,
        is_disputed: order.disputed,
        placed_at: order.placed_at,
    }
}

fn refund_row(page: &Page, refund: RequestedRefund, orders: &[ListingOrder]) -> RefundRow {
    let amount = page.money(&refund.amount);
    let summary = page.text("sell-refund-summary").with("quantity", refund.quantity);
    let order = orders.iter().find(|order| order.order_id == refund.order_id);
    let buyer = order.and_then(|order| order.buyer_name.clone().or_else(|| order.buyer_email.clone()));
    let label = |id: &'static str| {
        let text = page.text(id).with("amount", &amount);
        match &buyer {
            Some(buyer) => format!("{text} · {buyer}"),
            None => text.to_string(),
        }
    };
    RefundRow {
        id: refund.id,
        order: refund.order_id,
        summary: summary.with("amount", &amount).to_string(),
        reason: refund.reason,
        at: refund.created_at,
        approve_label: label("sell-refund-approve-of"),
        decline_label: label("sell-refund-decline-of"),
        buyer,
    }
}
