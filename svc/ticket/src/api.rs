//! HTTP in, use case, HTTP out.

use db::Db;
use idempotency::StoredResponse;
use pagination::{Cursor, Limit, Page};
use poem::web::Data;
use poem_openapi::{
    OpenApi, Tags,
    param::{Header, Path, Query as Parameter},
    payload::Json,
};
use problem::{Body, Problem};
use token::SignedIn;
use values::{Clock, Currency, TicketId, Timestamp, UserId};

use crate::{
    answers::{
        ChangeTicketProblem, Changed, CreateTicketProblem, Created, GetTicketProblem, ListTicketsProblem, Read,
        WithdrawTicketProblem, Withdrawn,
    },
    browse::{self, Position, Query, Sort},
    change_ticket::change_ticket,
    create_ticket::create_ticket,
    dto::{OfferDto, TicketDto},
    edit::Edit,
    refusals::{no_ticket, parsed, wrong},
    store,
    tag::Condition,
    withdraw_ticket::withdraw_ticket,
    words::Words,
};

/// The operations on tickets.
#[derive(Debug)]
pub struct Api;

/// What they work with.
#[derive(Clone, Debug)]
pub struct App {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
}

#[derive(Tags)]
enum Group {
    /// What is on sale.
    Tickets,
}

#[OpenApi(prefix_path = "/api/v1/tickets", tag = "Group::Tickets")]
impl Api {
    /// Put a ticket on sale
    ///
    /// A listing of `quantity` identical tickets. `title` and `price` are enough.
    #[oai(path = "/", method = "post", operation_id = "createTicket")]
    async fn create(
        &self,
        app: Data<&App>,
        seller: SignedIn,
        #[oai(name = "Idempotency-Key")] key: Header<Option<idempotency::Key>>,
        body: Body<OfferDto>,
    ) -> Result<StoredResponse<Created>, CreateTicketProblem> {
        let request = idempotency::Request::new("createTicket", seller.user_id, key.0, &body.0);
        let offer = body.0.parse()?;
        let now = app.clock.now();
        let work =
            move |tx: &db::Tx| Ok::<_, Problem>(Created::of(create_ticket(tx, now, seller.user_id, offer)?, now));
        Ok(app
            .db
            .write(move |tx| idempotency::once(tx, now, &request, work))
            .await?)
    }

    /// Search tickets
    ///
    /// All filters together; withdrawn tickets are never listed. Follow `nextCursor`, with the same filters and sort, to
    /// the last page: no ticket comes twice, and none that fits all the while is left out, whatever is listed, changed or
    /// withdrawn meanwhile. A list by price or start goes by the prices and starts of the moment of its first page, for
    /// a day; the tickets are shown as they are now.
    #[oai(path = "/", method = "get", operation_id = "listTickets")]
    #[expect(clippy::too_many_arguments, reason = "one for each parameter of the query")]
    async fn list(
        &self,
        app: Data<&App>,
        /// Words that are all to be found in title, description or venue, each at the start of a word there; case and
        /// accents do not matter. At most 200 characters and 16 words. A text without letters and digits filters nothing.
        q: Parameter<Option<String>>,
        /// Only tickets of this seller.
        seller: Parameter<Option<UserId>>,
        /// Only tickets in this currency.
        currency: Parameter<Option<Currency>>,
        /// Only tickets that cost this much or more, in minor units of `currency`, which must be said too.
        #[oai(name = "minPrice")]
        min_price: Parameter<Option<i64>>,
        /// Only tickets that cost this much or less, in minor units of `currency`, which must be said too.
        #[oai(name = "maxPrice")]
        max_price: Parameter<Option<i64>>,
        /// Only tickets that start at this moment or later.
        #[oai(name = "startsAfter")]
        starts_after: Parameter<Option<Timestamp>>,
        /// Only tickets that start before this moment.
        #[oai(name = "startsBefore")]
        starts_before: Parameter<Option<Timestamp>>,
        /// `true`: only tickets that can be bought now.
        available: Parameter<Option<bool>>,
        /// `newest` or `oldest` listed first; `price`: cheapest first, `-price`: dearest first, one currency after the
        /// other; `startsAt`: what starts first, and what has no start last.
        #[oai(default)]
        sort: Parameter<Sort>,
        /// How many tickets to answer at most.
        limit: Parameter<Limit>,
        /// The `nextCursor` of the page before.
        cursor: Parameter<Option<Cursor<Position>>>,
    ) -> Result<Json<Page<TicketDto>>, ListTicketsProblem> {
        let query = Query {
            words: parsed::<Words>("q", q.0)?.unwrap_or_default(),
            seller: seller.0,
            currency: currency.0,
            min_price: min_price.0,
            max_price: max_price.0,
            starts_after: starts_after.0,
            starts_before: starts_before.0,
            available: available.0 == Some(true),
            sort: sort.0,
        };
        if query.currency.is_none() && (query.min_price.is_some() || query.max_price.is_some()) {
            return Err(wrong("currency", "is required with minPrice and maxPrice").into());
        }
        let (limit, now) = (limit.0, app.clock.now());
        let position = browse::go_on(&query, cursor.0, now)?;
        let found = app
            .db
            .read(move |conn| browse::browse(conn, query, position, limit, now).map_err(Problem::from))
            .await?;
        let position = found.position();
        Ok(Json(Page::cut(found.entries, limit, position, |entry| {
            TicketDto::of(entry.listing, now)
        })))
    }

