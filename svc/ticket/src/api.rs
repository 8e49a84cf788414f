//! HTTP in, use case, HTTP out.

use std::str::FromStr;

use db::Db;
use idempotency::Answer;
use ids::{Clock, Currency, TicketId, Timestamp, UserId};
use pages::{Cursor, Limit, Page};
use poem::{http::StatusCode, web::Data};
use poem_openapi::{
    ApiResponse, OpenApi, Tags,
    param::{Header, Path, Query as Parameter},
    payload::Json,
};
use problem::{Body, Problem, statuses};
use token::SignedIn;

use crate::{
    browse::{self, Lost, Position, Query, Sort},
    change_ticket::change_ticket,
    create_ticket::{CreateTicketError, create_ticket},
    dto::{OfferDto, TicketDto},
    edit::{Edit, EditError},
    listing::{CannotChange, Listing, StartsInThePast},
    store,
    tag::{Condition, Tag},
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

/// A ticket may be kept by the client, but what is left of it changes at any time (RFC 9111, section 5.2.2.4).
const REVALIDATE: &str = "no-cache";

#[derive(Tags)]
enum Group {
    /// What is on sale.
    Tickets,
}

#[derive(ApiResponse)]
enum Created {
    /// The ticket is on sale.
    #[oai(status = 201)]
    Created(
        Json<TicketDto>,
        /// Where the ticket is.
        #[oai(header = "Location")]
        String,
        /// The state of the ticket.
        #[oai(header = "ETag")]
        String,
    ),
}

#[derive(ApiResponse)]
#[expect(clippy::large_enum_variant, reason = "one lives as long as one answer takes")]
enum Read {
    /// The ticket.
    #[oai(status = 200)]
    Fresh(
        Json<TicketDto>,
        /// The state of the ticket, for `If-None-Match` and `If-Match`.
        #[oai(header = "ETag")]
        String,
        /// `no-cache`: keep it, but ask before using it again.
        #[oai(header = "Cache-Control")]
        String,
    ),
    /// The ticket is as it was when the client saw the state of `If-None-Match`.
    #[oai(status = 304)]
    Seen(
        /// The state of the ticket.
        #[oai(header = "ETag")]
        String,
        /// `no-cache`: keep it, but ask before using it again.
        #[oai(header = "Cache-Control")]
        String,
    ),
}

#[derive(ApiResponse)]
enum Changed {
    /// The ticket as it is now.
    #[oai(status = 200)]
    Changed(
        Json<TicketDto>,
        /// The state of the ticket.
        #[oai(header = "ETag")]
        String,
    ),
}

#[derive(ApiResponse)]
enum Withdrawn {
    /// The ticket is withdrawn, now or before.
    #[oai(status = 204)]
    Withdrawn,
}

statuses! {
    /// Why no ticket was put on sale.
    pub(crate) CreateTicketProblem {
        422 => "A field is missing, unknown or has a value that cannot be, or the idempotency key came with another body.",
    }
}

statuses! {
    /// Why no tickets are listed.
    pub(crate) ListTicketsProblem {
        400 => "A parameter is malformed, or the cursor belongs to another query; the answer names it.",
    }
}

statuses! {
    /// Why a ticket is not shown.
    pub(crate) GetTicketProblem {
        404 => "There is no such ticket.",
    }
}

statuses! {
    /// Why a ticket is not changed.
    pub(crate) ChangeTicketProblem {
        403 => "Only its seller can change a ticket.",
        404 => "There is no such ticket.",
        409 => "It is withdrawn, or what is held and sold forbids the change.",
        412 => "It was changed since the state that If-Match names.",
    }
}

statuses! {
    /// Why a ticket is not withdrawn.
    pub(crate) WithdrawTicketProblem {
        403 => "Only its seller can withdraw a ticket.",
        404 => "There is no such ticket.",
        412 => "It was changed since the state that If-Match names.",
    }
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
    ) -> Result<Answer<Created>, CreateTicketProblem> {
        let request = idempotency::Request::new("createTicket", seller.user_id, key.0, &body.0);
        let offer = body.0.parse()?;
        let now = app.clock.now();
        let work = move |tx: &db::Tx| Ok::<_, Problem>(created(create_ticket(tx, now, seller.user_id, offer)?, now));
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
        let position = browse::go_on(&query, cursor.0, now).map_err(|lost| match lost {
            Lost::Foreign => pages::foreign(),
            Lost::Expired => wrong("cursor", "is older than a day: begin again with the first page"),
        })?;
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
        let now = app.clock.now();
        let tag = Tag::of(&listing, now);
        if has.is_some_and(|has| has.has(tag)) {
            return Ok(Read::Seen(tag.to_string(), REVALIDATE.to_owned()));
        }
        Ok(Read::Fresh(
            Json(TicketDto::of(listing, now)),
            tag.to_string(),
            REVALIDATE.to_owned(),
        ))
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
        let tag = Tag::of(&listing, now).to_string();
        Ok(Changed::Changed(Json(TicketDto::of(listing, now)), tag))
    }

    /// Withdraw a ticket
    ///
    /// Takes it off sale for good, and cancels its open orders; what is paid stays paid. Withdrawing it again changes
    /// nothing and is answered alike.
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

fn created(listing: Listing, now: Timestamp) -> Created {
    let location = format!("/api/v1/tickets/{}", listing.id);
    let tag = Tag::of(&listing, now).to_string();
    Created::Created(Json(TicketDto::of(listing, now)), location, tag)
}

/// A parameter that the client may leave out.
fn parsed<T: FromStr<Err: std::fmt::Display>>(name: &str, text: Option<String>) -> Result<Option<T>, Problem> {
    text.map(|text| text.parse())
        .transpose()
        .map_err(|error| wrong(name, error))
}

/// 400: a parameter that cannot be.
fn wrong(name: &str, message: impl std::fmt::Display) -> Problem {
    Problem::malformed("A parameter is not as it must be.").field(name, message)
}

fn no_ticket(id: TicketId) -> Problem {
    Problem::not_found(format_args!("There is no ticket {id}."))
}

impl From<CreateTicketError> for Problem {
    fn from(error: CreateTicketError) -> Self {
        match error {
            CreateTicketError::Start(late) => late.into(),
            CreateTicketError::Database(error) => error.into(),
        }
    }
}

impl From<StartsInThePast> for Problem {
    fn from(late: StartsInThePast) -> Self {
        Self::invalid("startsAt", late)
    }
}

impl From<EditError> for Problem {
    fn from(error: EditError) -> Self {
        match error {
            EditError::NotFound(id) => no_ticket(id),
            EditError::NotTheSeller => Self::forbidden("Only its seller can change a ticket."),
            EditError::Stale => Self::new(
                StatusCode::PRECONDITION_FAILED,
                "stale",
                "It was changed in the meantime",
            )
            .detail("Its seller changed it since the state that If-Match names: get it again, and change that."),
            EditError::Cannot(why) => why.into(),
            EditError::Database(error) => error.into(),
        }
    }
}

impl From<CannotChange> for Problem {
    fn from(why: CannotChange) -> Self {
        match why {
            CannotChange::Withdrawn => {
                Self::conflict("ticket-withdrawn", "The ticket is withdrawn").detail("It cannot be changed any more.")
            }
            CannotChange::Reserved(stock) => {
                Self::conflict("ticket-reserved", "Title and price are fixed").detail(format_args!(
                    "Now {} are held and {} are sold; other fields can be changed.",
                    stock.held, stock.sold
                ))
            }
            CannotChange::BelowReserved { stock, asked } => {
                Self::conflict("quantity-reserved", "More than that are held and sold")
                    .detail(format_args!(
                        "Now {} are held and {} are sold, more than {asked}.",
                        stock.held, stock.sold
                    ))
                    .field("quantity", format_args!("must be at least {}", stock.taken()))
            }
            CannotChange::Start(late) => late.into(),
        }
    }
}
