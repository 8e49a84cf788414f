//! The operations on tickets.

use chassis::ClientAddress;
use idempotency::StoredResponse;
use input::{Body, Header, Parameter, Query};
use pagination::{Cursor, Limit, Page};
use poem::{Request, web::Data};
use poem_openapi::{OpenApi, param::Path};
use problem::Problem;
use token::SignedIn;
use values::{Currency, TicketId, Timestamp, UserId};

use super::{
    app::{App, Tag},
    cached_reads::{PageKey, list_scope},
    offers::{TicketChange, TicketOffer},
    parameters::{EntityTags, PriceBound, Search, Seller, SellerFilter},
    problems::{bad_parameter, ticket_not_found},
    rendered::Rendered,
    responses::{
        ChangeTicketProblem, CreateTicketProblem, GetTicketProblem, ListTicketsProblem, TicketChanged, TicketCreated,
        TicketRead, TicketWithdrawn, WithdrawTicketProblem,
    },
    views::{SortParameter, StateParameter, TicketView},
};
use crate::{
    domain::{ListPosition, ListingQuery},
    use_cases::{Edit, change_ticket, create_ticket, withdraw_ticket},
};

/// Fields of a new offer that requests to release 0.1 and before did not have.
const FIELDS_SINCE_0_1: [&str; 5] = [
    "maxPerBuyer",
    "timeZone",
    "salesBegin",
    "salesEnd",
    "requiresSecondFactor",
];

/// The operations on tickets.
#[derive(Debug)]
pub struct Api;

#[OpenApi(prefix_path = "/api/v1/tickets", tag = "Tag::Tickets")]
impl Api {
    /// Put a ticket on sale
    ///
    /// A listing of `quantity` identical tickets. `title` and `price` are enough.
    #[oai(path = "/", method = "post", operation_id = "createTicket")]
    async fn create(
        &self,
        app: Data<&App>,
        seller: SignedIn,
        #[oai(name = "Idempotency-Key")] key: Header<Option<idempotency::IdempotencyKey>>,
        body: Body<TicketOffer>,
    ) -> Result<StoredResponse<TicketCreated>, CreateTicketProblem> {
        if app.requires_confirmed_address {
            seller.ensure_address_confirmed()?;
        }
        let offer = body.0.without_defaults();
        let request = idempotency::IdempotentRequest::new(
            "createTicket",
            seller.user_id,
            key.0,
            &idempotency::without_absent(&offer, &FIELDS_SINCE_0_1),
        );
        let offer = offer.into_offer();
        let (now, limits) = (app.clock.now(), app.limits);
        let work = move |tx: &db::Tx| {
            let listing = create_ticket(tx, now, seller.user_id, offer)?;
            Ok::<_, Problem>(TicketCreated::new(listing, limits, now))
        };
        Ok(app
            .db
            .write(move |tx| idempotency::run_once(tx, now, &request, work))
            .await?)
    }

