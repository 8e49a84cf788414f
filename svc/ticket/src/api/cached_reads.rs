//! Listings as they are sent, stored until the database changes.
//!
//! Nothing in these responses depends on who sends the request. A read that takes the user into account must not be added.

use std::{mem::size_of, sync::LazyLock, time::Duration};

use db::{CacheLimits, CacheMetrics, Db, ReadCache};
use pagination::{CursorScope, Limit, Page};
use rusqlite::Connection;
use sale_limits::SaleLimits;
use values::{Clock, TicketId, Timestamp};

use super::{rendered::Rendered, views::TicketView};
use crate::{
    domain::{EntityTag, ListPosition, Listing, ListingQuery},
    store::{self, WordsByPrefix},
};

/// Pages of the list: some hundred of the usual size.
const PAGE_LIMITS: CacheLimits = CacheLimits {
    bytes: 12 * 1024 * 1024,
    entry_bytes: 512 * 1024,
    max_age: MAX_AGE,
};

/// Single tickets: some thousand.
const TICKET_LIMITS: CacheLimits = CacheLimits {
    bytes: 4 * 1024 * 1024,
    entry_bytes: 64 * 1024,
    max_age: MAX_AGE,
};

/// The time after which a change by another process, such as an operator's, is shown.
const MAX_AGE: Duration = Duration::from_secs(1);

/// The reads of listings.
#[derive(Clone, Debug)]
pub(crate) struct CachedReads {
    clock: Clock,
    limits: SaleLimits,
    words: WordsByPrefix,
    pages: ReadCache<PageKey, RenderedPage>,
    tickets: ReadCache<TicketId, RenderedTicket>,
}

/// A page of the list.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct PageKey {
    pub(crate) query: ListingQuery,
    pub(crate) position: Option<ListPosition>,
    pub(crate) limit: Limit,
}

#[derive(Clone)]
struct RenderedPage {
    body: Rendered<Page<TicketView>>,
    period: Period,
}

/// A ticket, with the tag of its state.
#[derive(Clone)]
pub(crate) struct RenderedTicket {
    pub(crate) body: Rendered<TicketView>,
    /// As in the header `ETag`.
    pub(crate) tag: String,
    period: Period,
}

/// The time in which rendered listings are what they show: from when they were rendered until the next sale or event begins or ends. A clock
/// that was set back is before it.
#[derive(Clone, Copy)]
struct Period {
    from: Timestamp,
    until: Option<Timestamp>,
}

impl CachedReads {
    pub(crate) fn new(db: &Db, clock: &Clock, limits: SaleLimits, metrics: &CacheMetrics) -> Self {
        let page_cost = |key: &PageKey, page: &RenderedPage| key.size() + page.body.len();
        let ticket_cost = |_: &TicketId, ticket: &RenderedTicket| ticket.body.len() + ticket.tag.len();
        Self {
            clock: clock.clone(),
            limits,
            words: WordsByPrefix::default(),
            pages: db.read_cache("pages", PAGE_LIMITS, page_cost, metrics),
            tickets: db.read_cache("tickets", TICKET_LIMITS, ticket_cost, metrics),
        }
    }

    /// Returns a page of the list.
    pub(crate) async fn page(&self, key: PageKey) -> Result<Rendered<Page<TicketView>>, db::Error> {
        let (clock, limits, words, page) = (self.clock.clone(), self.limits, self.words.clone(), key.clone());
        let read = move |conn: &Connection| read_page(conn, &words, page, limits, clock.now()).map(Some);
        let is_current = |page: &RenderedPage| page.period.contains(self.clock.now());
        let page = self.pages.get(&key, is_current, read).await?;
        page.map(|page| page.body).ok_or(db::Error::Panicked)
    }

    /// Returns a ticket, withdrawn or not.
    pub(crate) async fn ticket(&self, id: TicketId) -> Result<Option<RenderedTicket>, db::Error> {
        let (clock, limits) = (self.clock.clone(), self.limits);
        let read = move |conn: &Connection| read_ticket(conn, id, limits, clock.now());
        let is_current = |ticket: &RenderedTicket| ticket.period.contains(self.clock.now());
        self.tickets.get(&id, is_current, read).await
    }
}

fn read_page(
    conn: &Connection,
    words: &WordsByPrefix,
    key: PageKey,
    limits: SaleLimits,
    now: Timestamp,
) -> Result<RenderedPage, db::Error> {
    // A listing that is not on the page because its sale has not begun will be on it.
    let next_sale = if key.query.available {
        store::next_sales_begin(conn, now)?
    } else {
        None
    };
    let page = store::listing_page(conn, words, key.query, key.position.as_ref(), key.limit, now)?;
    // The last listing may be that of the next page: whether there is one depends on it.
    let shown = Period::of(page.listings.iter().map(|listed| &listed.listing), now);
    let period = match next_sale {
        Some(begin) => shown.until(begin),
        None => shown,
    };
    let (listings, next) = page.into_parts(key.limit);
    let page = Page {
        items: listings
            .into_iter()
            .map(|listing| TicketView::in_list(listing, limits, now))
            .collect(),
        next_cursor: next.map(|position| list_scope().cursor(position)),
    };
    let body = Rendered::new(&page);
    Ok(RenderedPage { body, period })
}

fn read_ticket(
    conn: &Connection,
    id: TicketId,
    limits: SaleLimits,
    now: Timestamp,
) -> Result<Option<RenderedTicket>, db::Error> {
    let listing = store::listing(conn, id)?;
    Ok(listing.map(|listing| RenderedTicket {
        period: Period::of([&listing].into_iter(), now),
        tag: EntityTag::new(&listing, limits, now).to_string(),
        body: Rendered::new(&TicketView::single(listing, limits, now)),
    }))
}

/// Returns the scope of the cursors of the list. The filters and the sort order are in the position.
pub(super) fn list_scope() -> &'static CursorScope {
    static SCOPE: LazyLock<CursorScope> = LazyLock::new(|| CursorScope::new("listTickets", &()));
    &SCOPE
}

impl PageKey {
    /// Returns about the number of bytes that the key occupies.
    fn size(&self) -> usize {
        let terms = self.query.terms.size() * if self.position.is_some() { 2 } else { 1 };
        size_of::<Self>() + terms
    }
}

impl Period {
    fn of<'a>(listings: impl Iterator<Item = &'a Listing>, now: Timestamp) -> Self {
        Self {
            from: now,
            until: listings.filter_map(|listing| listing.changes_after(now)).min(),
        }
    }

    /// Ends the period at a time, unless it ends before.
    fn until(self, time: Timestamp) -> Self {
        let until = self.until.map_or(time, |until| until.min(time));
        Self {
            until: Some(until),
            ..self
        }
    }

    fn contains(self, now: Timestamp) -> bool {
        self.from <= now && self.until.is_none_or(|until| now < until)
    }
}
