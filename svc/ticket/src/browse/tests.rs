use std::collections::{BTreeMap, BTreeSet, HashSet};

use proptest::prelude::*;
use proptest::sample::Index;
use rusqlite::Connection;
use values::Money;

use super::*;
use crate::{
    listing::tests::{NOW, offer, starting, usd},
    offer::{Line, Prose},
};

/// The tables of this service, in memory.
fn database() -> Connection {
    let conn = Connection::open_in_memory().unwrap();
    for migration in <crate::Ticket as chassis::Service>::SCHEMA.migrations {
        conn.execute_batch(migration).unwrap();
    }
    conn
}

fn add(conn: &Connection, title: &str, price: Money) -> Listing {
    let listing = Listing::open(UserId::new(NOW), offer(title, price, Some(5)), NOW).unwrap();
    store::insert(conn, &listing).unwrap();
    listing
}

fn eur(amount: i64) -> Money {
    Money {
        currency: "eur".parse().unwrap(),
        amount,
    }
}

fn limit(items: usize) -> Limit {
    items.to_string().parse().unwrap()
}

fn titles(conn: &Connection, query: Query) -> Vec<String> {
    let found = browse(conn, query, None, Limit::MAX, NOW).unwrap();
    found
        .entries
        .into_iter()
        .map(|entry| entry.listing.terms.title.into_string())
        .collect()
}

fn searching(text: &str) -> Query {
    Query {
        words: text.parse().unwrap(),
        ..Query::default()
    }
}

fn sorted(sort: Sort) -> Query {
    Query {
        sort,
        ..Query::default()
    }
}

#[test]
fn each_order_is_as_its_name_says() {
    let conn = database();
    for (title, price) in [("b", usd(300)), ("a", usd(200)), ("d", eur(100)), ("c", usd(200))] {
        add(&conn, title, price);
    }
    assert_eq!(titles(&conn, sorted(Sort::Newest)), ["c", "d", "a", "b"]);
    assert_eq!(titles(&conn, sorted(Sort::Oldest)), ["b", "a", "d", "c"]);
    assert_eq!(titles(&conn, sorted(Sort::Price)), ["d", "a", "c", "b"]);
    assert_eq!(titles(&conn, sorted(Sort::PriceDescending)), ["b", "c", "a", "d"]);
    for (title, seconds) in [("late", 20), ("soon", 10)] {
        let start = NOW + Duration::from_secs(seconds);
        let listing = Listing::open(UserId::new(NOW), starting(offer(title, usd(100), None), start), NOW).unwrap();
        store::insert(&conn, &listing).unwrap();
    }
    assert_eq!(
        titles(&conn, sorted(Sort::StartsAt)),
        ["soon", "late", "b", "a", "d", "c"]
    );
}

/// What a query finds, with this in it.
fn with(set: impl Fn(&mut Query)) -> Query {
    let mut query = Query::default();
    set(&mut query);
    query
}

#[test]
fn filters_hold_together() {
    let conn = database();
    let start = NOW + Duration::from_mins(1);
    let first = add(&conn, "first", usd(1000));
    let second = Listing::open(
        UserId::new(NOW),
        starting(offer("second", usd(2000), Some(1)), start),
        NOW,
    )
    .unwrap();
    store::insert(&conn, &second).unwrap();
    add(&conn, "third", eur(1500));
    let mut gone = add(&conn, "gone", usd(1500));
    gone.withdraw(NOW);
    store::update(&conn, &gone).unwrap();

    let found = |set: &dyn Fn(&mut Query)| titles(&conn, with(set)).join(" ");
    let usd_only = |query: &mut Query| query.currency = "usd".parse().ok();
    assert_eq!(found(&|_| {}), "third second first", "what is withdrawn is not listed");
    assert_eq!(found(&|query| query.seller = Some(first.seller_id)), "first");
    assert_eq!(found(&usd_only), "second first");
    let from = |min, max| {
        found(&|query| {
            usd_only(query);
            (query.min_price, query.max_price) = (min, max);
        })
    };
    assert_eq!(from(Some(1001), None), "second");
    assert_eq!(from(Some(1000), Some(1000)), "first");
    assert_eq!(found(&|query| query.starts_after = Some(start)), "second");
    assert_eq!(found(&|query| query.starts_before = Some(start)), "");

    assert_eq!(found(&|query| query.available = true), "third second first");
    take(&conn, &second, 1);
    assert_eq!(found(&|query| query.available = true), "third first");
}

