//! The page of an order.

use askama::Template;
use futures_util::future::join;
use http::{HeaderValue, StatusCode, header};
use localization::TimeZone;
use values::{OrderId, Timestamp};

use super::{
    address::{new_key, order_id, path},
    card_form::{self, CardForm},
    decline,
    step::{Facts, Step, step},
};
use crate::{
    api_client::{
        Anonymous, ApiError,
        orders::{self, Order, Refund, RefundStatus},
        payments::{self, Payment},
        tickets::{self, Ticket},
    },
    frame::{Failure, Page, PageResult, Policy, Visit},
};

/// The query with which a browser returns from the page of its bank.
pub(super) const RETURNED: &str = "returned";

#[derive(Template)]
#[template(path = "orders/order.html")]
struct OrderView {
    page: Page,
    order: Order,
    step: Step,
    /// The listing as it is now; without it, where it cannot be had, the page shows less.
    listing: Option<Ticket>,
    zone: TimeZone,
    now: Timestamp,
    revision: String,
    /// The path of the state, which the script requests.
    state_path: String,
    heading: String,
    explanation: String,
    money_text: Option<String>,
    /// Why the last card was declined.
    decline: Option<String>,
    /// What prevented what a form was to do.
    notice: Option<String>,
    card: Option<CardForm>,
    is_hinted: bool,
    refunds: Vec<RefundRow>,
    /// Absent if no ticket can be given back.
    refund_form: Option<RefundForm>,
    key: String,
}

/// The form that gives tickets back.
struct RefundForm {
    /// The number of tickets that can be given back.
    most: u32,
    terms: String,
    /// The text of the button.
    button: String,
    /// Whether the button pays back at once, without a decision of the seller.
    is_final: bool,
    entries: RefundEntries,
    /// Whether the form is shown without a click: its entries were refused.
    is_open: bool,
    /// Whether the bank has refused an earlier refund.
    is_after_failure: bool,
}

/// What a buyer has entered to give tickets back.
pub(super) struct RefundEntries {
    pub(super) quantity: String,
    pub(super) reason: String,
}

struct RefundRow {
    summary: String,
    status: String,
    at: Timestamp,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    let id = order_id(&visit)?;
    // Stripe appends a secret to the address to which the browser returns: it must not stay there.
    if visit.query("payment_intent_client_secret").is_some() {
        let is_accepted = visit.query("redirect_status").as_deref() == Some("succeeded");
        let query = if is_accepted { "?returned=1" } else { "" };
        return visit.redirect(&format!("{}{query}", path(id)));
    }
    respond(&visit, id, StatusCode::OK, None, None).await
}

/// Responds with the page of an order, which says what went wrong, if something did. `refused` are the entries of a request to
/// give tickets back that was refused.
pub(super) async fn respond(
    visit: &Visit,
    id: OrderId,
    status: StatusCode,
    notice: Option<String>,
    refused: Option<RefundEntries>,
) -> PageResult {
    let current = current(visit, id).await?;
    let view = view(visit, current, notice, refused).await?;
    let policy = match &view.card {
        Some(_) => card_form::policy(&visit.app().settings.stripe_script_url),
        None => Policy::default(),
    };
    let mut response = visit.show_with(status, &view, &policy)?;
    // The back button requests the page again instead of showing an order as it was.
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    Ok(response)
}

/// An order, its payment, and where both stand.
pub(super) struct Current {
    pub(super) order: Order,
    payment: Option<Payment>,
    pub(super) step: Step,
    is_hinted: bool,
}

/// Returns an order of the person as the services have it now.
pub(super) async fn current(visit: &Visit, id: OrderId) -> Result<Current, Failure> {
    let session = visit.session();
    let (order, payment) = join(orders::get(session, id), payments::of_order(session, id)).await;
    let order = order?;
    let (payment, is_payment_known) = match payment {
        Ok(payment) => (payment, true),
        // The order alone says most of it.
        Err(ApiError::Unavailable { .. }) => (None, false),
        Err(error) => return Err(error.into()),
    };
    let is_hinted = visit.query(RETURNED).is_some();
    let facts = Facts {
        order: order.status,
        reason: order.cancel_reason,
        is_free: order.total.is_free(),
        expires_at: order.expires_at,
        is_payment_known,
        payment: payment.as_ref().map(|payment| payment.status),
        can_continue: !is_hinted
            && payment
                .as_ref()
                .is_some_and(|payment| payment.client_secret.is_some() && payment.publishable_key.is_some()),
    };
    let step = step(&facts, visit.now());
    Ok(Current {
        order,
        payment,
        step,
        is_hinted,
    })
}

impl Current {
    /// Returns what changes whenever the page is to be shown anew. A declined card does not count: its page is the same.
    pub(super) fn revision(&self) -> String {
        let payment = self.payment.as_ref().map(|payment| payment.id.to_string());
        format!(
            "{}.{}.{}.{}",
            self.step.name(),
            payment.unwrap_or_default(),
            self.order.refunded_quantity,
            self.order.disputed
        )
    }
}

