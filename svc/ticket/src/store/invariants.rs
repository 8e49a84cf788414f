use db::admin::{Invariant, Part, Scope, Sums};

/// The invariants that `check` verifies: each query returns the rows that break one.
pub(crate) const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "the stock is the sum of the orders",
        sql: "SELECT ticket_id, o.held AS held_by_orders, s.held, o.sold AS sold_by_orders, s.sold
              FROM (SELECT ticket_id, sum(held) AS held, sum(sold - returned) AS sold FROM hold GROUP BY ticket_id) o
              FULL JOIN stock s USING (ticket_id)
              WHERE o.held IS NOT s.held OR o.sold IS NOT s.sold",
        scope: Scope::Key(Sums {
            parts: &[
                Part {
                    table: "hold",
                    key: &["ticket_id"],
                    numbers: &["held", "sold - returned"],
                },
                Part {
                    table: "stock",
                    key: &["ticket_id"],
                    numbers: &["-held", "-sold"],
                },
            ],
            of_key: None,
        }),
    },
    Invariant {
        name: "each listing is in the search index",
        sql: "SELECT l.id FROM listing l WHERE l.number BETWEEN ?1 AND ?2
                AND NOT EXISTS (SELECT 1 FROM listing_words_docsize d WHERE d.id = l.number)",
        scope: Scope::Row("listing"),
    },
    Invariant {
        name: "each listing has had one place at a time",
        sql: "SELECT f.number, f.until FROM former_place f
              LEFT JOIN listing l ON l.placed = f.until AND l.number = f.number
              LEFT JOIN former_place next ON next.placed = f.until AND next.number = f.number
              WHERE f.until BETWEEN ?1 AND ?2 AND l.number IS NULL AND next.number IS NULL",
        scope: Scope::Row("former_place"),
    },
    Invariant {
        name: "the tally counts the listings",
        sql: "SELECT state, l.listings, t.listings AS counted
              FROM (SELECT iif(withdrawn_at IS NULL, 'on-sale', 'withdrawn') AS state, count(*) AS listings
                    FROM listing GROUP BY 1) l
              FULL JOIN tally t USING (state) WHERE coalesce(l.listings, 0) IS NOT t.listings",
        scope: Scope::Key(Sums {
            parts: &[
                Part {
                    table: "listing",
                    key: &["iif(withdrawn_at IS NULL, 'on-sale', 'withdrawn')"],
                    numbers: &["1"],
                },
                Part {
                    table: "tally",
                    key: &["state"],
                    numbers: &["-listings"],
                },
            ],
            of_key: None,
        }),
    },
    Invariant {
        name: "a withdrawn listing has at least two versions",
        sql: "SELECT id FROM listing WHERE number BETWEEN ?1 AND ?2 AND withdrawn_at IS NOT NULL AND version < 2",
        scope: Scope::Row("listing"),
    },
];