#[test]
fn what_has_begun_is_listed_but_not_as_available() {
    let conn = database();
    let start = NOW + Duration::from_mins(1);
    let concert = Listing::open(
        UserId::new(NOW),
        starting(offer("Concert", usd(2000), None), start),
        NOW,
    )
    .unwrap();
    store::insert(&conn, &concert).unwrap();
    let count = |query, now| browse(&conn, query, None, Limit::MAX, now).unwrap().entries.len();
    let available = || with(|query| query.available = true);
    assert_eq!((count(available(), NOW), count(available(), start)), (1, 0));
    assert_eq!(count(Query::default(), start), 1);
}

fn take(conn: &Connection, listing: &Listing, quantity: u32) {
    let order = events::Order {
        ticket_id: listing.id,
        quantity,
        ..events::examples::order(NOW)
    };
    store::hold(conn, &order).unwrap();
}

#[test]
fn all_words_are_found_by_their_beginnings_wherever_they_stand() {
    let conn = database();
    let mut listing = add(&conn, "Die Goldberg-Variationen", usd(100));
    listing.terms.venue = Some(Line::parse("Café Zürich").unwrap());
    listing.terms.description = Some(Prose::parse("J. S. Bach (BWV 988)").unwrap());
    store::update(&conn, &listing).unwrap();
    add(&conn, "Goldfinger", usd(100));
    for (text, found) in [
        ("gold", 2),
        ("GOLD vari", 1),
        ("goldberg-var", 1),
        ("cafe zurich bach", 1),
        ("ZÜRICH", 1),
        ("988", 1),
        ("goldberg finger", 0),
        ("berg", 0),
        ("", 2),
        ("\"- *", 2),
        ("title:gold", 0),
        ("NOT", 0),
    ] {
        assert_eq!(titles(&conn, searching(text)).len(), found, "{text}");
    }
    listing.terms.description = None;
    store::update(&conn, &listing).unwrap();
    assert_eq!(
        titles(&conn, searching("bach")).len(),
        0,
        "and no longer found once they are gone"
    );
}

/// How SQLite goes about a page after the first, line by line.
fn plan(conn: &Connection, query: &Query) -> Vec<String> {
    let place = Place {
        currency: "usd".to_owned(),
        amount: 1,
        begins: 1,
        number: 1,
    };
    let statement = Statement::of(query, 1, Some(place), Limit::default(), NOW);
    let mut explain = conn.prepare(&format!("EXPLAIN QUERY PLAN {}", statement.sql)).unwrap();
    let lines = explain
        .query_map(&*statement.parameters(), |row| row.get("detail"))
        .unwrap();
    lines.collect::<Result<_, _>>().unwrap()
}

#[test]
fn every_list_goes_by_an_index() {
    let conn = database();
    for sort in [
        Sort::Newest,
        Sort::Oldest,
        Sort::Price,
        Sort::PriceDescending,
        Sort::StartsAt,
    ] {
        let all = sorted(sort);
        for query in [
            all.clone(),
            Query {
                seller: Some(UserId::new(NOW)),
                ..all.clone()
            },
            Query {
                currency: "usd".parse().ok(),
                min_price: Some(1),
                max_price: Some(9),
                ..all.clone()
            },
            Query {
                starts_after: Some(NOW),
                starts_before: Some(NOW),
                ..all.clone()
            },
            Query {
                available: true,
                ..all.clone()
            },
            Query {
                words: "rock".parse().unwrap(),
                ..all
            },
        ] {
            let plan = plan(&conn, &query);
            let reads: Vec<_> = plan
                .iter()
                .filter(|line| line.starts_with("SCAN") || line.starts_with("SEARCH"))
                .collect();
            assert!(
                reads
                    .iter()
                    .all(|line| line.contains(" INDEX ") || line.contains("PRIMARY KEY")),
                "{query:?} {plan:#?}"
            );
            // The few that were replaced since the first page may be sorted by hand, and so may a search by words.
            if query.words.is_empty()
                && query.seller.is_none()
                && query.currency.is_none()
                && query.starts_after.is_none()
            {
                let by_hand = plan.iter().filter(|line| line.contains("TEMP B-TREE")).count();
                assert!(by_hand <= usize::from(sort.changes()), "{query:?} {plan:#?}");
            }
        }
    }
}

