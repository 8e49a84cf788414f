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
        name: "the files of each picture are stored",
        sql: "SELECT l.id, l.image_hash, i.hash FROM listing l LEFT JOIN image i ON i.ticket_id = l.id
              WHERE l.number BETWEEN ?1 AND ?2 AND l.image_hash IS NOT i.hash",
        scope: Scope::Row("listing"),
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
        name: "each ticket of a complete order has an admission, and as many are void as are refunded",
        sql: "SELECT h.order_id, h.quantity, h.refunded FROM hold h
              LEFT JOIN (SELECT order_id, count(*) AS issued, max(number) AS last, sum(void_reason IS 'refund') AS refunded,
                             sum(void_reason IS NULL) AS usable
                         FROM admission GROUP BY order_id) a ON a.order_id = h.order_id
              WHERE h.followed_version IS h.version
                AND (a.issued IS NOT h.quantity OR a.last IS NOT h.quantity OR a.refunded IS NOT h.refunded
                     OR (h.is_lost AND a.usable > 0))",
        scope: Scope::Key(Sums {
            parts: &[
                Part {
                    table: "hold",
                    key: &["order_id"],
                    numbers: &[
                        "iif(followed_version IS version, quantity, 0)",
                        "iif(followed_version IS version, refunded, 0)",
                    ],
                },
                Part {
                    table: "admission",
                    key: &["order_id"],
                    numbers: &["-1", "-(void_reason IS 'refund')"],
                },
            ],
            of_key: Some(
                "SELECT h.order_id, h.quantity, h.refunded FROM hold h WHERE h.order_id = ?1 AND h.followed_version IS h.version
                   AND ((SELECT count(*) FROM admission a WHERE a.order_id = h.order_id) IS NOT h.quantity
                     OR (SELECT count(*) FROM admission a WHERE a.order_id = h.order_id AND a.void_reason = 'refund')
                        IS NOT h.refunded)",
            ),
        }),
    },
    Invariant {
        name: "the attendance counts the admissions",
        sql: "SELECT ticket_id, a.valid, t.valid AS counted_valid, a.used, t.used AS counted_used, a.void, t.void AS counted_void
              FROM (SELECT ticket_id, sum(state = 'valid') AS valid, sum(state = 'used') AS used, sum(state = 'void') AS void
                    FROM admission GROUP BY ticket_id) a
              FULL JOIN attendance t USING (ticket_id)
              WHERE a.valid IS NOT t.valid OR a.used IS NOT t.used OR a.void IS NOT t.void",
        scope: Scope::Key(Sums {
            parts: &[
                Part {
                    table: "admission",
                    key: &["ticket_id"],
                    numbers: &["state = 'valid'", "state = 'used'", "state = 'void'"],
                },
                Part {
                    table: "attendance",
                    key: &["ticket_id"],
                    numbers: &["-valid", "-used", "-void"],
                },
            ],
            of_key: None,
        }),
    },
    Invariant {
        name: "the attendance counts the scans that should not have admitted",
        sql: "SELECT ticket_id, t.duplicates, s.duplicates AS stored_duplicates, t.void_scans, s.void AS stored_void
              FROM (SELECT ticket_id, sum(refusal = 'already-admitted') AS duplicates,
                        sum(refusal <> 'already-admitted') AS void
                    FROM scan WHERE refusal IS NOT NULL GROUP BY ticket_id) s
              FULL JOIN attendance t USING (ticket_id)
              WHERE coalesce(t.duplicates, 0) IS NOT coalesce(s.duplicates, 0)
                 OR coalesce(t.void_scans, 0) IS NOT coalesce(s.void, 0)",
        scope: Scope::Key(Sums {
            parts: &[
                Part {
                    table: "scan",
                    key: &["ticket_id"],
                    numbers: &["refusal IS 'already-admitted'", "refusal IS NOT NULL AND refusal <> 'already-admitted'"],
                },
                Part {
                    table: "attendance",
                    key: &["ticket_id"],
                    numbers: &["-duplicates", "-void_scans"],
                },
            ],
            of_key: None,
        }),
    },
    Invariant {
        name: "a scan is of an admission of its listing",
        sql: "SELECT s.row FROM scan s LEFT JOIN admission a ON a.row = s.admission
              WHERE s.row BETWEEN ?1 AND ?2 AND a.ticket_id IS NOT s.ticket_id",
        scope: Scope::Row("scan"),
    },
    Invariant {
        name: "a replaced code is not the code of an admission",
        sql: "SELECT a.id FROM admission a JOIN replaced_code r ON r.hash = a.code_hash WHERE a.row BETWEEN ?1 AND ?2",
        scope: Scope::Row("admission"),
    },
    Invariant {
        name: "an offered ticket is valid and its giver's",
        sql: "SELECT t.id, a.state, a.holder_id, t.from_id FROM transfer t LEFT JOIN admission a ON a.id = t.admission_id
              WHERE t.row BETWEEN ?1 AND ?2 AND t.status = 'offered' AND (a.state IS NOT 'valid' OR a.holder_id IS NOT t.from_id)",
        scope: Scope::Row("transfer"),
    },
    Invariant {
        name: "a ticket that was given is held by one who accepted it",
        sql: "SELECT t.id, t.to_id, a.holder_id FROM transfer t LEFT JOIN admission a ON a.id = t.admission_id
              WHERE t.row BETWEEN ?1 AND ?2 AND t.status = 'accepted' AND a.holder_id IS NOT t.to_id
                AND NOT EXISTS (SELECT 1 FROM transfer other WHERE other.admission_id = t.admission_id
                                AND other.status = 'accepted' AND other.to_id = a.holder_id)",
        scope: Scope::Row("transfer"),
    },
    Invariant {
        name: "the tally counts the transfers",
        sql: "SELECT status, t.transfers, y.transfers AS counted
              FROM (SELECT status, count(*) AS transfers FROM transfer GROUP BY status) t
              FULL JOIN transfer_tally y USING (status) WHERE coalesce(t.transfers, 0) IS NOT y.transfers",
        scope: Scope::Key(Sums {
            parts: &[
                Part {
                    table: "transfer",
                    key: &["status"],
                    numbers: &["1"],
                },
                Part {
                    table: "transfer_tally",
                    key: &["status"],
                    numbers: &["-transfers"],
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
