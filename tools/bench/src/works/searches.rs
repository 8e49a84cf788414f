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