    /// Get a ticket
    ///
    /// Also one that is withdrawn. The `ETag` changes with whatever is shown, so `If-None-Match` is answered with 304
    /// only if nothing changed.
    #[oai(path = "/:ticketId", method = "get", operation_id = "getTicket")]
    async fn get(
        &self,
        app: Data<&App>,
        /// The ticket.
        #[oai(name = "ticketId")]
        id: Path<TicketId>,
        /// The `ETag` of the state that the client has.
        #[oai(name = "If-None-Match")]
        has: Header<Option<String>>,
    ) -> Result<Read, GetTicketProblem> {
        let has = parsed::<Condition>("If-None-Match", has.0)?;
        let id = id.0;
        let found = app
            .db
            .read(move |conn| store::find(conn, id).map_err(Problem::from))
            .await?;
        let listing = found.ok_or_else(|| no_ticket(id))?;
        Ok(Read::of(listing, has.as_ref(), app.clock.now()))
    }

    /// Change a ticket
    ///
    /// Replaces all that can be changed: `description`, `venue`, `startsAt` and `orderWindowSeconds` are taken off the
    /// ticket where they are left out; `quantity` stays as it is. While tickets are held or sold, `title` and `price` are
    /// fixed and `quantity` cannot go below them. `If-Match` refuses the change if the seller changed the ticket since;
    /// orders in between do not count.
    #[oai(path = "/:ticketId", method = "put", operation_id = "changeTicket")]
    async fn change(
        &self,
        app: Data<&App>,
        seller: SignedIn,
        /// The ticket.
        #[oai(name = "ticketId")]
        id: Path<TicketId>,
        /// The `ETag` of the state that the seller has seen; `*` or nothing for any.
        #[oai(name = "If-Match")]
        seen: Header<Option<String>>,
        body: Body<OfferDto>,
    ) -> Result<Changed, ChangeTicketProblem> {
        let edit = Edit {
            ticket_id: id.0,
            by: seller.user_id,
            seen: parsed("If-Match", seen.0)?,
        };
        let offer = body.0.parse()?;
        let now = app.clock.now();
        let listing = app
            .db
            .write(move |tx| change_ticket(tx, now, &edit, offer))
            .await
            .map_err(Problem::from)?;
        Ok(Changed::of(listing, now))
    }

    /// Withdraw a ticket
    ///
    /// Takes it off sale for good, and cancels its open orders; what is paid is refunded, which `getWithdrawal` shows.
    /// Withdrawing it again changes nothing and is answered alike.
    #[oai(path = "/:ticketId", method = "delete", operation_id = "withdrawTicket")]
    async fn withdraw(
        &self,
        app: Data<&App>,
        seller: SignedIn,
        /// The ticket.
        #[oai(name = "ticketId")]
        id: Path<TicketId>,
        /// The `ETag` of the state that the seller has seen; `*` or nothing for any.
        #[oai(name = "If-Match")]
        seen: Header<Option<String>>,
    ) -> Result<Withdrawn, WithdrawTicketProblem> {
        let edit = Edit {
            ticket_id: id.0,
            by: seller.user_id,
            seen: parsed("If-Match", seen.0)?,
        };
        let now = app.clock.now();
        app.db
            .write(move |tx| withdraw_ticket(tx, now, &edit))
            .await
            .map_err(Problem::from)?;
        Ok(Withdrawn::Withdrawn)
    }
}
