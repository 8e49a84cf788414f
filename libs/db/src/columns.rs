use rusqlite::{Row, types::FromSql};

/// The columns of a table that a store reads and writes, declared with [`columns!`](crate::columns!).
///
/// All parts are constants, so a statement costs one `format!`, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns {
    /// `id, title`: for an INSERT with more columns.
    pub names: &'static str,
    /// `:id, :title`: the placeholders in the same order.
    pub placeholders: &'static str,
    /// `l.id, l.title`, or without the alias if none was declared: for a SELECT.
    pub select: &'static str,
    /// `INSERT INTO listing (id, title) VALUES (:id, :title)`.
    pub insert: &'static str,
}

/// Declares the columns of a table once, as a [`Columns`] constant.
///
/// ```
/// use db::{NamedParameters, RowReader};
/// use rusqlite::{Connection, named_params};
///
/// db::columns! {
///     /// A listing, read from `listing l`.
///     pub(crate) LISTING: "listing" as "l" = [id, title, amount];
/// }
///
/// struct Listing { id: i64, title: String, amount: i64 }
///
/// fn listing(row: &mut RowReader<'_, '_>) -> rusqlite::Result<Listing> {
///     Ok(Listing { id: row.next()?, title: row.next()?, amount: row.next()? })
/// }
///
/// # fn main() -> rusqlite::Result<()> {
/// # let conn = Connection::open_in_memory()?;
/// # conn.execute("CREATE TABLE listing (id INTEGER PRIMARY KEY, title TEXT, amount INTEGER) STRICT", [])?;
/// conn.prepare_cached(LISTING.insert)?
///     .execute_named(named_params! { ":id": 1, ":title": "An evening", ":amount": 2_500 })?;
///
/// let sql = format!("SELECT {} FROM listing l WHERE l.id = ?1", LISTING.select);
/// let found = conn.prepare_cached(&sql)?.query_row([1], db::read_row(listing))?;
/// assert_eq!((found.id, found.title.as_str(), found.amount), (1, "An evening", 2_500));
/// # Ok(())
/// # }
/// ```
#[macro_export]
macro_rules! columns {
    ($($(#[$attribute:meta])* $vis:vis $name:ident: $table:literal $(as $alias:literal)? = [$($column:ident),+ $(,)?];)+) => {
        $(
            $(#[$attribute])*
            $vis const $name: $crate::Columns = $crate::columns!(@of $table, [$($alias, ".",)?], $($column),+);
        )+
    };
    (@of $table:literal, [$($prefix:tt)*], $first:ident $(, $rest:ident)*) => {
        $crate::Columns {
            names: concat!(stringify!($first) $(, ", ", stringify!($rest))*),
            placeholders: concat!(":", stringify!($first) $(, ", :", stringify!($rest))*),
            select: $crate::columns!(@prefixed [$($prefix)*] $first $($rest)*),
            insert: concat!(
                "INSERT INTO ", $table, " (", stringify!($first) $(, ", ", stringify!($rest))*,
                ") VALUES (:", stringify!($first) $(, ", :", stringify!($rest))*, ")",
            ),
        }
    };
    (@prefixed [] $first:ident $($rest:ident)*) => {
        concat!(stringify!($first) $(, ", ", stringify!($rest))*)
    };
    (@prefixed [$alias:literal, ".",] $first:ident $($rest:ident)*) => {
        concat!($alias, ".", stringify!($first) $(, ", ", $alias, ".", stringify!($rest))*)
    };
}

/// Reads the columns of a row from left to right, in the order of the SELECT list.
///
/// Reading by position costs a fraction of looking each column up by name. The fields of a struct literal are
/// evaluated in the order in which they are written, so it may call [`next`](Self::next) once per field.
#[derive(Debug)]
pub struct RowReader<'row, 'statement> {
    row: &'row Row<'statement>,
    position: usize,
}

impl<'row, 'statement> RowReader<'row, 'statement> {
    /// Starts at the first column.
    pub const fn new(row: &'row Row<'statement>) -> Self {
        Self { row, position: 0 }
    }

    /// Reads the next column.
    #[expect(
        clippy::should_implement_trait,
        reason = "the columns have different types, so this is no iterator"
    )]
    pub fn next<T: FromSql>(&mut self) -> rusqlite::Result<T> {
        let value = self.row.get(self.position)?;
        self.position += 1;
        Ok(value)
    }

    /// Checks that every column was read: a column that was added to the list but not to its reader is an error.
    pub fn finish(self) -> rusqlite::Result<()> {
        if self.position == self.row.as_ref().column_count() {
            Ok(())
        } else {
            Err(rusqlite::Error::InvalidColumnIndex(self.position))
        }
    }
}

/// Makes a row mapper for `query_map` and `query_row` of a function that reads all columns of a row.
pub fn read_row<T>(
    mut read: impl FnMut(&mut RowReader<'_, '_>) -> rusqlite::Result<T>,
) -> impl FnMut(&Row<'_>) -> rusqlite::Result<T> {
    move |row| {
        let mut reader = RowReader::new(row);
        let value = read(&mut reader)?;
        reader.finish()?;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    crate::columns! {
        PLAIN: "listing" = [id];
        ALIASED: "listing" as "l" = [id, title, type,];
    }

    #[test]
    fn one_list_makes_every_part_of_a_statement() {
        assert_eq!(PLAIN.select, "id");
        assert_eq!(PLAIN.insert, "INSERT INTO listing (id) VALUES (:id)");
        assert_eq!(ALIASED.names, "id, title, type");
        assert_eq!(ALIASED.placeholders, ":id, :title, :type");
        assert_eq!(ALIASED.select, "l.id, l.title, l.type");
        assert_eq!(
            ALIASED.insert,
            "INSERT INTO listing (id, title, type) VALUES (:id, :title, :type)"
        );
    }

    #[test]
    fn a_reader_that_reads_too_few_or_too_many_columns_fails() -> rusqlite::Result<()> {
        let read = |count: usize| {
            let values = read_row(|row| (0..count).map(|_| row.next()).collect::<rusqlite::Result<Vec<i64>>>());
            Connection::open_in_memory()?.query_row("SELECT 1, 2", [], values)
        };
        assert_eq!(read(2)?, [1, 2]);
        for count in [1, 3] {
            assert!(
                matches!(read(count), Err(rusqlite::Error::InvalidColumnIndex(_))),
                "{count}"
            );
        }
        Ok(())
    }
}
