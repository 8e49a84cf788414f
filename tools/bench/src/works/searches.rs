use std::cell::Cell;

use super::reads::pick;
use crate::{BenchResult, http::Connection, recorder::Recorder, targets::Market};

/// Searches by name and query: every filter and sort, and words.
pub const SEARCHES: [(&str, &str); 11] = [
    ("newest", "limit=20"),
    ("oldest", "limit=20&sort=oldest"),
    ("price", "limit=20&sort=price&currency=usd"),
    ("dearest", "limit=20&sort=-price"),
    ("soonest", "limit=20&sort=startsAt"),
    ("available", "limit=20&available=true"),
    ("currency", "limit=20&currency=eur"),
    ("price range", "limit=20&currency=usd&minPrice=1000&maxPrice=3000"),
    ("starts after", "limit=20&startsAfter=2033-01-01T00%3A00%3A00Z"),
    ("one word", "limit=20&q=orchestra"),
    ("two words", "limit=20&q=night+fest&available=true&sort=oldest"),
];

/// Searches of which no two are the same. `{price}`, `{day}`, `{night}`, `{hall}` and `{seller}` are replaced; every listing
/// has the words `evening`, `orchestra` and `town`, nine of ten have `festival`, one of fifty has a hall, one has a night.
const DISTINCT: [&str; 18] = [
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
    "q=night+{night}",
    "q={night}&sort=startsAt",
    "q=hall+{hall}+orchestra&startsAfter={day}",
    "q=fest&currency=usd&minPrice={price}&sort=price",
    "q=evening+town&startsAfter={day}&sort=startsAt",
    "q=hall+{hall}&currency=eur&minPrice={price}&available=true",
    "q=n+e&currency=usd&maxPrice={price}&sort=oldest",
    "q=orchestra+hall+{hall}&seller={seller}&startsBefore={day}",
];

/// The searches of which the second page is requested, too.
const SECOND_PAGES: u64 = 400;

/// Measures searches that no cache has: 8 clients, each with another search, a twentieth of them second pages.
///
/// # Errors
///
/// That of the load.
pub(super) async fn measure_distinct_searches(recorder: &mut Recorder, market: &Market) -> BenchResult<()> {
    let mut connection = Connection::open(market.addr).await?;
    let newest = connection
        .send_for_json(&market.get("/api/v1/tickets?limit=1"), 200)
        .await?;
    let seller = newest["items"][0]["sellerId"].as_str().ok_or("no seller")?;
    let request = |search: &str| market.get(&format!("/api/v1/tickets?limit=20&{search}"));
    let mut second_pages = Vec::new();
    for number in 0..SECOND_PAGES {
        let search = distinct_search(number, seller);
        let first = connection.send_for_json(&request(&search), 200).await?;
        if let Some(cursor) = first["nextCursor"].as_str() {
            second_pages.push(request(&format!("{search}&cursor={cursor}")));
        }
    }
    // Numbers go on in the next round.
    let next = Cell::new(SECOND_PAGES);
    for _ in 0..recorder.plan.repetitions {
        let search = |_| {
            let number = next.replace(next.get() + 1);
            if number.is_multiple_of(20) && !second_pages.is_empty() {
                pick(&second_pages, number / 20)
            } else {
                request(&distinct_search(number, seller))
            }
        };
        recorder
            .closed_round("search.distinct.8", market.addr, &market.watched, 8, 200, search)
            .await?;
    }
    Ok(())
}

/// Returns the query of the search with a number.
fn distinct_search(number: u64, seller: &str) -> String {
    let kinds = u64::try_from(DISTINCT.len()).unwrap_or(1);
    // Spreads consecutive searches of one kind over all values.
    let value = (number / kinds).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let (year, month, day) = (2032 + value % 3, 1 + value / 3 % 12, 1 + value / 36 % 28);
    let (hour, minute, second) = (value / 7 % 24, value / 11 % 60, value / 13 % 60);
    let kind = DISTINCT[usize::try_from(number % kinds).unwrap_or_default()];
    kind.replace("{price}", &(500 + value % 9000).to_string())
        .replace(
            "{day}",
            &format!("{year}-{month:02}-{day:02}T{hour:02}%3A{minute:02}%3A{second:02}Z"),
        )
        .replace("{night}", &(1 + value % 1_000_000).to_string())
        .replace("{hall}", &(value % 50).to_string())
        .replace("{seller}", seller)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn hardly_any_search_is_repeated() {
        let searches: HashSet<_> = (0..20_000).map(|number| distinct_search(number, "me")).collect();
        assert!(searches.len() > 19_000, "{}", searches.len());
    }
}
