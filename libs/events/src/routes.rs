/// Who says an event, and who wants to hear it.
#[derive(Debug)]
pub struct Route {
    /// The event's type on the wire.
    pub event: &'static str,
    /// The service that publishes it.
    pub from: &'static str,
    /// The services whose queues receive it.
    pub to: &'static [&'static str],
    /// When it is said.
    pub meaning: &'static str,
}

const fn route(event: &'static str, from: &'static str, to: &'static [&'static str], meaning: &'static str) -> Route {
    Route {
        event,
        from,
        to,
        meaning,
    }
}

/// Every event that travels between services. Each service declares all queues and bindings of this table before it
/// publishes, so that an event is kept even for a service that has never run yet.
pub const ROUTES: &[Route] = &[
    route(
        "ticketing.ticket.created.v1",
        "ticket",
        &["order"],
        "Tickets are on sale.",
    ),
    route(
        "ticketing.ticket.updated.v1",
        "ticket",
        &["order"],
        "A listing was changed or withdrawn.",
    ),
    route(
        "ticketing.order.created.v1",
        "order",
        &["ticket", "expiration", "payment"],
        "Tickets are held for a buyer, until the order's deadline.",
    ),
    route(
        "ticketing.order.extended.v1",
        "order",
        &["ticket", "expiration", "payment"],
        "The deadline was moved, once, because a payment was under way.",
    ),
    route(
        "ticketing.order.confirmed.v1",
        "order",
        &["ticket", "expiration", "payment"],
        "A payment is authorised and the tickets are still held: that payment may be captured.",
    ),
    route(
        "ticketing.order.completed.v1",
        "order",
        &["ticket", "expiration", "payment"],
        "Paid: the tickets are the buyer's.",
    ),
    route(
        "ticketing.order.cancelled.v1",
        "order",
        &["ticket", "expiration", "payment"],
        "Ended without a sale: the hold is released, and an authorised payment is voided.",
    ),
    route(
        "ticketing.order.refunded.v1",
        "order",
        &["ticket", "expiration", "payment"],
        "Tickets of a paid order were given back, or money for it.",
    ),
    route(
        "ticketing.order.disputed.v1",
        "order",
        &["ticket", "expiration", "payment"],
        "The charge of a paid order is disputed, or no longer.",
    ),
    route(
        "ticketing.refund.requested.v1",
        "order",
        &[],
        "A buyer asks for a refund; the seller decides.",
    ),
    route(
        "ticketing.refund.approved.v1",
        "order",
        &["payment"],
        "Money is to be paid back to the buyer.",
    ),
    route(
        "ticketing.refund.declined.v1",
        "order",
        &[],
        "The seller said no to a refund.",
    ),
    route(
        "ticketing.refund.paid.v1",
        "order",
        &[],
        "A refund is paid, and its tickets have gone back.",
    ),
    route(
        "ticketing.refund.failed.v1",
        "order",
        &[],
        "A refund could not be paid: the tickets stay the buyer's.",
    ),
    route(
        "ticketing.expiration.completed.v1",
        "expiration",
        &["order"],
        "An order's deadline has passed.",
    ),
    route(
        "ticketing.payment.pending.v1",
        "payment",
        &["order"],
        "An attempt is under way, and waits for the buyer's bank or for Stripe.",
    ),
    route(
        "ticketing.payment.authorized.v1",
        "payment",
        &["order"],
        "The buyer's bank has set the money aside.",
    ),
    route(
        "ticketing.payment.created.v1",
        "payment",
        &["order"],
        "The money is taken.",
    ),
    route(
        "ticketing.payment.failed.v1",
        "payment",
        &["order"],
        "Nothing was taken, and nothing will be.",
    ),
    route(
        "ticketing.payment.refunded.v1",
        "payment",
        &["order"],
        "Of what was taken, something is given back.",
    ),
    route(
        "ticketing.payment.refund-failed.v1",
        "payment",
        &["order"],
        "A refund could not be paid.",
    ),
    route(
        "ticketing.payment.disputed.v1",
        "payment",
        &["order"],
        "The buyer's bank disputes the charge, or has decided on that.",
    ),
];

/// The types of event that `service` wants to hear.
pub fn subscriptions(service: &str) -> impl Iterator<Item = &'static str> {
    ROUTES
        .iter()
        .filter(move |route| route.to.contains(&service))
        .map(|route| route.event)
}
