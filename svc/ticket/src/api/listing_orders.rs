//! The operation on the orders of a listing.

use input::Query;
use pagination::{Cursor, CursorScope, Limit, Page};
use poem::{Request, web::Data};
use poem_openapi::{Enum, OpenApi, param::Path, types::ToJSON};
use problem::problem_responses;
use spreadsheet::{List, accepts_csv};
use token::SignedIn;
use values::{OrderId, TicketId};

use super::{
    app::{App, Tag},
    order_view::{ListingOrderView, OrderStateView},
};
use crate::{
    domain::{ListingOrder, OrderState},
    store,
    use_cases::{OrdersError, check_seller},
};

/// The operation on the orders of a listing.
#[derive(Debug)]
pub struct ListingOrdersApi;

/// The format of the orders.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Enum)]
#[oai(rename = "ListingOrdersFormat", rename_all = "lowercase")]
enum Format {
    /// One page.
    Json,
    /// All orders, for a spreadsheet.
    Csv,
}

problem_responses! {
    /// Why the orders of a listing are not listed.
    ListOrdersProblem {
        400 => "A parameter is unknown, repeated or malformed, or the cursor belongs to another query; the response names it.",
        404 => "You have no such listing.",
    }
}

#[OpenApi(prefix_path = "/api/v1/tickets", tag = "Tag::Tickets")]
impl ListingOrdersApi {
    /// List the orders of your listing
    ///
    /// Who ordered how many tickets, and what became of it, the newest first. Also of a listing that you withdrew. With
    /// `format=csv` or `Accept: text/csv`, as comma-separated values (RFC 4180): up to 10000 orders, with a `Link` header to the
    /// rest.
    #[oai(path = "/:ticketId/orders", method = "get", operation_id = "listTicketOrders")]
    #[expect(clippy::too_many_arguments, reason = "one per parameter")]
    async fn list(
        &self,
        app: Data<&App>,
        seller: SignedIn,
        request: &Request,
        /// The ticket.
        #[oai(name = "ticketId")]
        ticket: Path<TicketId>,
        /// Only orders in this state.
        state: Query<Option<OrderStateView>>,
        /// The format of the response.
        format: Query<Option<Format>>,
        /// The maximum number of orders; ignored for CSV.
        limit: Query<Limit>,
        /// The `nextCursor` of the previous page.
        cursor: Query<Option<Cursor<OrderId>>>,
    ) -> Result<List<ListingOrderView>, ListOrdersProblem> {
        let csv = format
            .0
            .map_or_else(|| accepts_csv(request), |format| format == Format::Csv);
        let (ticket, limit, state) = (ticket.0, limit.0, state.0);
        let state_text = state.map(|state| state.to_json());
        let scope = CursorScope::new("listTicketOrders", &(ticket, &state_text));
        let before = scope.position(cursor.0)?;
        let rows = List::<ListingOrderView>::rows(csv, limit);
        let orders = app.db.read(move |conn| {
            check_seller(conn, seller.user_id, ticket)?;
            let orders = store::orders_of_listing(conn, ticket, state.map(Into::into), before, rows)?;
            Ok::<_, OrdersError>(orders)
        });
        let orders = orders.await?;
        if !csv {
            let page = Page::from_rows(orders, &scope, limit, |(order, _)| order.id, Into::into);
            return Ok(List::Json(page));
        }
        let rest = |(order, _): &(ListingOrder, _)| {
            let state = state.map(|state| format!("&state={}", OrderState::from(state)));
            let (cursor, state) = (scope.cursor(order.id), state.unwrap_or_default());
            format!("/api/v1/tickets/{ticket}/orders?format=csv{state}&cursor={cursor}")
        };
        Ok(List::csv(orders, rest, Into::into))
    }
}