#[test]
fn the_newest_that_match_are_found_without_sorting_all_that_match() {
    let plan = plan(&database(), &searching("rock"));
    assert!(!plan.iter().any(|line| line.contains("TEMP B-TREE")), "{plan:#?}");
}

#[test]
fn a_cursor_serves_its_own_query_for_a_day() {
    let conn = database();
    for number in 0..3 {
        add(&conn, "Concert", usd(100 + number));
    }
    let found = browse(&conn, sorted(Sort::Price), None, limit(1), NOW).unwrap();
    let position = found.position()(&found.entries[0]);
    let cursor = || Some(Cursor(position.clone()));
    assert_eq!(go_on(&sorted(Sort::Newest), cursor(), NOW), Err(Lost::Foreign));
    assert_eq!(
        go_on(
            &Query {
                available: true,
                ..sorted(Sort::Price)
            },
            cursor(),
            NOW
        ),
        Err(Lost::Foreign)
    );
    let tomorrow = NOW + CURSOR_LIFETIME;
    assert_eq!(
        go_on(&sorted(Sort::Price), cursor(), tomorrow),
        Ok(Some(position.clone()))
    );
    assert_eq!(
        go_on(&sorted(Sort::Price), cursor(), tomorrow + Duration::from_millis(1)),
        Err(Lost::Expired)
    );
}

