use rusqlite::{Error, Statement, ToSql};

/// Executes a statement with named parameters.
pub trait NamedParameters {
    /// Does the same as `execute`, which looks each name up in a map. A name that follows the one before it in the statement, too,
    /// is compared once instead.
    fn execute_named(&mut self, parameters: &[(&str, &dyn ToSql)]) -> rusqlite::Result<usize>;
}

impl NamedParameters for Statement<'_> {
    fn execute_named(&mut self, parameters: &[(&str, &dyn ToSql)]) -> rusqlite::Result<usize> {
        let mut next = 1;
        for (name, value) in parameters {
            let number = if self.parameter_name(next) == Some(*name) {
                next
            } else {
                self.parameter_index(name)?
                    .ok_or_else(|| Error::InvalidParameterName((*name).to_owned()))?
            };
            self.raw_bind_parameter(number, value)?;
            next = number + 1;
        }
        self.raw_execute()
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::{Connection, named_params};

    use super::*;

    #[test]
    fn parameters_are_bound_by_name_in_any_order() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute("CREATE TABLE listing (id INTEGER, title TEXT, note TEXT) STRICT", ())
            .unwrap();
        let mut insert = conn
            .prepare("INSERT INTO listing VALUES (:id, :title, :title || :note)")
            .unwrap();
        for parameters in [
            named_params! { ":id": 1, ":title": "a", ":note": "b" },
            named_params! { ":note": "b", ":id": 2, ":title": "a" },
            named_params! { ":title": "a", ":note": "b", ":id": 3 },
        ] {
            insert.execute_named(parameters).unwrap();
        }
        let unknown = insert.execute_named(named_params! { ":id": 4, ":name": "a" });
        assert_eq!(unknown, Err(Error::InvalidParameterName(":name".to_owned())));
        let mut rows = conn
            .prepare("SELECT id || title || note FROM listing ORDER BY id")
            .unwrap();
        let rows: Vec<String> = rows
            .query_map((), |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(rows, ["1aab", "2aab", "3aab"]);
    }
}
