//! The operations on orders.

use std::time::Duration;

use chassis::REPLICATION_TIMEOUT;
use idempotency::{IdempotencyKey, IdempotentRequest, StoredResponse};
use input::{Body, Header, Query};
use pagination::{Cursor, CursorScope, Limit, Page};
use poem::web::Data;
use poem_openapi::{ApiResponse, OpenApi, param::Path, payload::Json, types::ToJSON};
use problem::{Problem, problem_responses};
use rusqlite::Connection;
use token::SignedIn;
use values::OrderId;

use super::{
    app::{App, Tag},
    views::{NewOrder, OrderStatusView, OrderView},
};
use crate::{
    domain::{NotAsSeen, Order, SeenListing},
    store,
    use_cases::{PlaceOrder, cancel_order, order_of_buyer, place_order},
};

/// How long to wait for a price that the buyer has seen.
const PRICE_TIMEOUT: Duration = Duration::from_secs(1);

/// The operations on orders.
#[derive(Debug)]
pub struct OrdersApi;

#[derive(ApiResponse)]
enum PlaceOrderResponse {
    /// The tickets are held until `expiresAt`.
    #[oai(status = 201)]
    Created(
        Json<OrderView>,
        /// The path of the order.
        #[oai(header = "Location")]
        String,
    ),
}

#[derive(ApiResponse)]
enum CancelOrderResponse {
    /// The order is cancelled; the tickets that it held are on sale again.
    #[oai(status = 204)]
    Cancelled,
}

problem_responses! {
    /// Why an order was not placed.
    PlaceOrderProblem {
        403 => "`own-ticket`: it is your own listing. `second-factor-required`: the seller requires that you sign in with a \
                second factor. `address-not-confirmed`: you have not confirmed your email address. Or a cookie came with a write from another site.",
        404 => "The listing does not exist.",
        409 => "`sold-out`, `ticket-withdrawn`, `sale-not-begun`, `sale-ended` or `event-begun`: the tickets are not available. \
                `price-changed`: the price is `currentPrice`. `ticket-outdated`: the order service has not received that \
                `ticketVersion`. `buyer-limit` or \
                `open-orders-limit`: you have as many tickets or unpaid orders as one buyer may have. `account-closing`: you have \
                requested the deletion of your account.",
        429 => "`unpaid-orders`: your last orders of these tickets were not paid. Order again after `Retry-After` seconds.",
    }
}

problem_responses! {
    /// Why orders are not listed.
    ListOrdersProblem {
        400 => "A parameter is unknown, repeated or malformed, or the cursor belongs to another query; the response names it.",
    }
}

problem_responses! {
    /// Why an order is not displayed.
    GetOrderProblem {
        404 => "You have no such order.",
    }
}

problem_responses! {
    /// Why an order was not cancelled.
    CancelOrderProblem {
        404 => "You have no such order.",
        409 => "`order-complete` or `order-being-paid`: it is too late to cancel.",
    }
}

#[OpenApi(prefix_path = "/api/v1/orders", tag = "Tag::Orders")]
impl OrdersApi {
    /// Order tickets
    ///
    /// Holds tickets of one listing for you until `expiresAt`: for its order window, but not after its event has begun. Pay
    /// by then, or they are on sale again. An order that was placed before the end of the sale can be paid after it.
    ///
    /// Send the price that you have seen as `expectedPrice`: at another price, nothing is ordered. A change by the seller
    /// holds for orders as soon as the order service has received it, usually within milliseconds; send the `version` of
    /// the ticket as `ticketVersion` to order under that change.
    ///
    /// The tickets that you hold and have bought of one listing are at most its `maxPerBuyer`; cancelled orders and tickets
    /// that are on sale again after a refund do not count. You may have a limited number of unpaid orders. After some
    /// orders of one listing that expired or that you cancelled, further ones are refused for a time. `getTicket` shows
    /// these limits.
    #[oai(path = "/", method = "post", operation_id = "placeOrder")]
    async fn place_order(
        &self,
        app: Data<&App>,
        buyer: SignedIn,
        #[oai(name = "Idempotency-Key")] key: Header<Option<IdempotencyKey>>,
        body: Body<NewOrder>,
    ) -> Result<StoredResponse<PlaceOrderResponse>, PlaceOrderProblem> {
        if app.requires_confirmed_address {
            buyer.ensure_address_confirmed()?;
        }
        let content = idempotency::without_absent(&body.0, &["expectedPrice", "ticketVersion"]);
        let request = IdempotentRequest::new("placeOrder", buyer.user_id, key.0, &content);
        let command = parse(&app, &buyer, &body.0)?;
        let ticket = command.ticket_id;
        let is_recent = ticket.is_recent(app.clock.now());
        chassis::wait_for_replication(&app.db, buyer.user_id, &ticket, is_recent, move |conn| {
            Ok::<_, db::Error>(store::find_listing(conn, ticket)?.is_some())
        })
        .await?;
        wait_for_seen_listing(&app, &command).await?;
        let (now, limits) = (app.clock.now(), app.limits);
        let response = app.db.write(move |tx| {
            idempotency::run_once(tx, now, &request, |tx| {
                let order = place_order(tx, now, &limits, command)?;
                let location = format!("/api/v1/orders/{}", order.id());
                Ok(PlaceOrderResponse::Created(Json(order.into()), location))
            })
        });
        Ok(response.await?)
    }

