use poem::{
    FromRequest, Request, RequestBody,
    http::{HeaderMap, Method, Uri, header, uri::Authority},
};
use problem::Problem;

/// Takes only requests that no other site made a browser send: for writes that use or set cookies without anybody
/// being signed in yet. ([`crate::SignedIn`] looks itself.)
#[derive(Debug, Clone, Copy)]
pub struct SameSite;

/// Origins besides our own whose pages may write by cookie, as browsers write them: `https://tickets.example`.
///
/// Given to the extractors as request data (`.data(TrustedOrigins(…))`); absent means none.
#[derive(Debug, Clone, Default)]
pub struct TrustedOrigins(pub Vec<String>);

impl<'a> FromRequest<'a> for SameSite {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        Ok(Self::check(request)?)
    }
}

impl SameSite {
    /// Looks at what the browser itself says about where a request comes from, as Go's `http.CrossOriginProtection`
    /// does (<https://pkg.go.dev/net/http#CrossOriginProtection>): reading is always allowed; `Sec-Fetch-Site` decides
    /// where it is sent, else `Origin` must be our own; with neither it is no browser.
    pub fn check(request: &Request) -> Result<Self, Problem> {
        let trusted = request.data::<TrustedOrigins>().map_or(&[][..], |trusted| &trusted.0);
        if passes(request.method(), request.headers(), request.original_uri(), trusted) {
            Ok(Self)
        } else {
            Err(
                Problem::forbidden("Another site's page sent this: a write by cookie must come from our own.")
                    .code("cross-site"),
            )
        }
    }
}

fn passes(method: &Method, headers: &HeaderMap, uri: &Uri, trusted: &[String]) -> bool {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return true;
    }
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    let origin = text("origin");
    let is_trusted = || origin.is_some_and(|origin| trusted.iter().any(|known| known == origin));
    match (text("sec-fetch-site"), origin) {
        (Some("same-origin" | "none"), _) | (None, None) => true,
        (None, Some(origin)) if is_own(origin, headers, uri) => true,
        _ => is_trusted(),
    }
}

/// The scheme is not compared: behind a proxy that ends TLS we cannot know it.
fn is_own(origin: &str, headers: &HeaderMap, uri: &Uri) -> bool {
    let Some((_, host)) = origin.split_once("://") else {
        return false;
    };
    let asked = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .or_else(|| uri.authority().map(Authority::as_str));
    asked.is_some_and(|asked| asked.eq_ignore_ascii_case(host))
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

    /// The cases of Go's own test, and ours.
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
                let checked = SameSite::check(&request(method.clone(), &headers));
                assert_eq!(checked.is_ok(), passes, "{method} {headers:?}");
                if let Err(problem) = checked {
                    assert_eq!(problem.status(), 403);
                }
            }
            for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
                assert!(
                    SameSite::check(&request(method, &headers)).is_ok(),
                    "reading changes nothing: {headers:?}"
                );
            }
        }
    }

    #[test]
    fn a_site_that_we_trust_may_write() {
        for (origin, passes) in [("https://shop.example", true), ("http://shop.example", false)] {
            let headers = [
                ("origin", origin),
                ("sec-fetch-site", "cross-site"),
                ("host", "tickets.example"),
            ];
            let mut request = request(Method::POST, &headers);
            request.set_data(TrustedOrigins(vec!["https://shop.example".to_owned()]));
            assert_eq!(SameSite::check(&request).is_ok(), passes, "{origin}");
        }
    }
}
