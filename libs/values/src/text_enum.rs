/// A text that names no variant of a [`text_enum!`](crate::text_enum).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one of {}", .allowed.join(", "))]
pub struct UnknownText {
    /// The texts of all variants.
    pub allowed: &'static [&'static str],
}

/// Declares an enum whose variants are written as fixed texts: in JSON, in a database column, in a label.
///
/// The enum derives `Clone`, `Copy`, `PartialEq`, `Eq`, `Hash`, `Debug` and serde's two traits, and implements `Display`,
/// `FromStr` (error: [`UnknownText`]), `ToSql` and `FromSql`. `ALL` lists the variants, `as_str` returns the text.
/// Attributes before `enum` are kept, so more can be derived: `JsonSchema`, `PartialOrd`. The calling crate depends on
/// `serde`.
///
/// ```
/// values::text_enum! {
///     /// Where a parcel stands.
///     pub enum ParcelStatus {
///         /// With the sender.
///         Packed = "packed",
///         /// With the carrier.
///         OnTheWay = "on-the-way",
///     }
/// }
/// assert_eq!(ParcelStatus::OnTheWay.as_str(), "on-the-way");
/// assert_eq!("packed".parse(), Ok(ParcelStatus::Packed));
/// assert_eq!("lost".parse::<ParcelStatus>().unwrap_err().to_string(), "must be one of packed, on-the-way");
/// ```
#[macro_export]
macro_rules! text_enum {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $($(#[$variant_meta:meta])* $variant:ident = $text:literal),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(
            Clone,
            Copy,
            PartialEq,
            Eq,
            Hash,
            Debug,
            $crate::__private::serde::Serialize,
            $crate::__private::serde::Deserialize,
        )]
        $vis enum $name {
            $($(#[$variant_meta])* #[serde(rename = $text)] $variant),+
        }

        impl $name {
            /// All variants, in the order of their declaration.
            $vis const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The text of this variant.
            $vis const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text),+
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::UnknownText;

            fn from_str(text: &str) -> ::std::result::Result<Self, $crate::UnknownText> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err($crate::UnknownText { allowed: &[$($text),+] }),
                }
            }
        }

        impl $crate::__private::rusqlite::types::ToSql for $name {
            fn to_sql(
                &self,
            ) -> $crate::__private::rusqlite::Result<$crate::__private::rusqlite::types::ToSqlOutput<'_>> {
                Ok(self.as_str().into())
            }
        }

        impl $crate::__private::rusqlite::types::FromSql for $name {
            fn column_result(
                value: $crate::__private::rusqlite::types::ValueRef<'_>,
            ) -> $crate::__private::rusqlite::types::FromSqlResult<Self> {
                value.as_str()?.parse().map_err($crate::__private::rusqlite::types::FromSqlError::other)
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;
    use schemars::JsonSchema;

    use super::UnknownText;

    text_enum! {
        /// Where an order stands.
        #[derive(JsonSchema)]
        enum Status {
            /// Not paid.
            AwaitingPayment = "awaiting:payment",
            /// Paid.
            Complete = "complete",
        }
    }

    #[test]
    fn every_variant_survives_json_text_and_sql() {
        let conn = Connection::open_in_memory().unwrap();
        for status in Status::ALL {
            assert_eq!(status.to_string(), status.as_str());
            assert_eq!(status.as_str().parse(), Ok(*status));
            let json = serde_json::to_string(status).unwrap();
            assert_eq!(json, format!("\"{status}\""));
            assert_eq!(serde_json::from_str::<Status>(&json).unwrap(), *status);
            let stored: Status = conn.query_row("SELECT ?1", [status], |row| row.get(0)).unwrap();
            assert_eq!(stored, *status);
        }
    }

    #[test]
    fn an_unknown_text_is_refused_with_the_allowed_ones() {
        let error = "lost".parse::<Status>().unwrap_err();
        assert_eq!(
            error,
            UnknownText {
                allowed: &["awaiting:payment", "complete"]
            }
        );
        assert_eq!(error.to_string(), "must be one of awaiting:payment, complete");
        assert!(serde_json::from_str::<Status>(r#""lost""#).is_err());
        let conn = Connection::open_in_memory().unwrap();
        assert!(
            conn.query_row("SELECT 'lost'", [], |row| row.get::<_, Status>(0))
                .is_err()
        );
    }

    #[test]
    fn the_json_schema_names_the_texts() {
        let schema = schemars::schema_for!(Status).to_value();
        assert_eq!(schema["oneOf"][0]["const"], "awaiting:payment");
        assert_eq!(schema["oneOf"][1]["description"], "Paid.");
    }
}
