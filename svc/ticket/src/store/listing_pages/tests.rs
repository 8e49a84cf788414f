use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use db::Tx;
use pagination::{Cursor, CursorScope};
use proptest::prelude::*;
use proptest::sample::Index;
use values::{Money, UserId};

use super::*;
use crate::{
    domain::{
        CURSOR_LIFETIME, CannotResume, ListPosition, ListingSort, ListingState, LongText, SearchTerms, ShortText,
    },
    store,
    test_support::{NOW, database, offer, starting, usd},
};

const SORTS: [ListingSort; 5] = [
    ListingSort::Newest,
    ListingSort::Oldest,
    ListingSort::Price,
    ListingSort::PriceDescending,
    ListingSort::StartsAt,
];

fn add(conn: &Tx, title: &str, price: Money) -> Listing {
    let listing = Listing::create(UserId::new(NOW), offer(title, price, Some(5)), NOW).unwrap();
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

fn page_within(
    scan_limits: ScanLimits,
    conn: &Tx,
    query: ListingQuery,
    position: Option<&ListPosition>,
    limit: Limit,
    now: Timestamp,
) -> Result<ListingPage, db::Error> {
    listing_page_within(
        scan_limits,
        conn,
        &WordsByPrefix::default(),
        query,
        position,
        limit,
        now,
    )
}

fn titles(conn: &Tx, query: ListingQuery) -> Vec<String> {
    let found = page_within(SCAN_LIMITS, conn, query, None, Limit::MAX, NOW).unwrap();
    found
        .listings
        .into_iter()
        .map(|entry| entry.listing.state().terms.title.as_str().to_owned())
        .collect()
}

fn searching(text: &str) -> ListingQuery {
    ListingQuery {
        terms: text.parse().unwrap(),
        ..ListingQuery::default()
    }
}

fn sorted(sort: ListingSort) -> ListingQuery {
    ListingQuery {
        sort,
        ..ListingQuery::default()
    }
}

#[test]
fn each_order_is_as_its_name_says() {
    let conn = database();
    for (title, price) in [("b", usd(300)), ("a", usd(200)), ("d", eur(100)), ("c", usd(200))] {
        add(&conn, title, price);
    }
    assert_eq!(titles(&conn, sorted(ListingSort::Newest)), ["c", "d", "a", "b"]);
    assert_eq!(titles(&conn, sorted(ListingSort::Oldest)), ["b", "a", "d", "c"]);
    assert_eq!(titles(&conn, sorted(ListingSort::Price)), ["d", "a", "c", "b"]);
    assert_eq!(
        titles(&conn, sorted(ListingSort::PriceDescending)),
        ["b", "c", "a", "d"]
    );
    for (title, seconds) in [("late", 20), ("soon", 10)] {
        let start = NOW + Duration::from_secs(seconds);
        let listing = Listing::create(UserId::new(NOW), starting(offer(title, usd(100), None), start), NOW).unwrap();
        store::insert(&conn, &listing).unwrap();
    }
    assert_eq!(
        titles(&conn, sorted(ListingSort::StartsAt)),
        ["soon", "late", "b", "a", "d", "c"]
    );
}

/// What a query finds, with this in it.
fn with(set: impl Fn(&mut ListingQuery)) -> ListingQuery {
    let mut query = ListingQuery::default();
    set(&mut query);
    query
}

#[test]
fn filters_hold_together() {
    let conn = database();
    let start = NOW + Duration::from_mins(1);
    let first = add(&conn, "first", usd(1000));
    let second = Listing::create(
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

    let found = |set: &dyn Fn(&mut ListingQuery)| titles(&conn, with(set)).join(" ");
    let usd_only = |query: &mut ListingQuery| query.currency = "usd".parse().ok();
    assert_eq!(found(&|_| {}), "third second first", "what is withdrawn is not listed");
    assert_eq!(found(&|query| query.seller = Some(first.seller_id())), "first");
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
fn a_begun_event_is_listed_but_not_as_available() {
    let conn = database();
    let start = NOW + Duration::from_mins(1);
    let concert = Listing::create(
        UserId::new(NOW),
        starting(offer("Concert", usd(2000), None), start),
        NOW,
    )
    .unwrap();
    store::insert(&conn, &concert).unwrap();
    let count = |query, now| {
        page_within(SCAN_LIMITS, &conn, query, None, Limit::MAX, now)
            .unwrap()
            .listings
            .len()
    };
    let available = || with(|query| query.available = true);
    assert_eq!((count(available(), NOW), count(available(), start)), (1, 0));
    assert_eq!(count(ListingQuery::default(), start), 1);
}

fn take(conn: &Tx, listing: &Listing, quantity: u32) {
    let order = events::Order {
        ticket_id: listing.id(),
        quantity,
        ..events::examples::order(NOW)
    };
    store::upsert_order(conn, &order).unwrap();
}

#[test]
fn every_term_matches_as_a_prefix_in_title_venue_and_description() {
    let conn = database();
    let mut listing = add(&conn, "Die Goldberg-Variationen", usd(100));
    edit(&mut listing, |state| {
        state.terms.venue = Some(ShortText::parse("Café Zürich").unwrap());
        state.terms.description = Some(LongText::parse("J. S. Bach (BWV 988)").unwrap());
    });
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
        ("\"- *", 0),
        ("g", 0),
        ("j s bach", 1),
        ("title:gold", 0),
        ("NOT", 0),
    ] {
        assert_eq!(titles(&conn, searching(text)).len(), found, "{text}");
    }
    edit(&mut listing, |state| state.terms.description = None);
    store::update(&conn, &listing).unwrap();
    assert_eq!(
        titles(&conn, searching("bach")).len(),
        0,
        "a removed description is not found"
    );
}

#[test]
fn a_search_finds_words_however_they_are_written() {
    let conn = database();
    for title in [
        "Große Straße",
        "Łódź Ørkester",
        "東京音楽会",
        "서울음악회",
        "!!! live ♥",
        "\u{1F3B8} Night",
    ] {
        add(&conn, title, usd(100));
    }
    for (text, found) in [
        ("strasse", "Große Straße"),
        ("GROSSE STRAß", "Große Straße"),
        ("lodz orkester", "Łódź Ørkester"),
        ("łódź", "Łódź Ørkester"),
        ("楽", "東京音楽会"),
        ("会", "東京音楽会"),
        ("音楽", "東京音楽会"),
        ("京音楽会", "東京音楽会"),
        ("東京 会", "東京音楽会"),
        ("音会", ""),
        ("음악", "서울음악회"),
        ("♥", "!!! live ♥"),
        ("\u{1F3B8}", "\u{1F3B8} Night"),
        ("\u{1F3B9}", ""),
        ("!!!", ""),
    ] {
        assert_eq!(titles(&conn, searching(text)).concat(), found, "{text}");
    }
}

/// Returns SQLite's plan for a page after the first, where many listings match each filter.
fn plan(conn: &Tx, query: &ListingQuery) -> Vec<String> {
    let after = SortKey {
        currency: "usd".to_owned(),
        amount: 1,
        begins: 1,
        number: 1,
    };
    let search = WordsByPrefix::default().search_expression(conn, &query.terms).unwrap();
    let filters = filters(query, search, NOW);
    let none_sorted = ScanLimits {
        sorted: 0,
        ..SCAN_LIMITS
    };
    let access = Access::choose(conn, query.sort, &filters, Some(&after), none_sorted).unwrap();
    let statement = Statement::new(
        query.sort,
        &filters,
        &access,
        1,
        Some(&after),
        Limit::default(),
        none_sorted,
    );
    db::query_plan(conn, &statement.sql).unwrap()
}

#[test]
fn every_list_uses_an_index() {
    let conn = database();
    add(&conn, "Concert", usd(5));
    for sort in SORTS {
        let all = sorted(sort);
        for query in [
            all.clone(),
            ListingQuery {
                seller: Some(UserId::new(NOW)),
                ..all.clone()
            },
            ListingQuery {
                currency: "usd".parse().ok(),
                min_price: Some(1),
                max_price: Some(9),
                ..all.clone()
            },
            ListingQuery {
                starts_after: Some(NOW),
                starts_before: Some(NOW),
                ..all.clone()
            },
            ListingQuery {
                available: true,
                ..all.clone()
            },
            ListingQuery {
                terms: "rock".parse().unwrap(),
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
                    .all(|line| line.contains(" INDEX ") || line.contains("PRIMARY KEY") || *line == "SCAN w"),
                "{query:?} {plan:#?}"
            );
            // The few listings changed since the first page may be sorted separately, and so may a search by terms.
            if query.terms.is_empty()
                && query.seller.is_none()
                && query.currency.is_none()
                && query.starts_after.is_none()
            {
                let sorts = plan.iter().filter(|line| line.contains("TEMP B-TREE")).count();
                assert!(sorts <= usize::from(sort.is_mutable()), "{query:?} {plan:#?}");
            }
        }
    }
}

#[test]
fn the_newest_matches_are_found_without_sorting_all_matches() {
    let plan = plan(&database(), &searching("rock"));
    assert!(!plan.iter().any(|line| line.contains("TEMP B-TREE")), "{plan:#?}");
}

/// A market of many listings: the older ones have begun, the newer ones are sold out, and some are rare.
fn large_market(listings: u32) -> Tx {
    let conn = database();
    let usual = add(&conn, "Concert", usd(1));
    conn.execute(
        "INSERT INTO listing (number, id, seller_id, title, description, starts_at, currency, amount, wanted, version,
             created_at, updated_at, placed)
         WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
         SELECT i, printf('00000000-0000-7000-8000-%012d', i),
             iif(i % 3 = 0, ?2, printf('00000000-0000-7000-9000-%012d', i / 50)),
             'Concert' || iif(i % 30 = 1, ', jazz', '') || iif(i % 5000 = 11, ', rare', ''),
             iif(i % 4 = 0, NULL, printf('The genre%d of the evening is %s', i % 20, ?4)),
             CASE WHEN i % 10 = 0 THEN NULL WHEN i < ?1 / 2 THEN ?3 - i ELSE ?3 + (i * 7919) % ?1 + 1 END,
             CASE WHEN i % 5000 = 7 THEN 'isk' WHEN i % 2 = 0 THEN 'eur' ELSE 'usd' END,
             50 + (i * 7877) % ?1, 5, 1, 0, 0, i
         FROM n",
        (
            listings,
            usual.seller_id(),
            NOW,
            "the subject of these words ".repeat(10),
        ),
    )
    .unwrap();
    conn.execute(
        "INSERT INTO stock (ticket_id, held, sold) SELECT id, 0, 5 FROM listing WHERE number > ?1 * 6 / 10",
        [listings],
    )
    .unwrap();
    conn
}

/// Returns every combination of filters and sort orders.
fn all_queries(seller: UserId, listings: u32) -> Vec<ListingQuery> {
    let after = |millis: u32| Some(NOW + Duration::from_millis(millis.into()));
    let prices = [
        (None, None, None),
        (Some("usd"), None, None),
        (Some("isk"), None, None),
        (Some("chf"), None, None),
        (Some("eur"), Some(100), Some(120)),
        (Some("eur"), Some(100), None),
    ];
    let starts = [
        (None, None),
        (after(0), None),
        (after(listings / 2), after(listings / 2 + 20)),
        (None, Some(NOW)),
    ];
    let mut all = Vec::new();
    for sort in SORTS {
        for words in ["", "conc genr", "jazz", "rare"] {
            for seller in [None, Some(seller), Some(UserId::new(NOW))] {
                for (currency, min_price, max_price) in prices {
                    for (starts_after, starts_before) in starts {
                        for available in [false, true] {
                            all.push(ListingQuery {
                                terms: words.parse().unwrap(),
                                seller,
                                currency: currency.map(|code| code.parse().unwrap()),
                                min_price,
                                max_price,
                                starts_after,
                                starts_before,
                                available,
                                sort,
                                ..ListingQuery::default()
                            });
                        }
                    }
                }
            }
        }
    }
    all
}

#[test]
fn listings_of_a_rare_filter_are_found_at_once_among_many_with_the_words() {
    let conn = large_market(10_000);
    let seller = "SELECT seller_id FROM listing WHERE number = 4";
    let seller: UserId = conn.query_row(seller, [], |row| row.get(0)).unwrap();
    for sort in SORTS {
        let query = ListingQuery {
            terms: "conc".parse().unwrap(),
            seller: Some(seller),
            ..sorted(sort)
        };
        let (found, next) = page_within(SCAN_LIMITS, &conn, query, None, Limit::MAX, NOW)
            .unwrap()
            .into_parts(Limit::MAX);
        assert_eq!((found.len(), next), (32, None), "{sort:?}");
    }
}

#[test]
fn a_page_ends_where_enough_texts_were_searched() {
    let conn = large_market(300);
    let few_texts = ScanLimits {
        matched: 0,
        text: 2000,
        ..SCAN_LIMITS
    };
    let query = ListingQuery {
        terms: "conc".parse().unwrap(),
        ..sorted(ListingSort::Price)
    };
    let page = page_within(few_texts, &conn, query, None, Limit::MAX, NOW).unwrap();
    let (found, next) = page.into_parts(Limit::MAX);
    assert!(
        (1..20).contains(&found.len()) && next.is_some(),
        "{} found",
        found.len()
    );
}

#[test]
fn former_places_are_searched_for_words_once() {
    let conn = database();
    add(&conn, "Concert", usd(5));
    let query = ListingQuery {
        terms: "conc".parse().unwrap(),
        ..sorted(ListingSort::Price)
    };
    let plan = plan(&conn, &query);
    assert!(plan.iter().any(|line| line.starts_with("LIST SUBQUERY")), "{plan:#?}");
}

/// Returns the instructions of SQLite's virtual machine that a page takes, in hundreds.
fn cost(conn: &Tx, read: impl FnOnce()) -> u32 {
    let count = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&count);
    let count_up = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        false
    };
    conn.progress_handler(100, Some(count_up)).unwrap();
    read();
    conn.progress_handler(0, None::<fn() -> bool>).unwrap();
    count.load(Ordering::Relaxed)
}

