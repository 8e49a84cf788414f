//! Placing an order: the form of a listing's page.

use askama::Template;
use http::StatusCode;
use values::{Money, TicketId};

use super::address::path;
use crate::{
    api_client::{
        ApiError, Refusal,
        orders::{self, NewOrder},
        payments,
    },
    forms::Form,
    frame::{Failure, Page, PageResult, Policy, ReturnPath, Visit, sign_in_path},
};

#[derive(Template)]
#[template(path = "orders/refused.html")]
struct RefusedView {
    page: Page,
    heading: String,
    explanation: String,
    event_path: String,
    /// Where else the person can go on: the id of a text, and a path.
    other: Option<(&'static str, &'static str)>,
}

pub(crate) async fn submit(visit: Visit) -> PageResult {
    let form = visit.form().await?;
    let ticket_id: TicketId = form.parsed("ticket").ok_or(Failure::Malformed)?;
    let event_path = format!("/events/{ticket_id}");
    if !visit.session().is_signed_in() {
        return sign_in_first(&visit, &event_path);
    }
    let Some(quantity) = form.parsed("quantity").filter(|quantity| *quantity > 0) else {
        let texts = ("refused-quantity", "refused-quantity-explanation");
        return respond(&visit, StatusCode::UNPROCESSABLE_ENTITY, texts, None, event_path, None);
    };
    let order = NewOrder {
        ticket_id,
        quantity,
        expected_price: expected_price(&form).ok_or(Failure::Malformed)?,
        ticket_version: form.parsed("version"),
    };
    match orders::place(visit.session(), &order, &key(&form, &order)).await {
        Ok(placed) => {
            // So that the card form is on the next page. If it fails, that page has a button for it.
            let key = format!("start-{}", placed.id);
            if let Err(error) = payments::start(visit.session(), placed.id, &key).await {
                tracing::debug!(%error, order = %placed.id, "payment was not started with the order");
            }
            visit.redirect(&path(placed.id))
        }
        Err(error) if error.is_status(StatusCode::UNAUTHORIZED) => sign_in_first(&visit, &event_path),
        Err(ApiError::Refused(refusal)) => refused(&visit, &refusal, event_path),
        Err(error) => Err(error.into()),
    }
}

/// Redirects to the sign-in page, which returns to the page of the listing.
fn sign_in_first(visit: &Visit, event_path: &str) -> PageResult {
    visit.redirect(&sign_in_path(&ReturnPath::parse(event_path)))
}

/// Returns the key of an order: that of the form and its values. A form that is sent twice orders once; one that the back
/// button shows again, and that is sent with other values, is another order.
fn key(form: &Form, order: &NewOrder) -> String {
    let Money { amount, currency } = order.expected_price;
    let (quantity, version) = (order.quantity, order.ticket_version.unwrap_or_default());
    format!("{}.{quantity}.{amount}{currency}.{version}", form.raw("key"))
}

/// Returns the price that the buyer has seen.
fn expected_price(form: &Form) -> Option<Money> {
    Some(Money {
        amount: form.parsed("price")?,
        currency: form.parsed("currency")?,
    })
}

fn refused(visit: &Visit, refusal: &Refusal, event_path: String) -> PageResult {
    let texts = match refusal.kind.as_str() {
        "sold-out" => ("refused-sold-out", "refused-sold-out-explanation"),
        "price-changed" => ("refused-price", "refused-price-explanation"),
        "ticket-outdated" => ("refused-outdated", "refused-outdated-explanation"),
        "buyer-limit" => ("refused-limit", "refused-limit-explanation"),
        "open-orders-limit" => ("refused-open-orders", "refused-open-orders-explanation"),
        "unpaid-orders" => ("refused-unpaid", "refused-unpaid-explanation"),
        "ticket-withdrawn" => ("refused-withdrawn", "refused-withdrawn-explanation"),
        "event-begun" => ("refused-begun", "refused-begun-explanation"),
        "sale-not-begun" => ("refused-early", "refused-early-explanation"),
        "sale-ended" => ("refused-ended", "refused-ended-explanation"),
        "own-ticket" => ("refused-own", "refused-own-explanation"),
        "second-factor-required" => ("refused-second-factor", "refused-second-factor-explanation"),
        "address-not-confirmed" => ("refused-address", "refused-address-explanation"),
        "invalid-fields" => ("refused-quantity", "refused-quantity-explanation"),
        _ => return Err(ApiError::Refused(Box::new(refusal.clone())).into()),
    };
    let other = match refusal.kind.as_str() {
        "buyer-limit" | "open-orders-limit" => Some(("refused-orders", "/orders")),
        "second-factor-required" | "address-not-confirmed" => Some(("refused-account", "/account")),
        _ => None,
    };
    respond(visit, refusal.status, texts, Some(refusal), event_path, other)
}

fn respond(
    visit: &Visit,
    status: StatusCode,
    (heading, explanation): (&'static str, &'static str),
    refusal: Option<&Refusal>,
    event_path: String,
    other: Option<(&'static str, &'static str)>,
) -> PageResult {
    let page = visit.page("refused-title");
    let mut explanation = page.text(explanation);
    if let Some(refusal) = refusal {
        explanation = explanation.with("minutes", refusal.minutes_to_wait());
    }
    if let Some(price) = refusal.and_then(|refusal| refusal.current_price) {
        explanation = explanation.with("price", page.money(&price));
    }
    let view = RefusedView {
        heading: page.text(heading).to_string(),
        explanation: explanation.to_string(),
        event_path,
        other,
        page,
    };
    visit.show_with(status, &view, &Policy::default())
}
