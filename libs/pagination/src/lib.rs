//! Lists, one page at a time, the same in every service.
//!
//! A request takes `limit` ([`Limit`]) and `cursor` ([`Cursor`]); the answer is a [`Page`]. A page is found by the sort
//! key of the last item of the page before it (a keyset), never by counting: so items that come or go in between shift
//! nothing, and the hundredth page costs what the first does.

mod cursor;
mod limit;
mod page;

pub use cursor::{Cursor, MalformedCursor, cursor_of_other_query};
pub use limit::{Limit, LimitOutOfRange};
pub use page::Page;
