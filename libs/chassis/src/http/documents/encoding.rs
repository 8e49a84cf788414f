use poem::http::{HeaderMap, header};

/// The weight of a coding without one, in thousandths.
const FULL: u16 = 1000;

/// Whether a client accepts gzip, and does not prefer the plain bytes (RFC 9110, 12.5.3).
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter();
    let codings: Vec<_> = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(coding)
        .collect();
    let of = |wanted: &str| {
        codings
            .iter()
            .find(|(name, _)| name == wanted)
            .map(|(_, weight)| *weight)
    };
    let gzip = of("gzip").or_else(|| of("x-gzip")).or_else(|| of("*")).unwrap_or(0);
    // Without a weight of its own, plain bytes are acceptable but not preferred.
    let plain = of("identity").unwrap_or(0);
    gzip > 0 && gzip >= plain
}

/// Returns a coding and its weight; `None` if the weight is malformed.
fn coding(text: &str) -> Option<(String, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    let weight = parts.find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        key.trim().eq_ignore_ascii_case("q").then(|| value.trim())
    });
    let weight = match weight {
        Some(weight) => thousandths(weight)?,
        None => FULL,
    };
    Some((name, weight))
}

/// Parses a weight: 0 to 1, with three decimals at most.
fn thousandths(weight: &str) -> Option<u16> {
    let (whole, decimals) = weight.split_once('.').unwrap_or((weight, ""));
    let is_number = decimals.bytes().all(|digit| digit.is_ascii_digit()) && decimals.len() <= 3;
    if !is_number || !["0", "1"].contains(&whole) {
        return None;
    }
    let decimals: u16 = format!("{decimals:0<3}").parse().ok()?;
    let weight = if whole == "1" { FULL + decimals } else { decimals };
    (weight <= FULL).then_some(weight)
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderValue;

    use super::*;

    #[test]
    fn gzip_is_sent_only_to_clients_that_accept_it() {
        for (value, accepted) in [
            ("gzip", true),
            ("deflate, GZIP;q=0.5", true),
            ("br, *", true),
            ("gzip;q=0", false),
            ("gzip; q=0.000, *", false),
            ("*;q=0", false),
            ("br", false),
            ("", false),
            ("gzip;q=0.5, identity", false),
            ("identity;q=0.4, gzip;q=0.5", true),
            ("identity;q=0.5, *;q=0.25", false),
            ("gzip;q=0.001", true),
            ("gzip;q=1.000", true),
            ("gzip;q=1.001", false),
            ("gzip;q=0.0001", false),
            ("gzip;q=high", false),
            ("identity;q=0, gzip;q=0.1", true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            assert_eq!(accepts_gzip(&headers), accepted, "{value}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}
