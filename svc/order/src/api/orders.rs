//! The HTTP operations: what comes in, which use case, what goes out.

use idempotency::{Key, Request, StoredResponse};
use pagination::{Cursor, Limit, Page};
use poem::web::Data;
use poem_openapi::{
    ApiResponse, OpenApi,
    param::{Header, Path, Query},
    payload::Json,
};
use problem::{Body, Problem, statuses};
use token::SignedIn;
use values::OrderId;

use super::{
    app::{App, Tag},
    views::{NewOrder, OrderStatusView, OrderView},
};
use crate::{
    store,
    use_cases::{CancelOrderError, PlaceOrder, cancel_order, place_order},
};

/// The HTTP operations.
#[derive(Debug)]
pub struct OrdersApi;

#[derive(ApiResponse)]
enum Placed {
    /// The tickets are held until `expiresAt`.
    #[oai(status = 201)]
    Created(
        Json<OrderView>,
        /// Where the order is.
        #[oai(header = "Location")]
        String,
    ),
}

#[derive(ApiResponse)]
enum Cancelled {
    /// The order is cancelled; if it held tickets, they are on sale again.
    #[oai(status = 204)]
    Done,
}

statuses! {
    /// Why an order could not be placed.
    PlaceOrderProblem {
        403 => "It is the buyer's own listing, or a cookie came with a write from another site.",
        404 => "There is no such listing.",
        409 => "`sold-out`, `ticket-withdrawn` or `event-begun`: the tickets cannot be had.",
    }
}

statuses! {
    /// Why an order is not shown.
    NoSuchOrder {
        404 => "There is no such order of yours.",
    }
}

statuses! {
    /// Why an order could not be cancelled.
    CancelOrderProblem {
        404 => "There is no such order of yours.",
        409 => "`order-complete` or `order-being-paid`: it is too late to cancel.",
    }
}

#[OpenApi(prefix_path = "/api/v1/orders", tag = "Tag::Orders")]
impl OrdersApi {
    /// Order tickets
    ///
    /// Holds tickets of one listing for you, at today's price, until `expiresAt`. Pay by then, or they are on sale again.
    #[oai(path = "/", method = "post", operation_id = "placeOrder")]
    async fn place_order(
        &self,
        app: Data<&App>,
        buyer: SignedIn,
        #[oai(name = "Idempotency-Key")] key: Header<Option<Key>>,
        body: Body<NewOrder>,
    ) -> Result<StoredResponse<Placed>, PlaceOrderProblem> {
        let request = Request::new("placeOrder", buyer.user_id, key.0, &body.0);
        let wish = app.parse(&buyer, &body.0)?;
        let ticket = wish.ticket_id;
        chassis::wait_for_replication(&app.db, ticket.is_fresh(app.clock.now()), move |conn| {
            store::listing(conn, ticket)
        })
        .await?;
        let now = app.clock.now();
        let answer = app.db.write(move |tx| {
            idempotency::once(tx, now, &request, |tx| {
                let order = place_order(tx, now, wish)?;
                let location = format!("/api/v1/orders/{}", order.id);
                Ok(Placed::Created(Json(order.into()), location))
            })
        });
        Ok(answer.await?)
    }

    /// List your orders
    ///
    /// The newest first.
    #[oai(path = "/", method = "get", operation_id = "listOrders")]
    async fn list_orders(
        &self,
        app: Data<&App>,
        buyer: SignedIn,
        /// Only orders that stand so.
        status: Query<Option<OrderStatusView>>,
        /// How many at most.
        limit: Query<Option<Limit>>,
        /// Where the list goes on: `nextCursor` of the page before.
        cursor: Query<Option<Cursor<OrderId>>>,
    ) -> Result<Json<Page<OrderView>>, poem::Error> {
        let (status, limit) = (status.0.map(Into::into), limit.0.unwrap_or_default());
        let before = cursor.0.map(|cursor| cursor.0);
        let rows = app
            .db
            .read(move |conn| store::of_buyer(conn, buyer.user_id, status, before, limit.rows()));
        let rows = rows.await.map_err(Problem::from)?;
        Ok(Json(Page::cut(rows, limit, |order| order.id, Into::into)))
    }

    /// Look at one of your orders
    #[oai(path = "/:id", method = "get", operation_id = "getOrder")]
    async fn get_order(
        &self,
        app: Data<&App>,
        buyer: SignedIn,
        /// The order.
        id: Path<OrderId>,
    ) -> Result<Json<OrderView>, NoSuchOrder> {
        let id = id.0;
        let order = app.db.read(move |conn| store::order(conn, id)).await?;
        let order = order.filter(|order| order.buyer_id == buyer.user_id);
        Ok(Json(order.ok_or(CancelOrderError::NotFound(id))?.into()))
    }

    /// Cancel one of your orders
    ///
    /// As long as it is not paid. Cancelled again, nothing happens.
    #[oai(path = "/:id", method = "delete", operation_id = "cancelOrder")]
    async fn cancel_order(
        &self,
        app: Data<&App>,
        buyer: SignedIn,
        /// The order.
        id: Path<OrderId>,
    ) -> Result<Cancelled, CancelOrderProblem> {
        let (now, id) = (app.clock.now(), id.0);
        app.db.write(move |tx| cancel_order(tx, now, buyer.user_id, id)).await?;
        Ok(Cancelled::Done)
    }
}

impl App {
    fn parse(&self, buyer: &SignedIn, body: &NewOrder) -> Result<PlaceOrder, Problem> {
        let NewOrder { ticket_id, quantity } = *body;
        if !(1..=self.max_tickets_per_order).contains(&quantity) {
            let most = self.max_tickets_per_order;
            return Err(Problem::invalid("quantity", format_args!("must be 1 to {most}")));
        }
        Ok(PlaceOrder {
            buyer_id: buyer.user_id,
            ticket_id,
            quantity,
            window: self.window,
        })
    }
}
