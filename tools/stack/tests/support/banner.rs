use std::io::{BufRead, BufReader, Read};

/// The names in the banner of `stack dev`: the front door, then the services.
pub(crate) const NAMES: [&str; 7] = [
    "front",
    "auth",
    "ticket",
    "order",
    "expiration",
    "payment",
    "notification",
];

/// Reads the banner that `stack dev` prints when it has started; fewer lines if the process ended before.
pub(crate) fn read_banner(stdout: impl Read) -> Vec<String> {
    let lines = BufReader::new(stdout).lines().map_while(Result::ok);
    lines.take_while(|line| !line.starts_with('╰')).collect()
}

/// Returns the URL of the front door and those of the services, in the order of the banner.
pub(crate) fn urls_of(banner: &[String]) -> Vec<String> {
    let named = banner.iter().filter_map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        let url = words.iter().find(|word| word.starts_with("http://"))?;
        NAMES
            .contains(words.get(1)?)
            .then(|| url.trim_end_matches("/docs").to_owned())
    });
    named.collect()
}
