use std::{cell::Cell, time::Duration};

use futures_util::future::try_join;

use super::{reads::pick, size_curve::one_client};
use crate::{
    BenchResult,
    http::Connection,
    load::{OpenLoop, Schedule, run_open},
    recorder::Recorder,
    targets::Market,
};

/// Searches that are repeated: every filter and sort, and words.
pub const SEARCHES: [&str; 11] = [
    "limit=20",
    "limit=20&sort=oldest",
    "limit=20&sort=price&currency=usd",
    "limit=20&sort=-price",
    "limit=20&sort=startsAt",
    "limit=20&available=true",
    "limit=20&currency=eur",
    "limit=20&currency=usd&minPrice=1000&maxPrice=3000",
    "limit=20&startsAfter=2033-01-01T00%3A00%3A00Z",
    "limit=20&q=orchestra",
    "limit=20&q=night+fest&available=true&sort=oldest",
];

/// Kinds of searches of which no two are the same, without words. `{price}`, `{day}` and `{seller}` are replaced.
const FILTERS: [&str; 11] = [
    "currency=usd&minPrice={price}",
    "currency=eur&maxPrice={price}&sort=oldest",
    "currency=usd&minPrice={price}&sort=price",
    "currency=eur&maxPrice={price}&sort=-price&available=true",
    "startsAfter={day}",
    "startsBefore={day}&sort=oldest",
    "startsAfter={day}&sort=startsAt&available=true",
    "startsAfter={day}&currency=eur&sort=price",
    "seller={seller}&currency=usd&minPrice={price}",
    "seller={seller}&startsAfter={day}&sort=startsAt",
    "currency=usd&minPrice={price}&limit=100",
];

/// The same with words. `{night}` and `{hall}` are replaced, too; every listing has the words `evening`, `orchestra` and
/// `town`, nine of ten have `festival`, one of fifty has a hall, one has a night.
const WORDS: [&str; 11] = [
    "q=night+{night}",
    "q={night}&sort=startsAt",
    "q=hall+{hall}+orchestra&startsAfter={day}",
    "q=fest&currency=usd&minPrice={price}&sort=price",
    "q=evening+town&startsAfter={day}&sort=startsAt",
    "q=hall+{hall}&currency=eur&minPrice={price}&available=true",
    "q=n+e&currency=usd&maxPrice={price}&sort=oldest",
    "q=orchestra+hall+{hall}&seller={seller}&startsBefore={day}",
    "q=%22hall+{hall}%22&currency=usd&minPrice={price}",
    "q=%22of+the+town%22&startsAfter={day}&sort=price",
    "q=orchestra&startsAfter={day}&limit=100",
];

/// The searches of which the second page is requested, too.
const SECOND_PAGES: u64 = 400;

/// The new listings per second beside searches.
const NEW_LISTINGS_PER_SECOND: u32 = 20;

/// Measures searches that no cache has: 8 clients, each with another search, a twentieth of them second pages; alone, and
/// while tickets are listed.
///
/// # Errors
///
/// That of the load.
pub(super) async fn measure_unrepeated_searches(recorder: &mut Recorder, market: &Market) -> BenchResult<()> {
    let (kinds, rows) = ([FILTERS, WORDS].concat(), recorder.plan.memory_rows);
    let seller = &seller_of_newest(market).await?;
    let request = |search: &str| market.get(&format!("/api/v1/tickets?{search}"));
    let mut connection = Connection::open(market.addr).await?;
    let mut second_pages = Vec::new();
    for number in 0..SECOND_PAGES {
        let search = search_of(&kinds, number, seller, rows);
        let first = connection.send_for_json(&request(&search), 200).await?;
        if let Some(cursor) = first["nextCursor"].as_str() {
            second_pages.push(request(&format!("{search}&cursor={cursor}")));
        }
    }
    // Numbers go on in the next round.
    let next = Cell::new(SECOND_PAGES);
    let search = |_| {
        let number = next.replace(next.get() + 1);
        if number.is_multiple_of(20) && !second_pages.is_empty() {
            pick(&second_pages, number / 20)
        } else {
            request(&search_of(&kinds, number, seller, rows))
        }
    };
    let before = market.replicas()?;
    let duration = recorder.plan.warm_up + recorder.plan.round;
    for _ in 0..recorder.plan.repetitions {
        recorder
            .closed_round("search.unrepeated.8", market.addr, &market.watched, 8, 200, search)
            .await?;
        let listing = market.new_listing("A night of the festival", 100);
        let new_listings = OpenLoop {
            addr: market.addr,
            schedule: Schedule::new(NEW_LISTINGS_PER_SECOND, duration),
            warm_up: Duration::ZERO,
            connections: 1,
            expected: &[201],
            watched: &market.watched,
        };
        let searches = recorder.closed_round("search.beside-listings.8", market.addr, &market.watched, 8, 200, search);
        try_join(searches, run_open(new_listings, |_| listing.clone())).await?;
    }
    market.wait_until_drained(&before).await
}

/// Measures searches of one client that no cache has. Returns the p99 of each group of kinds in milliseconds, of each
/// repetition.
///
/// # Errors
///
/// That of the load.
pub(super) async fn measure_searches_of_one(
    recorder: &Recorder,
    market: &Market,
    rows: u64,
) -> BenchResult<[(&'static str, Vec<f64>); 2]> {
    let seller = &seller_of_newest(market).await?;
    let mut groups = [("filters", Vec::new()), ("words", Vec::new())];
    for ((_, p99), kinds) in groups.iter_mut().zip([FILTERS, WORDS]) {
        let next = Cell::new(0);
        let search = |_| {
            let search = search_of(&kinds, next.replace(next.get() + 1), seller, rows);
            market.get(&format!("/api/v1/tickets?{search}"))
        };
        *p99 = one_client(recorder, market, 200, search).await?.p99;
    }
    Ok(groups)
}

async fn seller_of_newest(market: &Market) -> BenchResult<String> {
    let mut connection = Connection::open(market.addr).await?;
    let newest = connection
        .send_for_json(&market.get("/api/v1/tickets?limit=1"), 200)
        .await?;
    Ok(newest["items"][0]["sellerId"].as_str().ok_or("no seller")?.to_owned())
}

/// Returns the query of the search with a number, among as many listings as there are rows.
fn search_of(kinds: &[&str], number: u64, seller: &str, rows: u64) -> String {
    let count = u64::try_from(kinds.len()).unwrap_or(1);
    // Spreads consecutive searches of one kind over all values.
    let value = (number / count).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let (year, month, day) = (2032 + value % 3, 1 + value / 3 % 12, 1 + value / 36 % 28);
    let (hour, minute, second) = (value / 7 % 24, value / 11 % 60, value / 13 % 60);
    let kind = kinds[usize::try_from(number % count).unwrap_or_default()];
    kind.replace("{price}", &(500 + value % 9000).to_string())
        .replace(
            "{day}",
            &format!("{year}-{month:02}-{day:02}T{hour:02}%3A{minute:02}%3A{second:02}Z"),
        )
        .replace("{night}", &(1 + value % rows.max(1)).to_string())
        .replace("{hall}", &(value % 50).to_string())
        .replace("{seller}", seller)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn hardly_any_search_is_repeated() {
        for kinds in [FILTERS, WORDS] {
            let searches: HashSet<_> = (0..20_000)
                .map(|number| search_of(&kinds, number, "me", 1_000_000))
                .collect();
            assert!(searches.len() > 19_000, "{}", searches.len());
        }
    }
}