#[test]
fn no_page_reads_more_than_a_bounded_number_of_listings() {
    const LISTINGS: u32 = 40_000;
    let conn = large_market(LISTINGS);
    let seller: UserId = conn
        .query_row("SELECT seller_id FROM listing WHERE number = 3", [], |row| row.get(0))
        .unwrap();
    for query in all_queries(seller, LISTINGS) {
        let (mut position, mut pages) = (None, 0);
        loop {
            let mut next = None;
            let cost = cost(&conn, || {
                let page = page_within(SCAN_LIMITS, &conn, query.clone(), position.as_ref(), Limit::MAX, NOW).unwrap();
                next = page.into_parts(Limit::MAX).1;
            });
            assert!(cost < 4000, "{cost} hundred instructions for page {pages} of {query:?}");
            position = next;
            pages += 1;
            // All of them would take long.
            if position.is_none() || pages == 10 {
                break;
            }
        }
    }
}

/// `cargo test --release -p ticket --lib of_a_million -- --ignored --nocapture`: about two minutes, and 1 GB of memory.
#[test]
#[ignore = "measures how long pages take"]
fn pages_of_a_million_listings() {
    const LISTINGS: u32 = 1_000_000;
    let conn = large_market(LISTINGS);
    let seller: UserId = conn
        .query_row("SELECT seller_id FROM listing WHERE number = 3", [], |row| row.get(0))
        .unwrap();
    let mut measured = Vec::new();
    for query in all_queries(seller, LISTINGS) {
        let mut position = None;
        for page in 0..5 {
            let began = std::time::Instant::now();
            let found = page_within(
                SCAN_LIMITS,
                &conn,
                query.clone(),
                position.as_ref(),
                Limit::default(),
                NOW,
            )
            .unwrap();
            let time = began.elapsed();
            let (listings, next) = found.into_parts(Limit::default());
            measured.push((time, page, listings.len(), query.clone()));
            position = next;
            if position.is_none() {
                break;
            }
        }
    }
    measured.sort_by_key(|(time, ..)| *time);
    let at = |percent: usize| measured[(measured.len() - 1) * percent / 100].0;
    println!(
        "{} pages: p50 {:?}, p99 {:?}, max {:?}",
        measured.len(),
        at(50),
        at(99),
        at(100)
    );
    for (time, page, listings, query) in measured.iter().rev().take(5) {
        println!("{time:?} for {listings} listings, page {page} of {query:?}");
    }
}

