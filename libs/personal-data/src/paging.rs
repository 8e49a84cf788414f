use pagination::Limit;

/// Truncates up to [`Limit::rows`] rows to a page, and returns where the next page begins: after the last row if one is left
/// over, else at the beginning of the next list.
pub fn end_of_page<R, P>(
    rows: &mut Vec<R>,
    limit: Limit,
    position: impl FnOnce(&R) -> P,
    next_list: Option<P>,
) -> Option<P> {
    let more = rows.len() > limit.items();
    rows.truncate(limit.items());
    match rows.last() {
        Some(last) if more => Some(position(last)),
        _ => next_list,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_list_begins_when_no_row_is_left() {
        let limit: Limit = "2".parse().unwrap();
        let end = |rows: &mut Vec<i64>, next| end_of_page(rows, limit, |row| *row, next);
        let mut rows = vec![1, 2, 3];
        assert_eq!(end(&mut rows, Some(0)), Some(2));
        assert_eq!(rows, [1, 2]);
        assert_eq!(end(&mut vec![1, 2], Some(0)), Some(0));
        assert_eq!(end(&mut vec![], Some(0)), Some(0));
        assert_eq!(end(&mut vec![1, 2], None), None);
    }
}
