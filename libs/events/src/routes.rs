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
        "ticketing.expiration.completed.v1",
        "expiration",
        &["order"],
        "An order's deadline has passed.",
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
        "What was taken is given back.",
    ),
];

/// The types of event that `service` wants to hear.
pub fn subscriptions(service: &str) -> impl Iterator<Item = &'static str> {
    ROUTES
        .iter()
        .filter(move |route| route.to.contains(&service))
        .map(|route| route.event)
}
