use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
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

fn titles(conn: &Tx, query: ListingQuery) -> Vec<String> {
    let found = listing_page(conn, query, None, Limit::MAX, NOW).unwrap();
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
        listing_page(&conn, query, None, Limit::MAX, now)
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
        ("\"- *", 2),
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

/// Returns SQLite's plan for a page after the first.
fn plan(conn: &Tx, query: &ListingQuery) -> Vec<String> {
    let after = SortKey {
        currency: "usd".to_owned(),
        amount: 1,
        begins: 1,
        number: 1,
    };
    let statement = Statement::new(query, 1, Some(after), Limit::default(), NOW);
    let mut explain = conn.prepare(&format!("EXPLAIN QUERY PLAN {}", statement.sql)).unwrap();
    let lines = explain
        .query_map(&*statement.parameters(), |row| row.get("detail"))
        .unwrap();
    lines.collect::<Result<_, _>>().unwrap()
}

#[test]
fn every_list_uses_an_index() {
    let conn = database();
    for sort in [
        ListingSort::Newest,
        ListingSort::Oldest,
        ListingSort::Price,
        ListingSort::PriceDescending,
        ListingSort::StartsAt,
    ] {
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
                    .all(|line| line.contains(" INDEX ") || line.contains("PRIMARY KEY")),
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

#[test]
fn a_cursor_serves_its_own_query_for_a_day() {
    let conn = database();
    for number in 0..3 {
        add(&conn, "Concert", usd(100 + number));
    }
    let found = listing_page(&conn, sorted(ListingSort::Price), None, limit(1), NOW).unwrap();
    let position = found.position_after()(&found.listings[0]);
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
    (sort, words, proptest::option::of(any_price())).prop_map(|(sort, words, max_price)| ListingQuery {
        terms: words.parse().unwrap(),
        currency: max_price.and_then(|_| "usd".parse().ok()),
        max_price,
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
    ) {
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
            let found = listing_page(&market.conn, query.clone(), position, limit(items), NOW).unwrap();
            let position = found.position_after();
            let more = found.listings.len() > items;
            seen.extend(found.listings.iter().take(items).map(|listed| listed.listing.id()));
            if !more {
                break;
            }
            let sent = scope.cursor(position(&found.listings[items - 1]));
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
            let broken = market.conn.prepare(invariant.sql).unwrap().exists([]).unwrap();
            prop_assert!(!broken, "{}", invariant.name);
        }
    }

    #[test]
    fn no_search_text_breaks_the_search(text in "\\PC{0,40}|[\\x00-\\x7f]{0,40}|[\"*^:+(){} -]{0,20}(AND|OR|NOT|NEAR)?\\PC{0,9}") {
        let conn = database();
        add(&conn, "Concert", usd(100));
        if let Ok(terms) = text.parse::<SearchTerms>() {
            listing_page(&conn, ListingQuery { terms, ..ListingQuery::default() }, None, Limit::default(), NOW).unwrap();
        }
    }
}