#[test]
fn pages_that_end_early_lead_to_all_matches_in_order() {
    const LISTINGS: u32 = 300;
    const FEW: ScanLimits = ScanLimits {
        scanned: 40,
        sorted: 20,
        matched: 5,
        text: 200,
    };
    const ALL: ScanLimits = ScanLimits {
        scanned: LISTINGS,
        sorted: 0,
        matched: LISTINGS,
        text: usize::MAX,
    };
    let conn = large_market(LISTINGS);
    let seller: UserId = conn
        .query_row("SELECT seller_id FROM listing WHERE number = 3", [], |row| row.get(0))
        .unwrap();
    let ids = |page: ListingPage| {
        let (listings, next) = page.into_parts(limit(100));
        (listings.iter().map(Listing::id).collect::<Vec<_>>(), next)
    };
    let read = |limits, query: &ListingQuery| {
        let (mut all, mut position, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = page_within(limits, &conn, query.clone(), position.as_ref(), limit(100), NOW).unwrap();
            let (more, next) = ids(page);
            all.extend(more);
            pages += 1;
            position = next;
            if position.is_none() {
                break (all, pages);
            }
        }
    };
    let mut short = 0;
    for query in all_queries(seller, LISTINGS) {
        let ((expected, full), (found, pages)) = (read(ALL, &query), read(FEW, &query));
        assert_eq!(found, expected, "{query:?}");
        short += pages - full;
    }
    assert!(short > 500, "{short} pages ended early");
}