    /// List your orders
    ///
    /// The newest first.
    #[oai(path = "/", method = "get", operation_id = "listOrders")]
    async fn list_orders(
        &self,
        app: Data<&App>,
        buyer: SignedIn,
        /// Only orders with this status.
        status: Query<Option<OrderStatusView>>,
        /// The maximum number of orders.
        limit: Query<Limit>,
        /// `nextCursor` of the previous page.
        cursor: Query<Option<Cursor<OrderId>>>,
    ) -> Result<Json<Page<OrderView>>, ListOrdersProblem> {
        let scope = CursorScope::new("listOrders", &(buyer.user_id, status.0.map(|status| status.to_json())));
        let before = scope.position(cursor.0)?;
        let (status, limit) = (status.0.map(Into::into), limit.0);
        let orders = app
            .db
            .read(move |conn| store::orders_of_buyer(conn, buyer.user_id, status, before, limit.rows()));
        Ok(Json(Page::from_rows(
            orders.await?,
            &scope,
            limit,
            Order::id,
            Into::into,
        )))
    }

    /// Get one of your orders
    #[oai(path = "/:id", method = "get", operation_id = "getOrder")]
    async fn get_order(
        &self,
        app: Data<&App>,
        buyer: SignedIn,
        /// The order.
        id: Path<OrderId>,
    ) -> Result<Json<OrderView>, GetOrderProblem> {
        let id = id.0;
        let order = app.db.read(move |conn| order_of_buyer(conn, buyer.user_id, id));
        Ok(Json(order.await?.into()))
    }

    /// Cancel one of your orders
    ///
    /// Possible until it is paid. Cancelling it again changes nothing.
    #[oai(path = "/:id", method = "delete", operation_id = "cancelOrder")]
    async fn cancel_order(
        &self,
        app: Data<&App>,
        buyer: SignedIn,
        /// The order.
        id: Path<OrderId>,
    ) -> Result<CancelOrderResponse, CancelOrderProblem> {
        let (now, id) = (app.clock.now(), id.0);
        app.db.write(move |tx| cancel_order(tx, now, buyer.user_id, id)).await?;
        Ok(CancelOrderResponse::Cancelled)
    }
}

fn parse(app: &App, buyer: &SignedIn, body: &NewOrder) -> Result<PlaceOrder, Problem> {
    let (ticket_id, quantity) = (body.ticket_id, body.quantity.get());
    let checked = app.limits.check_quantity(quantity);
    checked.map_err(|error| Problem::invalid("quantity", error))?;
    Ok(PlaceOrder {
        buyer_id: buyer.user_id,
        ticket_id,
        quantity,
        has_second_factor: buyer.has_second_factor,
        seen: body.seen(),
    })
}

/// Waits for the state of the listing that the buyer has seen, if its event may still be on its way.
///
/// Without the version, another price can be an older one as well, for which nothing has to be waited for: so the wait is
/// short.
async fn wait_for_seen_listing(app: &App, command: &PlaceOrder) -> Result<(), db::Error> {
    let PlaceOrder {
        buyer_id,
        ticket_id,
        seen,
        ..
    } = *command;
    let timeout = match seen {
        SeenListing { version: Some(_), .. } => REPLICATION_TIMEOUT,
        SeenListing { price: Some(_), .. } => PRICE_TIMEOUT,
        SeenListing { .. } => return Ok(()),
    };
    let is_current = move |conn: &Connection| {
        let listing = store::find_listing(conn, ticket_id)?;
        Ok::<_, db::Error>(listing.is_none_or(|listing| match seen.check(&listing) {
            Ok(()) => true,
            Err(NotAsSeen::Outdated(_)) => false,
            Err(NotAsSeen::PriceChanged(_)) => seen.version.is_some(),
        }))
    };
    chassis::wait_for_newer_state(&app.db, buyer_id, &ticket_id, timeout, is_current).await?;
    Ok(())
}
