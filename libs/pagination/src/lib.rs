//! Paginated lists, the same in every service.
//!
//! A request has `limit` ([`Limit`]) and `cursor` ([`Cursor`]); the response is a [`Page`]. A cursor belongs to one [`CursorScope`]:
//! the operation with its filters, order and user. A page starts after the sort
//! key of the last item of the previous page (keyset pagination), not at an offset: items that are added or removed in
//! between shift nothing, and the hundredth page costs as much as the first.

mod cursor;
mod cursor_scope;
mod limit;
mod page;

pub use cursor::{Cursor, MalformedCursor};
pub use cursor_scope::{CursorScope, cursor_of_other_query};
pub use limit::{Limit, LimitOutOfRange};
pub use page::Page;