    /// Search tickets
    ///
    /// All filters apply together. Withdrawn tickets are listed to their seller only, by `seller=me&state=withdrawn`. Follow `nextCursor`, with the same filters and sort,
    /// to the last page: no ticket appears twice, and none that matches throughout is left out, whatever is listed, changed
    /// or withdrawn meanwhile. A page may have fewer tickets than `limit`, or none, although more follow: a page ends after some
    /// thousand tickets that do not match, or fewer with long texts. A list by price or start is sorted by the prices and starts at the time of its first page,
    /// for a day; the tickets are shown with their current values.
    #[oai(path = "/", method = "get", operation_id = "listTickets")]
    #[expect(clippy::too_many_arguments, reason = "one per query parameter")]
    async fn list(
        &self,
        app: Data<&App>,
        request: &Request,
        /// Search words. A ticket matches if each is a word in its title, description or venue, or the beginning of one if it
        /// has at least two characters. Case and accents do not matter, and `ss` finds `ß`. In scripts without spaces, such as
        /// Chinese and Japanese, any part of a text is found. Symbols are words of one character; a text of punctuation alone
        /// finds nothing, a blank one filters nothing. At most 200 characters, 16 words, and 64 letters of scripts without
        /// spaces.
        q: Query<Option<Parameter<Search>>>,
        /// Only tickets of this seller; `me` for yours, if you are signed in.
        seller: Query<Option<Parameter<Seller>>>,
        /// `withdrawn`: the tickets that you have withdrawn, with `seller=me`. Only `limit` and `cursor` go with it.
        #[oai(default)]
        state: Query<StateParameter>,
        /// Only tickets in this currency.
        currency: Query<Option<Currency>>,
        /// Only tickets with this price or a higher one, in minor units of `currency`, which is required with it.
        #[oai(name = "minPrice")]
        min_price: Query<Option<Parameter<PriceBound>>>,
        /// Only tickets with this price or a lower one, in minor units of `currency`, which is required with it.
        #[oai(name = "maxPrice")]
        max_price: Query<Option<Parameter<PriceBound>>>,
        /// Only tickets that start at this time or later.
        #[oai(name = "startsAfter")]
        starts_after: Query<Option<Timestamp>>,
        /// Only tickets that start before this time.
        #[oai(name = "startsBefore")]
        starts_before: Query<Option<Timestamp>>,
        /// `true`: only tickets that can be bought now.
        available: Query<Option<bool>>,
        /// `newest` or `oldest` first; `price`: lowest price first, `-price`: highest price first, one currency after the
        /// other; `startsAt`: earliest start first, tickets without a start last.
        #[oai(default)]
        sort: Query<SortParameter>,
        /// The maximum number of tickets in the response.
        limit: Query<Limit>,
        /// The `nextCursor` of the previous page.
        cursor: Query<Option<Cursor<ListPosition>>>,
    ) -> Result<Rendered<Page<TicketView>>, ListTicketsProblem> {
        let query = ListingQuery {
            terms: q.0.map(|terms| terms.0).unwrap_or_default(),
            seller: seller_id(request, seller.0.map(|seller| seller.0)).await?,
            currency: currency.0,
            min_price: min_price.0.map(|price| price.0),
            max_price: max_price.0.map(|price| price.0),
            starts_after: starts_after.0,
            starts_before: starts_before.0,
            available: available.0 == Some(true),
            withdrawn: state.0 == StateParameter::Withdrawn,
            sort: sort.0.into(),
        };
        if query.withdrawn {
            check_withdrawn(request, &query).await?;
        }
        if query.currency.is_none() && (query.min_price.is_some() || query.max_price.is_some()) {
            return Err(bad_parameter("currency", "is required with minPrice and maxPrice").into());
        }
        // The position has the filters and the order.
        let position = list_scope().position(cursor.0)?;
        if let Some(position) = &position {
            query.check_position(position, app.clock.now())?;
        }
        let page = PageKey {
            query,
            position,
            limit: limit.0,
        };
        Ok(app.reads.page(page).await.map_err(Problem::from)?)
    }

    /// Get a ticket
    ///
    /// Withdrawn tickets included. The `ETag` changes with every field, so `If-None-Match` is answered with 304 only if
    /// nothing changed.
    #[oai(path = "/:ticketId", method = "get", operation_id = "getTicket")]
    async fn get(
        &self,
        app: Data<&App>,
        /// The ticket.
        #[oai(name = "ticketId")]
        id: Path<TicketId>,
        /// The `ETag` of the state that the client has.
        #[oai(name = "If-None-Match")]
        if_none_match: Header<Option<Parameter<EntityTags>>>,
    ) -> Result<TicketRead, GetTicketProblem> {
        let known = if_none_match.0.map(|tags| tags.0);
        let ticket = app.reads.ticket(id.0).await.map_err(Problem::from)?;
        let ticket = ticket.ok_or_else(|| ticket_not_found(id.0))?;
        Ok(TicketRead::new(ticket, known.as_ref()))
    }

