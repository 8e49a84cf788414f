use poem::{
    FromRequest, Request, RequestBody,
    http::{HeaderMap, Method, Uri, header, uri::Authority},
};
use problem::Problem;

/// Proof that no other site made a browser send the request (cross-site request forgery).
///
/// An extractor for writes that use or set cookies without a signed-in user. ([`crate::SignedIn`] includes the check.)
#[derive(Debug, Clone, Copy)]
pub struct CsrfGuard;

/// Origins besides our own whose pages may write by cookie, as browsers format them: `https://tickets.example`.
///
/// The extractors read it from the request data (`.data(TrustedOrigins(…))`); absent means none.
#[derive(Debug, Clone, Default)]
pub struct TrustedOrigins(pub Vec<String>);

impl<'a> FromRequest<'a> for CsrfGuard {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        Ok(Self::check(request)?)
    }
}

impl CsrfGuard {
    /// Checks the headers by which a browser states the origin of a request, as Go's `http.CrossOriginProtection` does
    /// (<https://pkg.go.dev/net/http#CrossOriginProtection>): reads are always allowed; `Sec-Fetch-Site` decides if
    /// present, else `Origin` must be our own; a request with neither does not come from a browser.
    pub fn check(request: &Request) -> Result<Self, Problem> {
        let trusted = request.data::<TrustedOrigins>().map_or(&[][..], |trusted| &trusted.0);
        if is_allowed(request.method(), request.headers(), request.original_uri(), trusted) {
            Ok(Self)
        } else {
            Err(
                Problem::forbidden("Another site's page sent this: a write by cookie must come from our own.")
                    .code("cross-site"),
            )
        }
    }
}

fn is_allowed(method: &Method, headers: &HeaderMap, uri: &Uri, trusted: &[String]) -> bool {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return true;
    }
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    let origin = text("origin");
    let is_trusted = || origin.is_some_and(|origin| trusted.iter().any(|known| known == origin));
    match (text("sec-fetch-site"), origin) {
        (Some("same-origin" | "none"), _) | (None, None) => true,
        (None, Some(origin)) if is_own_origin(origin, headers, uri) => true,
        _ => is_trusted(),
    }
}

/// The scheme is not compared: behind a proxy that terminates TLS it is not known.
fn is_own_origin(origin: &str, headers: &HeaderMap, uri: &Uri) -> bool {
    let Some((_, host)) = origin.split_once("://") else {
        return false;
    };
    let requested = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .or_else(|| uri.authority().map(Authority::as_str));
    requested.is_some_and(|requested| requested.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: Method, headers: &[(&'static str, &'static str)]) -> Request {
        let request = Request::builder()
            .method(method)
            .uri(Uri::from_static("/api/v1/auth/signin"));
        headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value))
            .finish()
    }

    /// The cases of Go's own test, and more.
    #[test]
    fn a_write_that_another_site_made_a_browser_send_is_refused() {
        let host = ("host", "tickets.example:4000");
        for (headers, passes) in [
            (&[("sec-fetch-site", "same-origin")][..], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "something-new")], false),
            (
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "http://tickets.example:4000"),
                ],
                false,
            ),
            (
                &[
                    ("sec-fetch-site", "same-origin"),
                    ("origin", "https://attacker.example"),
                ],
                true,
            ),
            (&[], true),
            (&[("origin", "https://tickets.example:4000")], true),
            (&[("origin", "http://tickets.example:4000")], true),
            (&[("origin", "http://TICKETS.example:4000")], true),
            (&[("origin", "http://tickets.example")], false),
            (&[("origin", "https://attacker.example")], false),
            (&[("origin", "https://tickets.example:4000.attacker.example")], false),
            (&[("origin", "https://attacker@tickets.example:4000")], false),
            (&[("origin", "null")], false),
            (&[("origin", "")], false),
            (&[("origin", "\u{e9}")], false),
        ] {
            let headers = [headers, &[host]].concat();
            for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                let checked = CsrfGuard::check(&request(method.clone(), &headers));
                assert_eq!(checked.is_ok(), passes, "{method} {headers:?}");
                if let Err(problem) = checked {
                    assert_eq!(problem.status(), 403);
                }
            }
            for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
                assert!(
                    CsrfGuard::check(&request(method, &headers)).is_ok(),
                    "reading changes nothing: {headers:?}"
                );
            }
        }
    }

    #[test]
    fn a_trusted_origin_may_write() {
        for (origin, passes) in [("https://shop.example", true), ("http://shop.example", false)] {
            let headers = [
                ("origin", origin),
                ("sec-fetch-site", "cross-site"),
                ("host", "tickets.example"),
            ];
            let mut request = request(Method::POST, &headers);
            request.set_data(TrustedOrigins(vec!["https://shop.example".to_owned()]));
            assert_eq!(CsrfGuard::check(&request).is_ok(), passes, "{origin}");
        }
    }
}
