use db::admin::Invariant;

/// The invariants that `check` verifies: each query returns the rows that break one.
pub(crate) const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "the stock is the sum of the orders",
        sql: "SELECT ticket_id, o.held AS held_by_orders, s.held, o.sold AS sold_by_orders, s.sold
              FROM (SELECT ticket_id, sum(held) AS held, sum(sold - returned) AS sold FROM hold GROUP BY ticket_id) o
              FULL JOIN stock s USING (ticket_id)
              WHERE o.held IS NOT s.held OR o.sold IS NOT s.sold",
    },
    Invariant {
        name: "each listing is in the search index",
        sql: "SELECT id FROM listing WHERE number NOT IN (SELECT id FROM listing_words_docsize)",
    },
    Invariant {
        name: "each listing has had one place at a time",
        sql: "SELECT f.number, f.until FROM former_place f
              LEFT JOIN listing l ON l.placed = f.until AND l.number = f.number
              LEFT JOIN former_place next ON next.placed = f.until AND next.number = f.number
              WHERE l.number IS NULL AND next.number IS NULL",
    },
    Invariant {
        name: "the tally counts the listings",
        sql: "SELECT state, l.listings, t.listings AS counted
              FROM (SELECT iif(withdrawn_at IS NULL, 'on-sale', 'withdrawn') AS state, count(*) AS listings
                    FROM listing GROUP BY 1) l
              FULL JOIN tally t USING (state) WHERE coalesce(l.listings, 0) IS NOT t.listings",
    },
    Invariant {
        name: "a withdrawn listing has at least two versions",
        sql: "SELECT id FROM listing WHERE withdrawn_at IS NOT NULL AND version < 2",
    },
];
