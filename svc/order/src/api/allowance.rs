//! What the sender of a request may order.

use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Path, payload::Json, types::Example};
use problem::{Problem, problem_responses};
use token::SignedIn;
use values::{TicketId, Timestamp};

use super::app::{App, Tag};
use crate::{domain::Allowance, store};

/// The operation on the allowance of a buyer.
#[derive(Debug)]
pub struct AllowanceApi;

/// What you may order of a listing.
#[derive(Clone, Debug, Object)]
#[oai(rename = "Allowance", rename_all = "camelCase", example)]
struct AllowanceView {
    /// The listing.
    ticket_id: TicketId,
    /// The maximum number of its tickets that one buyer may hold and have bought.
    max_per_buyer: u32,
    /// The number of its tickets that you hold and have bought, without those that are on sale again after a refund.
    taken: u64,
    /// The maximum number of tickets that you can order now, if they are available.
    quantity: u32,
    /// Until when your orders of it are refused, because your last ones were not paid.
    #[oai(nullable)]
    paused_until: Option<Timestamp>,
}

impl AllowanceView {
    fn new(ticket_id: TicketId, allowance: Allowance) -> Self {
        Self {
            ticket_id,
            max_per_buyer: allowance.max_per_buyer,
            taken: allowance.taken,
            quantity: allowance.quantity,
            paused_until: allowance.paused_until,
        }
    }
}

impl Example for AllowanceView {
    fn example() -> Self {
        Self {
            ticket_id: TicketId::example(),
            max_per_buyer: 4,
            taken: 1,
            quantity: 3,
            paused_until: None,
        }
    }
}

problem_responses! {
    /// Why the allowance is not shown.
    GetAllowanceProblem {
        400 => "A parameter is unknown; the response names it.",
        404 => "The listing does not exist.",
    }
}

#[OpenApi(prefix_path = "/api/v1/orders", tag = "Tag::Orders")]
impl AllowanceApi {
    /// Get what you may order
    ///
    /// How many tickets of a listing you can order now, by its `maxPerBuyer` and the marketplace's limits. Whether tickets are
    /// available is another question.
    #[oai(path = "/allowances/:ticketId", method = "get", operation_id = "getAllowance")]
    async fn get_allowance(
        &self,
        app: Data<&App>,
        buyer: SignedIn,
        /// The listing.
        #[oai(name = "ticketId")]
        ticket: Path<TicketId>,
    ) -> Result<Json<AllowanceView>, GetAllowanceProblem> {
        let (ticket, limits, now) = (ticket.0, app.limits, app.clock.now());
        let allowance = app.db.read(move |conn| {
            let Some(listing) = store::find_listing(conn, ticket)? else {
                return Ok::<_, db::Error>(None);
            };
            let history = store::buyer_history(conn, ticket, buyer.user_id, limits.sale.max_unpaid_holds)?;
            Ok(Some(limits.allowance(&listing, &history, now)))
        });
        let allowance = allowance.await?;
        let allowance = allowance.ok_or_else(|| Problem::not_found(format_args!("There is no listing {ticket}.")))?;
        Ok(Json(AllowanceView::new(ticket, allowance)))
    }
}
