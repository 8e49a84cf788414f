use prometheus_client::registry::Unit;

/// Splits a metric name into the name and the unit that the registry expects: it appends `_seconds` or `_bytes`, and
/// the `_total` of a counter, itself.
pub(crate) fn split_name(name: &str) -> (&str, Option<Unit>) {
    let name = name.strip_suffix("_total").unwrap_or(name);
    if let Some(rest) = name.strip_suffix("_seconds") {
        (rest, Some(Unit::Seconds))
    } else if let Some(rest) = name.strip_suffix("_bytes") {
        (rest, Some(Unit::Bytes))
    } else {
        (name, None)
    }
}
