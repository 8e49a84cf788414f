use poem_openapi::{
    Object,
    types::{Example, ParseFromJSON, ToJSON},
};
use serde::Serialize;

use crate::{CursorScope, Limit};

/// A page of a list.
#[derive(Clone, PartialEq, Eq, Debug, Object, Serialize)]
#[oai(rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase")]
pub struct Page<T: ParseFromJSON + ToJSON + Example> {
    /// The items, in the order that was asked for.
    pub items: Vec<T>,
    /// Send it as `cursor`, with the same filters and sort, for the next page; `null` on the last one.
    #[oai(nullable)]
    pub next_cursor: Option<String>,
}

impl<T: ParseFromJSON + ToJSON + Example> Page<T> {
    /// Creates a page from up to [`Limit::rows`] rows: if one is left over, another page follows, which starts after the
    /// `position` of this page's last row.
    pub fn from_rows<R, P: Serialize>(
        mut rows: Vec<R>,
        scope: &CursorScope,
        limit: Limit,
        position: impl FnOnce(&R) -> P,
        item: impl FnMut(R) -> T,
    ) -> Self {
        let more = rows.len() > limit.items();
        rows.truncate(limit.items());
        let end = rows.last().filter(|_| more);
        let next_cursor = end.map(|row| scope.cursor(position(row)));
        Self {
            items: rows.into_iter().map(item).collect(),
            next_cursor,
        }
    }
}

impl<T: ParseFromJSON + ToJSON + Example> Example for Page<T> {
    fn example() -> Self {
        Self {
            items: vec![T::example()],
            next_cursor: Some("eyJhZnRlciI6NDJ9".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Object, PartialEq, Debug)]
    struct Number {
        number: i64,
    }

    impl Example for Number {
        fn example() -> Self {
            Self { number: 1 }
        }
    }

    fn list() -> CursorScope {
        CursorScope::new("listNumbers", &())
    }

    fn page(rows: Vec<i64>) -> Page<Number> {
        let limit = "2".parse().unwrap();
        Page::from_rows(rows, &list(), limit, |number| *number, |number| Number { number })
    }

    #[test]
    fn another_page_follows_if_a_row_is_left_over() {
        assert_eq!(page(vec![]).next_cursor, None);
        assert_eq!(page(vec![1, 2]).next_cursor, None);
        let first = page(vec![1, 2, 3]);
        assert_eq!(first.items.len(), 2);
        let cursor = first.next_cursor.unwrap().parse().unwrap();
        assert_eq!(list().position(Some(cursor)), Ok(Some(2_i64)));
    }

    #[test]
    fn the_last_page_has_no_cursor() {
        assert_eq!(
            page(vec![1]).to_json_string(),
            r#"{"items":[{"number":1}],"nextCursor":null}"#
        );
    }
}