async fn view(
    visit: &Visit,
    current: Current,
    notice: Option<String>,
    refused: Option<RefundEntries>,
) -> Result<OrderView, Failure> {
    let revision = current.revision();
    let Current {
        order,
        payment,
        step,
        is_hinted,
    } = current;
    let id = order.id;
    let is_sold = matches!(step, Step::Complete | Step::PartlyRefunded | Step::Refunded);
    let everybody = Anonymous(&visit.app().api);
    let listing = tickets::get(&everybody, order.ticket.id);
    let refunds = async {
        if is_sold {
            orders::refunds(visit.session(), id).await
        } else {
            Ok(Vec::new())
        }
    };
    let (listing, refunds) = join(listing, refunds).await;
    let (listing, refunds) = (listing.ok(), refunds?);
    let zone = TimeZone::of_listing(listing.as_ref().and_then(|listing| listing.time_zone.as_deref()));
    let (heading, explanation) = step.texts();
    let mut page = visit.page("order-title");
    let failure = payment.as_ref().and_then(|payment| payment.failure.as_ref());
    let shows_decline = matches!(step, Step::EnterCard | Step::AskBank | Step::StartPayment);
    let decline = failure
        .filter(|_| shows_decline)
        .map(|failure| decline::text(&failure.code));
    let text = |id: &'static str| page.text(id).to_string();
    let (heading, explanation) = (text(heading), text(explanation));
    let card = CardForm::new(step, payment.as_ref(), &visit.app().settings.stripe_script_url);
    let hint = if is_hinted { "?returned=1" } else { "" };
    // Of the order and the listing, the later date counts.
    let guaranteed_until = order
        .refundable_until
        .max(listing.as_ref().and_then(|listing| listing.refundable_until))
        .filter(|until| *until > visit.now())
        .map(|until| page.date_time(&until, &zone));
    let most = if step.has_tickets() {
        refundable(&order, &refunds)
    } else {
        0
    };
    let refund_form = (most > 0).then(|| RefundForm::new(&page, &order, most, &refunds, guaranteed_until, refused));
    let view = OrderView {
        revision,
        state_path: format!("{}/state{hint}", path(id)),
        heading: heading.clone(),
        explanation,
        money_text: step.money_text().filter(|_| !order.total.is_free()).map(text),
        decline: decline.map(text),
        notice,
        refund_form,
        refunds: refunds.iter().map(|refund| row(&page, refund)).collect(),
        key: new_key(visit),
        now: visit.now(),
        card,
        is_hinted,
        listing,
        zone,
        step,
        order,
        page: {
            page.title = heading;
            page.scripts.push("order.js");
            page
        },
    };
    Ok(view)
}

/// Returns the number of tickets that are neither refunded nor claimed by a request.
fn refundable(order: &Order, refunds: &[Refund]) -> u32 {
    if order.disputed {
        return 0;
    }
    let is_claimed = |refund: &&Refund| !matches!(refund.status, RefundStatus::Declined | RefundStatus::Failed);
    let claimed: u32 = refunds.iter().filter(is_claimed).map(|refund| refund.quantity).sum();
    order.quantity.saturating_sub(claimed.max(order.refunded_quantity))
}

impl RefundForm {
    /// Returns the form for up to `most` tickets. Until `guaranteed_until`, a refund is approved at once.
    fn new(
        page: &Page,
        order: &Order,
        most: u32,
        refunds: &[Refund],
        guaranteed_until: Option<String>,
        refused: Option<RefundEntries>,
    ) -> Self {
        let is_final = guaranteed_until.is_some();
        let terms = match guaranteed_until {
            Some(until) => page.text("refund-terms-automatic").with("until", until),
            None => page.text("refund-terms-seller"),
        };
        let button = match (is_final, order.ticket.price.is_free()) {
            (true, false) => page.text("refund-button-final"),
            (true, true) => page.text("refund-button-final-free"),
            (false, _) => page.text("refund-button"),
        };
        Self {
            most,
            terms: terms.to_string(),
            button: button.to_string(),
            is_final,
            is_open: refused.is_some(),
            is_after_failure: refunds.iter().any(|refund| refund.status == RefundStatus::Failed),
            entries: refused.unwrap_or_else(|| RefundEntries {
                quantity: "1".to_owned(),
                reason: String::new(),
            }),
        }
    }
}

fn row(page: &Page, refund: &Refund) -> RefundRow {
    let is_free = refund.amount.is_free();
    let status = match refund.status {
        RefundStatus::Requested => "refund-requested",
        RefundStatus::Approved if is_free => "refund-approved-free",
        RefundStatus::Approved => "refund-approved",
        RefundStatus::Declined => "refund-declined",
        RefundStatus::Paid if is_free => "refund-paid-free",
        RefundStatus::Paid => "refund-paid",
        RefundStatus::Failed => "refund-failed",
    };
    let amount = if is_free {
        page.text("order-free").to_string()
    } else {
        page.money(&refund.amount)
    };
    let summary = page.text("refund-row").with("quantity", refund.quantity);
    RefundRow {
        summary: summary.with("amount", amount).to_string(),
        status: page.text(status).to_string(),
        at: refund.created_at,
    }
}

impl OrderView {
    /// Returns the path of the page.
    fn path(&self) -> String {
        path(self.order.id)
    }

    /// Returns the whole minutes until the deadline.
    fn minutes_left(&self) -> i64 {
        (self.order.expires_at.millis() - self.now.millis()).max(0) / 60_000
    }

    fn quantity(&self) -> u32 {
        self.order.quantity
    }

    /// Whether the state may change while the page is open.
    fn is_live(&self) -> bool {
        self.step.is_waiting() || self.step.has_deadline()
    }

    fn asks_bank(&self) -> bool {
        self.step == Step::AskBank
    }
}