    /// Change a ticket
    ///
    /// `description`, `venue`, `startsAt` and `orderWindowSeconds` are removed if left out. Everything else stays as it is if left
    /// out; `null` removes `timeZone`, `salesBegin`, `salesEnd`, `maxPerBuyer` and `refundableUntil`. While tickets are held or
    /// sold, `title` and `price` are fixed and `quantity` cannot go below them. Orders with the `version` of the response as
    /// `ticketVersion` are placed under the change; others may be placed under the version before for a moment, until the
    /// order service has received it, but never at another price than their `expectedPrice`. `If-Match` refuses the change if the
    /// seller changed the ticket since; orders in between do not count.
    #[oai(path = "/:ticketId", method = "put", operation_id = "changeTicket")]
    async fn change(
        &self,
        app: Data<&App>,
        seller: SignedIn,
        client: ClientAddress,
        /// The ticket.
        #[oai(name = "ticketId")]
        id: Path<TicketId>,
        /// The `ETag` of the state that the seller has seen; `*` or no header for any state.
        #[oai(name = "If-Match")]
        if_match: Header<Option<Parameter<EntityTags>>>,
        body: Body<TicketChange>,
    ) -> Result<TicketChanged, ChangeTicketProblem> {
        let edit = Edit::new(id.0, seller.user_id, client, if_match.0.map(|tags| tags.0));
        let change = body.0.into();
        let now = app.clock.now();
        let listing = app
            .db
            .write(move |tx| change_ticket(tx, now, &edit, change))
            .await
            .map_err(Problem::from)?;
        Ok(TicketChanged::new(listing, app.limits, now))
    }

    /// Withdraw a ticket
    ///
    /// Takes the ticket off sale for good and cancels its open orders. Paid orders are refunded; `getWithdrawal` shows the
    /// progress. Withdrawing it again changes nothing and has the same response.
    #[oai(path = "/:ticketId", method = "delete", operation_id = "withdrawTicket")]
    async fn withdraw(
        &self,
        app: Data<&App>,
        seller: SignedIn,
        client: ClientAddress,
        /// The ticket.
        #[oai(name = "ticketId")]
        id: Path<TicketId>,
        /// The `ETag` of the state that the seller has seen; `*` or no header for any state.
        #[oai(name = "If-Match")]
        if_match: Header<Option<Parameter<EntityTags>>>,
    ) -> Result<TicketWithdrawn, WithdrawTicketProblem> {
        let edit = Edit::new(id.0, seller.user_id, client, if_match.0.map(|tags| tags.0));
        let now = app.clock.now();
        app.db
            .write(move |tx| withdraw_ticket(tx, now, &edit))
            .await
            .map_err(Problem::from)?;
        Ok(TicketWithdrawn::Withdrawn)
    }
}

/// Returns the seller that a filter names.
async fn seller_id(request: &Request, seller: Option<SellerFilter>) -> Result<Option<UserId>, Problem> {
    Ok(match seller {
        Some(SellerFilter::Me) => Some(SignedIn::authenticate(request).await?.user_id),
        Some(SellerFilter::Id(id)) => Some(id),
        None => None,
    })
}

/// Checks that a list of withdrawn tickets is that of the sender of the request, and has no other filters.
async fn check_withdrawn(request: &Request, query: &ListingQuery) -> Result<(), Problem> {
    let user = SignedIn::authenticate(request).await?.user_id;
    match query.seller {
        None => return Err(bad_parameter("seller", "is required with state=withdrawn: me")),
        Some(seller) if seller != user => return Err(Problem::forbidden("Only their seller finds withdrawn tickets.")),
        Some(_) => {}
    }
    let plain = ListingQuery {
        seller: query.seller,
        withdrawn: true,
        ..ListingQuery::default()
    };
    if *query == plain {
        Ok(())
    } else {
        Err(bad_parameter(
            "state",
            "withdrawn goes with seller=me, limit and cursor only",
        ))
    }
}
