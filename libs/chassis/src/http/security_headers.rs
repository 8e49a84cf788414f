use std::fmt::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use poem::http::{HeaderMap, HeaderName, HeaderValue, header};
use sha2::{Digest, Sha256};

/// For responses that are no pages: nothing in them is loaded or run, and no page shows them in a frame.
const NO_CONTENT: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Set in every response, unless it has its own.
const HEADERS: [(HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    (header::CONTENT_SECURITY_POLICY, NO_CONTENT),
];

/// Sets the headers that protect browsers.
pub(crate) fn set(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// Returns the policy of a page (<https://www.w3.org/TR/CSP3/>): it loads from its own origin only, and runs the scripts and
/// applies the styles within it, which are named by their hashes.
pub(crate) fn content_security_policy(page: &str) -> String {
    format!("{}; frame-ancestors 'none'", policy_of_contents(page))
}

/// Returns the part of the policy that a page can contain itself, in a `meta` element.
pub(crate) fn policy_of_contents(page: &str) -> String {
    let (scripts, styles) = (hashes(page, "script"), hashes(page, "style"));
    format!(
        "default-src 'none'; script-src 'self'{scripts}; style-src 'self'{styles}; img-src 'self' data:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'"
    )
}

/// Returns the hashes of the elements of this name that have their content in the page.
fn hashes(page: &str, wanted: &str) -> String {
    let mut hashes = String::new();
    let mut rest = page;
    // In the order of the page: a script may contain the text of a style element, and the reverse.
    while let Some((name, content, after)) = next_element(rest) {
        if name == wanted {
            let hash = STANDARD.encode(Sha256::digest(content));
            let _ = write!(hashes, " 'sha256-{hash}'");
        }
        rest = after;
    }
    hashes
}

/// Returns the next script or style without attributes, and the text behind it.
fn next_element(page: &str) -> Option<(&'static str, &str, &str)> {
    let elements = [("script", "<script>", "</script>"), ("style", "<style>", "</style>")];
    let first = elements
        .iter()
        .filter_map(|element| Some((page.find(element.1)?, element)));
    let (at, (name, start, end)) = first.min_by_key(|(at, _)| *at)?;
    let (content, after) = page.get(at + start.len()..)?.split_once(end)?;
    Some((name, content, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_runs_what_it_contains_and_nothing_else() {
        let page = "<style>a</style><script src=x></script><script>'<style>b</style>'</script>";
        let policy = content_security_policy(page);
        // printf %s "$content" | openssl dgst -sha256 -binary | base64
        let style = "'sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs='";
        assert!(policy.contains(&format!("style-src 'self' {style};")), "{policy}");
        assert_eq!(policy.matches("sha256-").count(), 2, "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(policy.ends_with("frame-ancestors 'none'"), "{policy}");
    }
}
