use rusqlite::{Error, Statement, ToSql};

/// Executes a statement with named parameters.
pub trait NamedParameters {
    /// Does the same as `execute`, which compares the name of each parameter with those of the whole statement. Here a name
    /// is found at once if the parameters come in the order of the statement.
    fn execute_named(&mut self, parameters: &[(&str, &dyn ToSql)]) -> rusqlite::Result<usize>;
}

impl NamedParameters for Statement<'_> {
    fn execute_named(&mut self, parameters: &[(&str, &dyn ToSql)]) -> rusqlite::Result<usize> {
        for (number, (name, value)) in (1..).zip(parameters) {
            let index = if self.parameter_name(number) == Some(*name) {
                number
            } else {
                self.parameter_index(name)?
                    .ok_or_else(|| Error::InvalidParameterName((*name).to_owned()))?
            };
            self.raw_bind_parameter(index, value)?;
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
        conn.execute("CREATE TABLE listing (id INTEGER, title TEXT) STRICT", ())
            .unwrap();
        let mut insert = conn.prepare("INSERT INTO listing VALUES (:id, :title)").unwrap();
        insert
            .execute_named(named_params! { ":id": 1, ":title": "one" })
            .unwrap();
        insert
            .execute_named(named_params! { ":title": "two", ":id": 2 })
            .unwrap();
        let unknown = insert.execute_named(named_params! { ":id": 3, ":name": "three" });
        assert_eq!(unknown, Err(Error::InvalidParameterName(":name".to_owned())));
        let mut rows = conn
            .prepare("SELECT id || ':' || title FROM listing ORDER BY id")
            .unwrap();
        let rows: Vec<String> = rows
            .query_map((), |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(rows, ["1:one", "2:two"]);
    }
}
