use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use problem::Problem;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::Cursor;

/// What a cursor is valid for: an operation with its filters, its sort order and, if they determine what is listed, its user
/// or resource.
///
/// ```
/// # use pagination::{Cursor, CursorScope};
/// let (mine, yours) = (CursorScope::new("listOrders", &("ada", "paid")), CursorScope::new("listOrders", &("bob", "paid")));
/// let cursor: Cursor<i64> = mine.cursor(42).parse()?;
/// assert_eq!(mine.position(Some(cursor.clone())), Ok(Some(42)));
/// assert!(yours.position(Some(cursor)).is_err());
/// # Ok::<(), pagination::MalformedCursor>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CursorScope(String);

/// The number of bytes of the hash that names a list: enough that no two queries of one client have the same.
const NAME_BYTES: usize = 12;

impl CursorScope {
    /// Returns the scope of an operation for a query: everything that determines what it contains, and its order.
    pub fn new(operation: &str, query: &impl Serialize) -> Self {
        // A query that was parsed always serialises.
        let query = serde_json::to_vec(&(operation, query)).unwrap_or_default();
        let hash = Sha256::digest(query);
        Self(BASE64_URL_SAFE_NO_PAD.encode(&hash[..NAME_BYTES]))
    }

    /// Returns the position of a cursor, if it belongs to this scope: 400 if it does not.
    pub fn position<T>(&self, cursor: Option<Cursor<T>>) -> Result<Option<T>, Problem> {
        cursor
            .map(|cursor| {
                (cursor.list == self.0)
                    .then_some(cursor.position)
                    .ok_or_else(cursor_of_other_query)
            })
            .transpose()
    }

    /// Returns the cursor of a position in this scope, as it is sent.
    pub fn cursor(&self, position: impl Serialize) -> String {
        let list = self.0.clone();
        Cursor { list, position }.to_string()
    }
}

/// 400: the cursor belongs to another list, to other filters or to another order.
pub fn cursor_of_other_query() -> Problem {
    Problem::malformed("A parameter is not as it must be.").field(
        "cursor",
        "belongs to another query: send the filters and the sort of the page it came with",
    )
}
