//! The operations on sales.

use input::Query;
use pagination::{Cursor, CursorScope, Limit, Page};
use poem::web::Data;
use poem_openapi::{OpenApi, payload::Json};
use problem::problem_responses;
use token::SignedIn;
use values::{OrderId, TicketId};

use super::{
    app::{App, Tag},
    views::OrderView,
};
use crate::{
    domain::Order,
    store,
    use_cases::{RetryWithdrawalError, listing_of_seller},
};

/// The operations on sales.
#[derive(Debug)]
pub struct SalesApi;

problem_responses! {
    /// Why sales are not listed.
    ListSalesProblem {
        400 => "A parameter is unknown, repeated or malformed, or the cursor belongs to another query; the response \
                names it.",
        404 => "You have no such listing.",
    }
}

#[OpenApi(prefix_path = "/api/v1/orders", tag = "Tag::Orders")]
impl SalesApi {
    /// List your sales
    ///
    /// The orders of your listings that are paid or being paid, refunded ones included, the newest first. Also of listings
    /// that you withdrew.
    #[oai(path = "/sales", method = "get", operation_id = "listSales")]
    async fn list_sales(
        &self,
        app: Data<&App>,
        seller: SignedIn,
        /// Only orders of this listing, which has to be yours.
        #[oai(name = "ticketId")]
        ticket: Query<Option<TicketId>>,
        /// The maximum number of orders.
        limit: Query<Limit>,
        /// `nextCursor` of the previous page.
        cursor: Query<Option<Cursor<OrderId>>>,
    ) -> Result<Json<Page<OrderView>>, ListSalesProblem> {
        let scope = CursorScope::new("listSales", &(seller.user_id, ticket.0));
        let (ticket, limit, before) = (ticket.0, limit.0, scope.position(cursor.0)?);
        let sales = app.db.read(move |conn| {
            let Some(ticket) = ticket else {
                return Ok(store::sales_of_seller(conn, seller.user_id, before, limit.rows())?);
            };
            listing_of_seller(conn, seller.user_id, ticket)?;
            Ok::<_, RetryWithdrawalError>(store::sales_of_listing(conn, ticket, before, limit.rows())?)
        });
        let sales = sales.await?;
        Ok(Json(Page::from_rows(sales, &scope, limit, Order::id, Into::into)))
    }
}