#[test]
fn a_cursor_serves_its_own_query_for_a_day() {
    let conn = database();
    for number in 0..3 {
        add(&conn, "Concert", usd(100 + number));
    }
    let found = page_within(SCAN_LIMITS, &conn, sorted(ListingSort::Price), None, limit(1), NOW).unwrap();
    let position = found.into_parts(limit(1)).1.unwrap();
    let check = |query: ListingQuery, now| query.check_position(&position, now);
    assert_eq!(check(sorted(ListingSort::Newest), NOW), Err(CannotResume::OtherQuery));
    let available = ListingQuery {
        available: true,
        ..sorted(ListingSort::Price)
    };
    assert_eq!(check(available, NOW), Err(CannotResume::OtherQuery));
    let tomorrow = NOW + CURSOR_LIFETIME;
    assert_eq!(check(sorted(ListingSort::Price), tomorrow), Ok(()));
    assert_eq!(
        check(sorted(ListingSort::Price), tomorrow + Duration::from_millis(1)),
        Err(CannotResume::Expired)
    );
}

#[test]
fn former_places_are_purged_when_no_cursor_can_need_them() {
    let conn = database();
    let mut listing = add(&conn, "Concert", usd(100));
    let mut reprice = |price, now| {
        listing.change(offer("Concert", usd(price), None), now).unwrap();
        store::update(&conn, &listing).unwrap();
        conn.query_row("SELECT count(*) FROM former_place", [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    assert_eq!(reprice(200, NOW), 1);
    assert_eq!(reprice(300, NOW + CURSOR_LIFETIME), 2);
    assert_eq!(reprice(400, NOW + CURSOR_LIFETIME + Duration::from_millis(1)), 2);
}

/// A change of the list between two pages.
#[derive(Clone, Debug)]
enum Change {
    List { price: i64, start: Option<u64> },
    Reprice { which: Index, price: i64 },
    Move { which: Index, start: Option<u64> },
    Rename { which: Index },
    Withdraw { which: Index },
}

fn any_price() -> impl Strategy<Value = i64> {
    prop_oneof![Just(100), Just(200), Just(300)]
}

fn any_start() -> impl Strategy<Value = Option<u64>> {
    proptest::option::of(1..4_u64)
}

fn any_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        2 => (any_price(), any_start()).prop_map(|(price, start)| Change::List { price, start }),
        3 => (any::<Index>(), any_price()).prop_map(|(which, price)| Change::Reprice { which, price }),
        3 => (any::<Index>(), any_start()).prop_map(|(which, start)| Change::Move { which, start }),
        1 => any::<Index>().prop_map(|which| Change::Rename { which }),
        1 => any::<Index>().prop_map(|which| Change::Withdraw { which }),
    ]
}

fn any_query() -> impl Strategy<Value = ListingQuery> {
    let sort = prop_oneof![
        Just(ListingSort::Newest),
        Just(ListingSort::Oldest),
        Just(ListingSort::Price),
        Just(ListingSort::PriceDescending),
        Just(ListingSort::StartsAt)
    ];
    let words = prop_oneof![2 => Just(""), 1 => Just("concert")];
    let query = (sort, words, proptest::option::of(any_price()), any_start());
    query.prop_map(|(sort, words, max_price, start)| ListingQuery {
        terms: words.parse().unwrap(),
        currency: max_price.and_then(|_| "usd".parse().ok()),
        max_price,
        starts_after: start.map(|seconds| NOW + Duration::from_secs(seconds)),
        sort,
        ..ListingQuery::default()
    })
}

type Edit = Box<dyn Fn(&mut ListingState)>;

/// Replaces some of a listing's state.
fn edit(listing: &mut Listing, change: impl FnOnce(&mut ListingState)) {
    let mut state = listing.state().clone();
    change(&mut state);
    *listing = Listing::from_state(state);
}

/// Listings, and the database that holds them.
struct Market {
    conn: Tx,
    listings: Vec<Listing>,
}

impl Market {
    fn apply(&mut self, change: &Change) {
        let start = |seconds: Option<u64>| seconds.map(|seconds| NOW + Duration::from_secs(seconds));
        let (which, change): (&Index, Edit) = match *change {
            Change::List { price, start: seconds } => {
                let mut concert = offer("Concert", usd(price), None);
                concert.terms.starts_at = start(seconds);
                let listing = Listing::create(UserId::new(NOW), concert, NOW).unwrap();
                store::insert(&self.conn, &listing).unwrap();
                self.listings.push(listing);
                return;
            }
            Change::Reprice { ref which, price } => (which, Box::new(move |state| state.terms.price = usd(price))),
            Change::Move { ref which, start: to } => (which, Box::new(move |state| state.terms.starts_at = start(to))),
            Change::Rename { ref which } => (
                which,
                Box::new(|state| state.terms.title = ShortText::parse("Recital").unwrap()),
            ),
            Change::Withdraw { ref which } => (which, Box::new(|state| state.withdrawn_at = Some(NOW))),
        };
        if !self.listings.is_empty() {
            let listing = which.get_mut(&mut self.listings);
            edit(listing, |state| {
                change(state);
                state.version = 9;
            });
            store::update(&self.conn, listing).unwrap();
        }
    }

    fn matching(&self, query: &ListingQuery) -> HashSet<values::TicketId> {
        let matches = |listing: &&Listing| {
            let terms = &listing.state().terms;
            !listing.is_withdrawn()
                && query.max_price.is_none_or(|max| terms.price.amount <= max)
                && query
                    .starts_after
                    .is_none_or(|after| terms.starts_at.is_some_and(|start| start >= after))
                && (query.terms.is_empty() || terms.title.as_str() == "Concert")
        };
        self.listings.iter().filter(matches).map(Listing::id).collect()
    }

    /// Returns the current sort key of each listing, ascending in the order of the list.
    fn sort_keys(&self, sort: ListingSort) -> BTreeMap<values::TicketId, i64> {
        let key = |listing: &Listing, number: usize| match sort {
            ListingSort::Newest => -i64::try_from(number).unwrap(),
            ListingSort::Oldest => i64::try_from(number).unwrap(),
            ListingSort::Price => listing.state().terms.price.amount,
            ListingSort::PriceDescending => -listing.state().terms.price.amount,
            ListingSort::StartsAt => listing.state().terms.starts_at.map_or(i64::MAX, Timestamp::millis),
        };
        self.listings
            .iter()
            .enumerate()
            .map(|(number, listing)| (listing.id(), key(listing, number)))
            .collect()
    }
}

proptest! {
    #[test]
    fn pages_neither_repeat_nor_skip_whatever_changes_in_between(
        listed in proptest::collection::vec((any_price(), any_start()), 0..25),
        changes in proptest::collection::vec(proptest::collection::vec(any_change(), 0..6), 30),
        query in any_query(),
        items in 1..6_usize,
        (scanned, sorted, matched, text) in (1..9_u32, 0..9_u32, 0..9_u32, 0..99_usize),
    ) {
        let scan_limits = ScanLimits { scanned, sorted, matched, text };
        let mut market = Market { conn: database(), listings: Vec::new() };
        for (price, start) in listed {
            market.apply(&Change::List { price, start });
        }
        let mut changes = changes.into_iter();
        // Some listings changed before the first page.
        for change in changes.next().unwrap() {
            market.apply(&change);
        }
        let sort_keys = market.sort_keys(query.sort);
        let mut matching_throughout = market.matching(&query);
        let mut seen = Vec::new();
        let mut cursor = None;
        loop {
            let scope = CursorScope::new("listTickets", &());
            let position: Option<ListPosition> = scope.position(cursor).unwrap();
            if let Some(position) = &position {
                query.check_position(position, NOW).unwrap();
            }
            let found =
                page_within(scan_limits, &market.conn, query.clone(), position.as_ref(), limit(items), NOW).unwrap();
            let (listings, next) = found.into_parts(limit(items));
            seen.extend(listings.iter().map(Listing::id));
            let Some(next) = next else { break };
            let sent = scope.cursor(next);
            cursor = Some(sent.parse::<Cursor<ListPosition>>().unwrap());
            for change in changes.next().unwrap_or_default() {
                market.apply(&change);
                matching_throughout = &matching_throughout & &market.matching(&query);
            }
        }
        let once: BTreeSet<_> = seen.iter().copied().collect();
        prop_assert_eq!(once.len(), seen.len(), "repeated");
        prop_assert!(matching_throughout.iter().all(|id| once.contains(id)), "skipped");
        let keys: Vec<_> = seen.iter().filter_map(|id| sort_keys.get(id)).collect();
        prop_assert!(keys.is_sorted(), "out of order: {:?}", keys);
        for invariant in store::INVARIANTS {
            let broken = invariant.is_violated(&market.conn).unwrap();
            prop_assert!(!broken, "{}", invariant.name);
        }
    }

    #[test]
    fn no_search_text_breaks_the_search(text in "\\PC{0,40}|[\\x00-\\x7f]{0,40}|[\"*^:+(){} -]{0,20}(AND|OR|NOT|NEAR)?\\PC{0,9}") {
        let conn = database();
        add(&conn, "Concert", usd(100));
        if let Ok(terms) = text.parse::<SearchTerms>() {
            page_within(SCAN_LIMITS, &conn, ListingQuery { terms, ..ListingQuery::default() }, None, Limit::default(), NOW).unwrap();
        }
    }
}
