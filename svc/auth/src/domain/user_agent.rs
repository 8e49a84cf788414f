/// The length limit of a description, in characters.
const MAX_CHARS: usize = 60;

/// Browsers, by what only they and those before them in this list send. All of them claim to be others as well.
const BROWSERS: &[(&str, &str)] = &[
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// Systems, by what only they and those before them in this list send.
const SYSTEMS: &[(&str, &str)] = &[
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

/// Describes a browser or program by its `User-Agent`: "Firefox, Linux", or the name of its product. `None` if that states
/// nothing that can be shown. The versions are left out: a browser that was updated is the same device.
pub(crate) fn describe_user_agent(sent: &str) -> Option<String> {
    let find = |known: &[(&str, &'static str)]| {
        let found = known.iter().find(|(sign, _)| sent.contains(sign));
        found.map(|(_, name)| *name)
    };
    let is_browser = sent.starts_with("Mozilla/");
    let described = match (find(BROWSERS).filter(|_| is_browser), find(SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser}, {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, _) => {
            let product = sent.split(['/', ' ', '(']).next().unwrap_or_default();
            let shown = product.chars().filter(char::is_ascii_graphic).take(MAX_CHARS);
            shown.collect()
        }
    };
    (!described.is_empty()).then_some(described)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_described_by_browser_and_system() {
        for (sent, described) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
                "Firefox, Linux",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 \
                 Mobile/15E148 Safari/604.1",
                "Safari, iPhone",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 \
                 Safari/537.36 Edg/126.0.0.0",
                "Edge, Windows",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile \
                 Safari/537.36",
                "Chrome, Android",
            ),
            ("curl/8.5.0", "curl"),
            ("python-requests/2.31 (Linux)", "python-requests"),
            ("Mozilla/5.0", "Mozilla"),
        ] {
            assert_eq!(describe_user_agent(sent).as_deref(), Some(described));
        }
        for nothing in ["", " ", "\u{1b}", "/1.0"] {
            assert_eq!(describe_user_agent(nothing), None);
        }
        assert_eq!(describe_user_agent(&"a".repeat(9000)).unwrap().len(), MAX_CHARS);
    }
}
