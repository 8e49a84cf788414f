use prometheus_client::registry::Unit;

/// A name as it is scraped, taken apart as the registry wants it: `…_seconds` has a unit, and a counter's `_total` is
/// added by its kind.
pub(crate) fn parts(name: &str) -> (&str, Option<Unit>) {
    let name = name.strip_suffix("_total").unwrap_or(name);
    if let Some(rest) = name.strip_suffix("_seconds") {
        (rest, Some(Unit::Seconds))
    } else if let Some(rest) = name.strip_suffix("_bytes") {
        (rest, Some(Unit::Bytes))
    } else {
        (name, None)
    }
}
