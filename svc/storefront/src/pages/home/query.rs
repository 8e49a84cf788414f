use std::time::Duration;

use localization::{TimeZone, parse_amount, parse_local_date_time};
use url::form_urlencoded::Serializer;
use values::{Currency, Money, UserId};

use crate::{
    forms::FieldErrors,
    frame::{Failure, Page, Visit},
};

/// The listings on a page.
const PAGE_SIZE: &str = "24";

/// The maximum length of a parameter, in bytes: cursors of the API are the longest.
const MAX_BYTES: usize = 4096;

const DAY: Duration = Duration::from_hours(24);

/// How far the clocks of a zone are ahead of UTC, and behind it. Pages show an event with the date of its zone: a search for dates
/// finds the events of all zones on them, and with them some of the hours before and after.
const MAX_AHEAD: Duration = Duration::from_hours(14);
const MAX_BEHIND: Duration = Duration::from_hours(12);

/// The orders of the list, as the API names them.
const SORTS: [&str; 5] = ["startsAt", "newest", "price", "-price", "oldest"];

/// What a person searches for, as entered.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct HomeQuery {
    pub(crate) q: String,
    pub(crate) currency: String,
    /// In the currency, as people write it.
    pub(crate) min_price: String,
    pub(crate) max_price: String,
    /// Dates: `2027-06-01`.
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) available: bool,
    pub(crate) sort: String,
    pub(crate) seller: String,
    cursor: String,
}

impl HomeQuery {
    /// Reads the query of a visit.
    pub(crate) fn parse(visit: &Visit) -> Result<Self, Failure> {
        let text = |name: &str| visit.query(name).unwrap_or_default().trim().to_owned();
        let sort = visit.query("sort").filter(|sort| SORTS.contains(&sort.as_str()));
        let query = Self {
            q: text("q"),
            currency: text("currency").to_lowercase(),
            min_price: text("min"),
            max_price: text("max"),
            from: text("from"),
            to: text("to"),
            available: visit.query("available").is_some(),
            sort: sort.unwrap_or_else(|| "newest".to_owned()),
            seller: text("seller"),
            cursor: text("cursor"),
        };
        let is_short = query.pairs().iter().all(|(_, value)| value.len() <= MAX_BYTES);
        if is_short { Ok(query) } else { Err(Failure::Malformed) }
    }

    /// Returns the parameters that differ from the defaults, as the page has them.
    fn pairs(&self) -> Vec<(&'static str, &str)> {
        let sort = if self.sort == "newest" { "" } else { &self.sort };
        let available = if self.available { "true" } else { "" };
        let all = [
            ("q", self.q.as_str()),
            ("currency", &self.currency),
            ("min", &self.min_price),
            ("max", &self.max_price),
            ("from", &self.from),
            ("to", &self.to),
            ("available", available),
            ("sort", sort),
            ("seller", &self.seller),
            ("cursor", &self.cursor),
        ];
        all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }

    /// Returns what identifies the page.
    pub(crate) fn key(&self) -> String {
        Serializer::new(String::new()).extend_pairs(self.pairs()).finish()
    }

    /// Whether it is the home page without a search.
    pub(crate) fn is_plain(&self) -> bool {
        self.pairs().is_empty()
    }

    /// Whether it filters beside the words.
    pub(crate) fn has_filters(&self) -> bool {
        let is_filter = |name: &str| !["q", "cursor"].contains(&name);
        self.pairs().iter().any(|(name, _)| is_filter(name))
    }

    pub(crate) fn is_first_page(&self) -> bool {
        self.cursor.is_empty()
    }

    /// Returns the path of this page.
    pub(crate) fn path(&self) -> String {
        if self.is_plain() {
            "/".to_owned()
        } else {
            format!("/?{}", self.key())
        }
    }

    /// Returns the path of the page after a cursor.
    pub(crate) fn path_at(&self, cursor: &str) -> String {
        let cursor = cursor.to_owned();
        Self { cursor, ..self.clone() }.path()
    }

    /// Returns the path of the first page.
    pub(crate) fn first_path(&self) -> String {
        self.path_at("")
    }

    pub(crate) fn cursor(&self) -> Option<&str> {
        (!self.cursor.is_empty()).then_some(self.cursor.as_str())
    }

    /// Returns the query of the API without the cursor, unless an entry has an error.
    pub(crate) fn to_api(&self, page: &Page, errors: &mut FieldErrors) -> Option<String> {
        let mut query = Serializer::new(String::new());
        query.append_pair("limit", PAGE_SIZE).append_pair("sort", &self.sort);
        let currency = self.currency.parse::<Currency>().ok();
        if !self.currency.is_empty() && currency.is_none() {
            errors.add("currency", page.text("search-currency-unknown"));
        }
        for (field, name, text) in [
            ("min", "minPrice", &self.min_price),
            ("max", "maxPrice", &self.max_price),
        ] {
            match (text.as_str(), currency) {
                ("", _) => {}
                (_, None) => errors.add("currency", page.text("search-currency-needed")),
                (text, Some(currency)) => match parse_amount(text, currency) {
                    Ok(Money { amount, .. }) => {
                        query.append_pair(name, &amount.to_string());
                    }
                    Err(_) => errors.add(field, page.text("search-price-malformed")),
                },
            }
        }
        let begin = |date: &str| parse_local_date_time(&format!("{date}T00:00"), &TimeZone::UTC);
        let starts_after = begin(&self.from).map(|at| at - MAX_AHEAD);
        let starts_before = begin(&self.to).map(|at| at + DAY + MAX_BEHIND);
        for (field, name, date, at) in [
            ("from", "startsAfter", &self.from, starts_after),
            ("to", "startsBefore", &self.to, starts_before),
        ] {
            if date.is_empty() {
                continue;
            }
            match at {
                Some(at) => {
                    query.append_pair(name, &at.to_string());
                }
                None => errors.add(field, page.text("search-date-malformed")),
            }
        }
        if !self.seller.is_empty() && self.seller.parse::<UserId>().is_err() {
            errors.add("q", page.text("search-not-understood"));
        }
        for (name, value) in [
            ("q", self.q.as_str()),
            ("currency", &self.currency),
            ("seller", &self.seller),
            ("available", if self.available { "true" } else { "" }),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        errors.is_empty().then(|| query.finish())
    }
}
