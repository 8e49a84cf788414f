//! The queries of `check` grow with the number of rows, not with its square: they run beside the service.

use chassis::Service;
use db::admin::{Invariant, Scope};
use rusqlite::Connection;

use crate::empty_database;

/// A step of a query plan (<https://sqlite.org/eqp.html>).
struct Step {
    id: i64,
    parent: i64,
    detail: String,
}

fn plan(conn: &Connection, sql: &str) -> Vec<Step> {
    let mut steps = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let steps = steps.raw_query().mapped(|row| {
        Ok(Step {
            id: row.get(0)?,
            parent: row.get(1)?,
            detail: row.get(3)?,
        })
    });
    steps.collect::<Result<_, _>>().unwrap()
}

/// Returns the steps that read a whole table for each row of another one.
fn nested_scans(steps: &[Step]) -> Vec<&str> {
    let is_scan = |step: &Step| step.detail.starts_with("SCAN") && !step.detail.contains("CONSTANT ROW");
    let is_in_correlated = |step: &Step| {
        let mut parent = step.parent;
        while let Some(outer) = steps.iter().find(|outer| outer.id == parent) {
            if outer.detail.contains("CORRELATED") {
                return true;
            }
            parent = outer.parent;
        }
        false
    };
    let is_inner_loop = |index: usize, step: &Step| {
        let is_outer = |outer: &Step| outer.detail.starts_with("SCAN") || outer.detail.starts_with("SEARCH");
        let is_branch = steps
            .iter()
            .any(|outer| outer.id == step.parent && outer.detail.contains("RIGHT-JOIN"));
        !is_branch
            && steps[..index]
                .iter()
                .any(|outer| outer.parent == step.parent && is_outer(outer))
    };
    let nested = steps
        .iter()
        .enumerate()
        .filter(|(index, step)| is_scan(step) && (is_in_correlated(step) || is_inner_loop(*index, step)));
    nested.map(|(_, step)| step.detail.as_str()).collect()
}

fn assert_linear<S: Service>() {
    let (_folder, conn) = empty_database::<S>();
    for invariant in S::INVARIANTS {
        let steps = plan(&conn, invariant.sql);
        let nested = nested_scans(&steps);
        let plan: Vec<_> = steps.iter().map(|step| step.detail.as_str()).collect();
        assert!(
            nested.is_empty(),
            "{}: {}: {nested:#?} in {plan:#?}",
            S::NAME,
            invariant.name
        );
        assert_searches(&conn, invariant);
    }
}

/// A part of a check that is run for a range of rows or for a key reads no table from its beginning.
fn assert_searches(conn: &Connection, invariant: &Invariant) {
    let of_part = match invariant.scope {
        Scope::Whole => None,
        Scope::Row(_) => Some(invariant.sql),
        Scope::Key(sums) => sums.of_key,
    };
    if let Some(sql) = of_part {
        let scans = db::scans(conn, sql).unwrap();
        assert!(scans.is_empty(), "{}: {scans:?} in {sql}", invariant.name);
    }
}

#[test]
fn no_invariant_reads_a_table_for_each_row_of_another_one() {
    assert_linear::<auth::Auth>();
    assert_linear::<ticket::Ticket>();
    assert_linear::<order::Orders>();
    assert_linear::<expiration::Expiration>();
    assert_linear::<payment::Payments>();
    assert_linear::<notification::Notification>();
}

#[test]
fn a_subquery_for_each_row_and_a_join_without_an_index_are_found() {
    let conn = Connection::open_in_memory().unwrap();
    conn.execute_batch("CREATE TABLE a (x INTEGER, y INTEGER); CREATE TABLE b (x INTEGER, y INTEGER);")
        .unwrap();
    for (sql, is_nested) in [
        (
            "SELECT x FROM a WHERE (SELECT count(*) FROM b WHERE b.x = a.x) > 1",
            true,
        ),
        ("SELECT a.x FROM a JOIN b ON a.x < b.x", true),
        ("SELECT x FROM a GROUP BY x HAVING count(*) > 1", false),
        ("SELECT x FROM a WHERE x NOT IN (SELECT x FROM b)", false),
        (
            "SELECT a.x FROM a LEFT JOIN (SELECT x, sum(y) AS s FROM b GROUP BY x) c ON c.x = a.x WHERE s <> a.y",
            false,
        ),
    ] {
        let steps = plan(&conn, sql);
        assert_eq!(!nested_scans(&steps).is_empty(), is_nested, "{sql}");
    }
}
