//! Columns that several tables have.

use rusqlite::Row;
use values::Money;

/// A word in a column that stands for a variant, both ways.
macro_rules! words {
    ($column:ident of $type:ty { $($word:literal = $variant:pat => $value:expr),+ $(,)? }) => {
        pub(super) struct $column(pub(super) $type);

        impl ToSql for $column {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(match self.0 { $($variant => $word),+ }.into())
            }
        }

        impl FromSql for $column {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                match value.as_str()? {
                    $($word => Ok(Self($value)),)+
                    _ => Err(FromSqlError::InvalidType),
                }
            }
        }
    };
}

pub(super) use words;

pub(super) fn money(row: &Row<'_>) -> rusqlite::Result<Money> {
    Ok(Money {
        amount: row.get("amount")?,
        currency: row.get("currency")?,
    })
}