#[test]
fn places_are_forgotten_once_no_cursor_can_need_them() {
    let conn = database();
    let mut listing = add(&conn, "Concert", usd(100));
    let mut edit = |price, now| {
        listing.change(offer("Concert", usd(price), None), now).unwrap();
        store::update(&conn, &listing).unwrap();
        conn.query_row("SELECT count(*) FROM former_place", [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    assert_eq!(edit(200, NOW), 1);
    assert_eq!(edit(300, NOW + CURSOR_LIFETIME), 2);
    assert_eq!(edit(400, NOW + CURSOR_LIFETIME + Duration::from_millis(1)), 2);
}

/// What happens to the list between two pages.
#[derive(Clone, Debug)]
enum Change {
    List { price: i64, start: Option<u64> },
    Reprice { which: Index, price: i64 },
    Move { which: Index, start: Option<u64> },
    Rename { which: Index },
    Withdraw { which: Index },
}

fn a_price() -> impl Strategy<Value = i64> {
    prop_oneof![Just(100), Just(200), Just(300)]
}

fn a_start() -> impl Strategy<Value = Option<u64>> {
    proptest::option::of(1..4_u64)
}

fn a_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        2 => (a_price(), a_start()).prop_map(|(price, start)| Change::List { price, start }),
        3 => (any::<Index>(), a_price()).prop_map(|(which, price)| Change::Reprice { which, price }),
        3 => (any::<Index>(), a_start()).prop_map(|(which, start)| Change::Move { which, start }),
        1 => any::<Index>().prop_map(|which| Change::Rename { which }),
        1 => any::<Index>().prop_map(|which| Change::Withdraw { which }),
    ]
}

fn a_query() -> impl Strategy<Value = Query> {
    let sort = prop_oneof![
        Just(Sort::Newest),
        Just(Sort::Oldest),
        Just(Sort::Price),
        Just(Sort::PriceDescending),
        Just(Sort::StartsAt)
    ];
    let words = prop_oneof![2 => Just(""), 1 => Just("concert")];
    (sort, words, proptest::option::of(a_price())).prop_map(|(sort, words, max_price)| Query {
        words: words.parse().unwrap(),
        currency: max_price.and_then(|_| "usd".parse().ok()),
        max_price,
        sort,
        ..Query::default()
    })
}

type Edit = Box<dyn Fn(&mut Listing)>;

/// A seller's listings, and the database that holds them.
struct Market {
    conn: Connection,
    listings: Vec<Listing>,
}

impl Market {
    fn apply(&mut self, change: &Change) {
        let start = |seconds: Option<u64>| seconds.map(|seconds| NOW + Duration::from_secs(seconds));
        let (which, edit): (&Index, Edit) = match *change {
            Change::List { price, start: seconds } => {
                let mut concert = offer("Concert", usd(price), None);
                concert.terms.starts_at = start(seconds);
                let listing = Listing::open(UserId::new(NOW), concert, NOW).unwrap();
                store::insert(&self.conn, &listing).unwrap();
                self.listings.push(listing);
                return;
            }
            Change::Reprice { ref which, price } => (which, Box::new(move |listing| listing.terms.price = usd(price))),
            Change::Move { ref which, start: to } => {
                (which, Box::new(move |listing| listing.terms.starts_at = start(to)))
            }
            Change::Rename { ref which } => (
                which,
                Box::new(|listing| listing.terms.title = Line::parse("Recital").unwrap()),
            ),
            Change::Withdraw { ref which } => (
                which,
                Box::new(|listing| assert!(listing.withdraw(NOW) || listing.version > 1)),
            ),
        };
        if !self.listings.is_empty() {
            let listing = which.get_mut(&mut self.listings);
            edit(listing);
            listing.version = 9;
            store::update(&self.conn, listing).unwrap();
        }
    }

    fn fitting(&self, query: &Query) -> HashSet<values::TicketId> {
        let fits = |listing: &&Listing| {
            listing.withdrawn_at.is_none()
                && query.max_price.is_none_or(|max| listing.terms.price.amount <= max)
                && (query.words.is_empty() || listing.terms.title.as_str() == "Concert")
        };
        self.listings.iter().filter(fits).map(|listing| listing.id).collect()
    }

    /// By what each listing is sorted at this moment, in the order of the list.
    fn places(&self, sort: Sort) -> BTreeMap<values::TicketId, i64> {
        let key = |listing: &Listing, number: usize| match sort {
            Sort::Newest => -i64::try_from(number).unwrap(),
            Sort::Oldest => i64::try_from(number).unwrap(),
            Sort::Price => listing.terms.price.amount,
            Sort::PriceDescending => -listing.terms.price.amount,
            Sort::StartsAt => listing.terms.starts_at.map_or(i64::MAX, Timestamp::millis),
        };
        self.listings
            .iter()
            .enumerate()
            .map(|(number, listing)| (listing.id, key(listing, number)))
            .collect()
    }
}

proptest! {
    #[test]
    fn pages_neither_repeat_nor_skip_whatever_changes_in_between(
        listed in proptest::collection::vec((a_price(), a_start()), 0..25),
        changes in proptest::collection::vec(proptest::collection::vec(a_change(), 0..6), 30),
        query in a_query(),
        items in 1..6_usize,
    ) {
        let mut market = Market { conn: database(), listings: Vec::new() };
        for (price, start) in listed {
            market.apply(&Change::List { price, start });
        }
        let mut changes = changes.into_iter();
        // Some have been changed before.
        for change in changes.next().unwrap() {
            market.apply(&change);
        }
        let places = market.places(query.sort);
        let mut fitting_all_the_while = market.fitting(&query);
        let mut seen = Vec::new();
        let mut cursor = None;
        loop {
            let position = go_on(&query, cursor, NOW).unwrap();
            let found = browse(&market.conn, query.clone(), position, limit(items), NOW).unwrap();
            let position = found.position();
            let more = found.entries.len() > items;
            seen.extend(found.entries.iter().take(items).map(|entry| entry.listing.id));
            if !more {
                break;
            }
            let sent = Cursor(position(&found.entries[items - 1])).to_string();
            cursor = Some(sent.parse().unwrap());
            for change in changes.next().unwrap_or_default() {
                market.apply(&change);
                fitting_all_the_while = &fitting_all_the_while & &market.fitting(&query);
            }
        }
        let once: BTreeSet<_> = seen.iter().copied().collect();
        prop_assert_eq!(once.len(), seen.len(), "repeated");
        prop_assert!(fitting_all_the_while.iter().all(|id| once.contains(id)), "skipped");
        let keys: Vec<_> = seen.iter().filter_map(|id| places.get(id)).collect();
        prop_assert!(keys.is_sorted(), "out of order: {:?}", keys);
        for invariant in store::INVARIANTS {
            let broken = market.conn.prepare(invariant.sql).unwrap().exists([]).unwrap();
            prop_assert!(!broken, "{}", invariant.name);
        }
    }

    #[test]
    fn nothing_that_is_typed_breaks_the_search(text in "\\PC{0,40}|[\\x00-\\x7f]{0,40}|[\"*^:+(){} -]{0,20}(AND|OR|NOT|NEAR)?\\PC{0,9}") {
        let conn = database();
        add(&conn, "Concert", usd(100));
        if let Ok(words) = text.parse::<Words>() {
            browse(&conn, Query { words, ..Query::default() }, None, Limit::default(), NOW).unwrap();
        }
    }
}
